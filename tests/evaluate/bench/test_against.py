import json
from pathlib import Path

import pytest

from lgtsm.errors import OptionError, VideoError
from lgtsm.evaluate.bench.against import against_json, format_against, run_against
from lgtsm.evaluate.bench.product import ProductCase
from lgtsm.scene.camera import Camera

HERE = Path(__file__).parents[3]
SMALL = ProductCase(camera=Camera.LOCKED, height=48, width=64, num_frames=4)


def _other_version(folder: Path, body: str) -> Path:
    package = folder / "lgtsm"
    package.mkdir()
    (package / "__init__.py").write_text(body)
    return folder


@pytest.mark.slow
def test_another_version_is_measured_in_the_same_rounds(tmp_path: Path):
    slow = "import time\ndef inpaint(frames, masks):\n    time.sleep(60 * masks.mean().item())\n"
    [result] = run_against(_other_version(tmp_path, slow), (SMALL,), threads=1, rounds=1)
    assert result.other_quiet == pytest.approx(4 / (60 * 0.05), rel=0.1)
    assert result.ratio == pytest.approx(result.quiet / result.other_quiet)
    assert result.busy_ratio == pytest.approx(result.busy / result.other_busy)
    assert json.loads(against_json([result]))[0]["case"] == "64x48 locked copy+fill auto"
    heading, row = format_against([result]).splitlines()
    assert heading.split()[0] == "case"
    assert row.startswith("64x48 locked")


def test_a_folder_without_the_package_is_refused(tmp_path: Path):
    with pytest.raises(
        OptionError, match="found no package lgtsm there; make one with `git worktree"
    ):
        run_against(tmp_path, (SMALL,), threads=1)


@pytest.mark.slow
def test_a_version_that_fails_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]):
    broken = _other_version(
        tmp_path, "def inpaint(frames, masks):\n    raise RuntimeError('broken')\n"
    )
    with pytest.raises(VideoError, match="Expected a version of lgtsm to fill"):
        run_against(broken, (SMALL,), threads=1)
    assert "broken" in capfd.readouterr().err
