import json

import torch

from lgtsm.evaluate.bench import key_frames
from lgtsm.evaluate.bench.key_frames import (
    KeyFrameCase,
    format_key_frames,
    key_frames_json,
    run_key_frames,
)

SMALL = KeyFrameCase(height=48, width=64, target=3.0)


def test_a_key_frame_is_timed_by_clock_and_cpu():
    [result] = run_key_frames((SMALL,), device=torch.device("cpu"), rounds=1)
    assert result.case == "64x48 5% missing"
    assert result.seconds > 0 < result.cpu_seconds
    assert json.loads(key_frames_json([result]))[0] == vars(result)
    heading, row = format_key_frames([result]).splitlines()
    assert heading.split() == ["case", "s", "CPU", "s", "target", "s"]
    assert row.startswith(result.case)
    assert row.endswith(" 3")


def test_what_is_timed_synthesises_the_whole_disc(monkeypatch):
    reports = []
    make = key_frames.Report
    monkeypatch.setattr(key_frames, "Report", lambda: reports.append(make()) or reports[-1])
    run_key_frames((SMALL,), device=torch.device("cpu"), rounds=1)
    assert len(reports) == 2
    assert all(report.sources["synthesised"] > 0.9 for report in reports)
