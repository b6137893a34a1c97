"""The protocol `tracking`, from clips on disk to its tables."""

from __future__ import annotations

import pytest
import torch

from lgtsm.cli.main import main
from lgtsm.evaluate.score import tracking
from lgtsm.evaluate.tracking.measure import painted_frames, score_track
from lgtsm.evaluate.tracking.results import rank_correlation, read_tracking, tracking_text
from lgtsm.scene.camera import SceneOptions
from lgtsm.scene.render import render_scene
from lgtsm.video.image import write_picture


@pytest.fixture(scope="module")
def scene():
    return render_scene(SceneOptions(num_frames=4, height=64, width=96))


def test_frames_are_painted_where_the_object_shows():
    masks = torch.zeros(9, 1, 10, 10)
    masks[2:7] = 1
    assert painted_frames(masks, 1) == [2]
    assert painted_frames(masks, 3) == [2, 4, 6]
    assert painted_frames(masks, 9) == [2, 3, 4, 5, 6]
    assert painted_frames(torch.zeros(3, 1, 4, 4), 3) == []


def test_painted_frames_do_not_count(scene):
    row = score_track("scene", scene.frames, scene.mask, 3)
    assert row["painted"] == 3
    assert len(row["overlap"]) == len(row["confidence"]) == 1
    assert row["J"] == row["overlap"][0]
    assert 0 < row["J"] <= row["R"] <= 1


@pytest.mark.slow
def test_a_folder_of_clips_becomes_results_and_a_page(scene, tmp_path, capsys):
    clip = tmp_path / "data" / "one"
    (clip / "masks").mkdir(parents=True)
    for number in range(4):
        write_picture(scene.frames[number], clip / f"{number}.png")
        write_picture(scene.mask[number].expand(3, -1, -1), clip / "masks" / f"{number}.png")
    out = tmp_path / "out"
    argv = ["score", "--protocol", "tracking", "--data", str(clip.parent), "-o", str(out)]
    assert main([*argv, "--workers", "1", "--clips", "1", "--frames", "4", "--quiet"]) == 0
    results = read_tracking(out / "tracking.json")
    # at five, all four frames are painted and none is left to compare
    assert [row["painted"] for row in results.scores] == [1, 3]
    assert [row["painted"] for row in results.removals] == [0, 1, 3, 5]
    true, *tracked = (row["psnr"] for row in results.removals)
    assert results.removals[0]["J"] == 1
    assert all(10 < psnr < true + 1 for psnr in tracked)
    assert tracked == sorted(tracked)  # more painted frames, a better removal
    assert tracking_text(results) in capsys.readouterr().out
    assert main(["score", "--page", str(out)]) == 0
    page = capsys.readouterr().out
    assert "## Protocol `tracking`" in page
    assert "| one | " in page
    assert "| planar 1 | " in page


def test_rank_correlation_is_over_all_frames():
    rows = [
        {"confidence": [0.1, 0.2], "overlap": [0.5, 0.6]},
        {"confidence": [0.9, 0.8], "overlap": [0.9, 0.8]},
    ]
    assert rank_correlation(rows) == pytest.approx(1)


def test_data_without_masks_are_refused_before_any_work(scene, tmp_path, capsys, monkeypatch):
    started = []
    monkeypatch.setattr(tracking, "ProcessPoolExecutor", lambda *_, **__: started.append(1))
    clip = tmp_path / "data" / "one"
    clip.mkdir(parents=True)
    for number in range(2):
        write_picture(scene.frames[number], clip / f"{number}.png")
    out = str(tmp_path / "o")
    argv = ["score", "--protocol", "tracking", "--data", str(clip.parent), "-o", out]
    assert main([*argv, "--workers", "1", "--quiet"]) == 1
    assert "Expected clips with masks of an object" in capsys.readouterr().err
    assert started == []
