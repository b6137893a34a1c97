import json

import pytest

from lgtsm.errors import VideoError
from lgtsm.evaluate.bench.memory import MemoryCase, format_memory, memory_json, run_memory


@pytest.mark.slow
def test_the_peak_of_a_clip_is_told_beside_the_estimate():
    [result] = run_memory((MemoryCase(height=120, width=160, num_frames=6),), threads=1)
    assert 0 < result.peak_bytes < 1e9
    assert 0 < result.estimated_bytes < 1e9
    assert result.seconds_per_frame > 0
    assert json.loads(memory_json([result]))[0]["case"] == "160x120 8% hole, 6 frames"
    heading, row = format_memory([result]).splitlines()
    assert heading.split() == ["case", "GB", "estimate", "ratio", "s/frame"]
    assert row.startswith("160x120")


@pytest.mark.slow
def test_a_process_that_fails_is_told(capfd: pytest.CaptureFixture[str]):
    with pytest.raises(VideoError, match="Expected a process to fill 0x0 8% hole"):
        run_memory((MemoryCase(height=0, width=0, num_frames=2),), threads=1)
    assert "Error" in capfd.readouterr().err
