import json
from dataclasses import replace

import pytest
import torch

from lgtsm.errors import OptionError
from lgtsm.evaluate.bench.cases import PRESETS, BenchCase
from lgtsm.evaluate.bench.results import compare_runs, format_changes, read_run
from lgtsm.evaluate.bench.run import run_bench

CASE = BenchCase(height=32, width=48, base_width=4, num_frames=3, hole_ratio=0.08)


@pytest.fixture(scope="module")
def run():
    return run_bench((CASE,), device=torch.device("cpu"), rounds=1)


def _changed(run, **values):
    row = run.cases[0]
    case = values.pop("case", row.case)
    return replace(run, cases=(replace(row, case=case, **values),))


def test_sweeps_cover_their_range():
    sizes = [(c.width, c.height) for c in PRESETS["sizes"]]
    assert (sizes[0], sizes[-1]) == ((128, 128), (1920, 1080))
    areas = [c.hole_ratio for c in PRESETS["areas"]]
    assert (min(areas), max(areas)) == (0.01, 0.3)
    assert [c.num_frames for c in PRESETS["lengths"]] == [16, 64, 250, 1000]


def test_a_run_compared_with_itself_has_not_changed(run):
    (change,) = compare_runs(run, run)
    assert (change.ratio, change.speed) == (1, 1)
    assert "1.00x" in format_changes([change])


def test_ratio_speed_and_memory_follow_the_figures(run):
    row = run.cases[0]
    faster = _changed(
        run, ratio=2 * row.ratio, seconds_per_frame=row.seconds_per_frame / 3, peak_bytes=200
    )
    (change,) = compare_runs(_changed(run, peak_bytes=100), faster)
    assert (change.ratio, change.memory) == (2, 2)
    assert change.speed == pytest.approx(3)


def test_on_another_device_only_the_ratio_is_reported(run):
    other = replace(run, machine=replace(run.machine, device_name="another"))
    (change,) = compare_runs(run, other)
    assert change.ratio == 1
    assert change.speed is change.memory is None
    assert "-" in format_changes([change]).splitlines()[1]


def test_a_target_is_not_part_of_the_case(run):
    wished = _changed(run, case=replace(CASE, target=9.0))
    assert len(compare_runs(run, wished)) == 1


def test_runs_that_share_nothing_are_refused(run, one_sentence):
    longer = _changed(run, case=replace(CASE, num_frames=4))
    halves = replace(run, machine=replace(run.machine, dtype="bfloat16"))
    for other in (longer, halves):
        with pytest.raises(OptionError) as caught:
            compare_runs(run, other)
        one_sentence(caught.value)


def test_files_are_read_and_others_refused(run, tmp_path, one_sentence):
    path = tmp_path / "bench.json"
    path.write_text(run.to_json())
    assert read_run(path) == run
    for text in ("nothing", "[]", json.dumps({"rounds": 1})):
        path.write_text(text)
        with pytest.raises(OptionError) as caught:
            read_run(path)
        one_sentence(caught.value)
    with pytest.raises(OptionError) as caught:
        read_run(tmp_path / "none.json")
    one_sentence(caught.value)
