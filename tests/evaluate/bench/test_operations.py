"""Operations a frame: a count, held by a stored figure."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from lgtsm.evaluate.bench.operations import (
    CASE,
    count_operations,
    format_operations,
    operations_json,
)

STORED = Path(__file__).parents[3] / "docs" / "operations.json"
CPU = torch.device("cpu")


@pytest.mark.slow
def test_operations_are_counted_by_stage_and_by_call_site():
    case = replace(CASE, height=48, width=64, num_frames=3)
    count_operations(case, device=CPU)  # the first run of a process tries its kernels
    found = count_operations(case, device=CPU)
    assert sum(found.by_stage.values()) == pytest.approx(found.dispatched)
    assert {"measure motion", "register", "copy", "blend", "network"} <= set(found.by_stage)
    assert found.by_stage.get("other", 0) < 0.01 * found.dispatched
    assert found.launched < found.dispatched
    assert len(found.by_site) == 20
    again = count_operations(case, device=CPU)
    assert again.by_stage == found.by_stage
    assert json.loads(operations_json(found))["by_site"] == found.by_site
    assert f"{found.dispatched:,.0f}" in format_operations(found)
    assert set(found.ms_by_stage) == set(found.by_stage)
    assert min(found.ms_by_stage.values()) > 0
    assert "ms a frame" in format_operations(found)


@pytest.mark.slow
def test_a_frame_takes_no_more_operations_than_stored():
    stored = json.loads(STORED.read_text(encoding="utf-8"))
    found = count_operations(device=CPU)
    assert found.case == stored["case"]
    assert found.dispatched == pytest.approx(stored["dispatched"], rel=0.05)
