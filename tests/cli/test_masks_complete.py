"""`lgtsm masks complete`, `lgtsm inpaint --complete` and `lgtsm check --object`."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
import torch

from lgtsm.cli.main import main
from lgtsm.masks.morph import grow
from lgtsm.scene.camera import SceneOptions
from lgtsm.scene.render import render_scene
from lgtsm.video.clip import write_clip, write_mask_clip
from lgtsm.video.read import read_frames, read_masks

SIZE = (72, 128)


@pytest.fixture(scope="module")
def shot(tmp_path_factory):
    """Return the folder of a rendered film with the mask of its vehicle alone, and the true shadow."""
    folder = tmp_path_factory.mktemp("shot")
    scene = render_scene(SceneOptions(num_frames=12, height=SIZE[0], width=SIZE[1]))
    vehicle = scene.mask * (1 - grow(scene.shadow, 1))
    write_clip(folder / "film.mp4", scene.frames, rate=scene.rate, crf=4)
    write_mask_clip(folder / "mask.mkv", vehicle, SIZE, rate=scene.rate)
    return folder, vehicle, scene.shadow


def _masks(path):
    return torch.stack(list(read_masks(path)))


@pytest.mark.slow
def test_masks_are_completed_and_shown(shot, tmp_path, capsys):
    folder, vehicle, shadow = shot
    argv = ["masks", "complete", str(folder / "film.mp4"), "--mask", str(folder / "mask.mkv")]
    argv += ["--preview", str(tmp_path / "look"), "-o", str(tmp_path / "whole.mkv"), "--no-cuts"]
    assert main(argv) == 0
    found = _masks(tmp_path / "whole.mkv")
    assert found.shape == vehicle.shape
    assert torch.equal(found * vehicle, vehicle)
    assert (found * shadow).sum() > 0.7 * shadow.sum()
    assert "added shadow " in capsys.readouterr().err
    shown = torch.stack([frame.rgb() for frame in read_frames(tmp_path / "look")])
    yellow = (shown[:, 0] - shown[:, 2] > 0.4) & (shown[:, 1] - shown[:, 2] > 0.3)
    assert yellow.sum() > 0.5 * shadow.sum()


def test_a_range_leaves_other_masks_empty(shot, tmp_path):
    folder, vehicle, _ = shot
    argv = ["masks", "complete", str(folder / "film.mp4"), "--mask", str(folder / "mask.mkv")]
    argv += ["--complete", "rim", "--range", "4-8", "-o", str(tmp_path / "part.mkv"), "--quiet"]
    assert main(argv) == 0
    found = _masks(tmp_path / "part.mkv")
    assert len(found) == len(vehicle)
    assert not found[:4].any()
    assert not found[8:].any()
    assert torch.equal(found[4:8] * vehicle[4:8], vehicle[4:8])


@pytest.mark.slow
def test_inpaint_completes_first_and_reports_it(shot, tmp_path):
    folder, _, shadow = shot
    argv = ["inpaint", str(folder / "film.mp4"), "--mask", str(folder / "mask.mkv"), "--quiet"]
    argv += [
        "--mode",
        "copy",
        "--no-cuts",
        "--grow",
        "0",
        "--mask-used",
        str(tmp_path / "used.mkv"),
    ]
    argv += ["--report", str(tmp_path / "report.json"), "-o", str(tmp_path / "clean.mkv")]
    assert main([*argv, "--complete", "shadow,rim"]) == 0
    used = _masks(tmp_path / "used.mkv")
    assert (used * shadow).sum() > 0.7 * shadow.sum()
    added = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["added"]
    assert added.keys() == {"shadow", "rim", "perhaps"}
    assert added["shadow"] > 0.005


@pytest.mark.slow
def test_a_part_of_a_film_is_completed_with_masks_that_grow_in_time(shot, tmp_path):
    folder, vehicle, _ = shot
    argv = ["inpaint", str(folder / "film.mp4"), "--mask", str(folder / "mask.mkv"), "--quiet"]
    argv += [
        "--mode",
        "copy",
        "--no-cuts",
        "--grow",
        "0",
        "--mask-used",
        str(tmp_path / "used.mkv"),
    ]
    argv += ["--start", "4", "--end", "6", "--temporal-grow", "1", "--complete", "rim"]
    assert main([*argv, "-o", str(tmp_path / "clean.mkv")]) == 0
    used = _masks(tmp_path / "used.mkv")
    assert len(used) == 2
    assert (used >= torch.stack([vehicle[t - 1 : t + 2].amax(0) for t in (4, 5)])).all()


def test_a_mask_of_another_length_is_refused(shot, tmp_path, capsys):
    folder, vehicle, _ = shot
    write_mask_clip(tmp_path / "short.mkv", vehicle[:7], SIZE, rate=Fraction(24))
    argv = ["masks", "complete", str(folder / "film.mp4"), "--mask", str(tmp_path / "short.mkv")]
    assert main([*argv, "-o", str(tmp_path / "whole.mkv"), "--quiet"]) == 1
    assert "Expected one mask or 12 like the frames, got 7" in capsys.readouterr().err
    assert not (tmp_path / "whole.mkv").exists()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        (["--complete", "reflection"], "Expected shadow, rim or shadow,rim"),
        (["--complete", "shadow", "--dry-run"], "Expected --complete without --dry-run"),
    ],
)
def test_what_cannot_be_completed_is_refused(shot, tmp_path, more, words, capsys):
    folder, _, _ = shot
    argv = ["inpaint", str(folder / "film.mp4"), "--mask", str(folder / "mask.mkv")]
    assert main([*argv, "-o", str(tmp_path / "clean.mkv"), *more]) == 1
    assert words in capsys.readouterr().err
    assert not (tmp_path / "clean.mkv").exists()


@pytest.mark.slow
def test_check_warns_where_the_object_reaches_outside_the_mask(shot, capsys):
    folder, _, _ = shot
    film, mask = str(folder / "film.mp4"), str(folder / "mask.mkv")
    argv = ["check", film, film, mask, "--tolerance", "0", "--quiet"]
    main(argv)
    assert "the object reaches" not in capsys.readouterr().err
    main([*argv, "--object"])
    assert "the object reaches outside the mask: shadow" in capsys.readouterr().err
