"""`lgtsm track` and `lgtsm inpaint --track`."""

from __future__ import annotations

import pytest
import torch
from PIL import Image

from lgtsm.cli.main import main
from lgtsm.masks.overlay import labelled, overlay
from lgtsm.scene.camera import SceneOptions
from lgtsm.scene.render import render_scene
from lgtsm.video.clip import write_clip
from lgtsm.video.image import write_picture
from lgtsm.video.read import read_frames, read_masks


@pytest.fixture(scope="module")
def shot(tmp_path_factory):
    """Return the folder of a rendered film, with its mask on frames 0 and 6 painted."""
    folder = tmp_path_factory.mktemp("shot")
    scene = render_scene(SceneOptions(num_frames=8, height=96, width=160))
    write_clip(folder / "film.mp4", scene.frames, rate=scene.rate)
    for number in (0, 6):
        write_picture(scene.mask[number].expand(3, -1, -1), folder / f"{number}.png")
    return folder, scene.mask


def test_a_painted_picture_becomes_a_mask_film(shot, tmp_path, capsys):
    folder, true = shot
    mask = tmp_path / "mask.mkv"
    confidence = tmp_path / "confidence.txt"
    argv = ["track", str(folder / "film.mp4"), "--prompt", f"{folder / '6.png'}@6", "-o", str(mask)]
    assert main([*argv, "--confidence", str(confidence), "--no-cuts"]) == 0
    found = torch.stack(list(read_masks(mask)))
    assert found.shape == true.shape
    assert torch.equal(found[6], true[6])
    overlap = (found * true).sum((1, 2, 3)) / found.maximum(true).sum((1, 2, 3))
    assert overlap[4:].min() > 0.6
    assert "8 masks, sure to" in capsys.readouterr().err
    lines = [line.split("\t") for line in confidence.read_text(encoding="utf-8").split("\n")]
    assert [int(line[0]) for line in lines if line[0]] == list(range(8))
    assert lines[6][1] == "1.000"


def test_what_is_kept_is_read_again_and_a_damaged_file_is_made_anew(shot, tmp_path):
    folder, _ = shot
    mask, keep = tmp_path / "mask.mkv", tmp_path / "keep"
    argv = ["track", str(folder / "film.mp4"), "--prompt", f"{folder / '0.png'}@0", "--quiet"]
    argv += ["--keep", str(keep), "--no-cuts", "-o", str(mask)]
    assert main(argv) == 0
    first, (file,) = list(read_masks(mask)), keep.iterdir()
    written = file.stat().st_mtime_ns
    assert main(argv) == 0
    assert all(map(torch.equal, read_masks(mask), first))
    assert file.stat().st_mtime_ns == written
    file.write_bytes(b"damaged")
    assert main(argv) == 0
    assert all(map(torch.equal, read_masks(mask), first))
    assert file.stat().st_size > 100


def test_a_preview_shows_the_mask_in_red_and_the_numbers_of_the_frames(shot, tmp_path):
    folder, _ = shot
    film, mask, shown = folder / "film.mp4", tmp_path / "mask.mkv", tmp_path / "shown"
    argv = ["track", str(film), "--prompt", f"{folder / '0.png'}@0", "-o", str(mask), "--quiet"]
    assert main([*argv, "--preview", str(shown), "--no-cuts"]) == 0
    frames, found = (
        torch.stack([frame.rgb() for frame in read_frames(path)]) for path in (film, shown)
    )
    expected = labelled(overlay(frames, torch.stack(list(read_masks(mask)))), map(str, range(8)))
    assert torch.allclose(found, expected, atol=1 / 255)
    for wrong in (film, tmp_path / "look.txt"):
        assert main([*argv, "--preview", str(wrong)]) == 1


def test_how_painted_pictures_were_understood_is_said_once(shot, tmp_path, capsys):
    folder, masks = shot
    argv = ["track", str(folder / "film.mp4"), "-o", str(tmp_path / "mask.mkv"), "--no-cuts"]
    frames = list(read_frames(folder / "film.mp4"))
    for number in (0, 6):
        rgba = torch.cat([frames[number].rgb(), 1 - masks[number]])
        Image.fromarray((255 * rgba).byte().permute(1, 2, 0).numpy()).save(
            tmp_path / f"{number}.png"
        )
        argv += ["--prompt", f"{tmp_path / str(number)}.png@{number}"]
    assert main(argv) == 0
    said = capsys.readouterr().err
    assert said.count("what is transparent is masked") == 1
    assert f"{tmp_path / '0.png'}, {tmp_path / '6.png'}: a picture with transparency" in said


@pytest.mark.parametrize(
    ("painted", "words"), [((0,), "doubtful around frame "), (range(8), "doubtful in no frame")]
)
def test_frames_to_look_at_are_named_or_there_are_none(shot, tmp_path, capsys, painted, words):
    folder, masks = shot
    argv = ["track", str(folder / "film.mp4"), "-o", str(tmp_path / "mask.mkv"), "--no-cuts"]
    for number in painted:
        picture = tmp_path / f"{number}.png"
        write_picture(masks[number].expand(3, -1, -1), picture)
        argv += ["--prompt", f"{picture}@{number}"]
    assert main(argv) == 0
    assert words in capsys.readouterr().err


def test_inpaint_keeps_what_it_tracked_where_track_finds_it(shot, tmp_path):
    folder, _ = shot
    film, keep, target = folder / "film.mp4", tmp_path / "keep", tmp_path / "clean.mkv"
    argv = ["inpaint", str(film), "--track", f"{folder / '0.png'}@0", "--mode", "copy", "--no-cuts"]
    assert main([*argv, "--keep", str(keep), "-o", str(target), "--quiet"]) == 0
    (file,) = keep.iterdir()
    written = file.stat().st_mtime_ns
    argv = ["track", str(film), "--prompt", f"{folder / '0.png'}@0", "--no-cuts", "--quiet"]
    assert main([*argv, "--keep", str(keep), "-o", str(tmp_path / "mask.mkv")]) == 0
    assert list(keep.iterdir()) == [file]
    assert file.stat().st_mtime_ns == written


def test_outputs_that_exist_are_refused_before_tracking(shot, tmp_path, capsys):
    folder, _ = shot
    target, keep = tmp_path / "clean.mkv", tmp_path / "keep"
    target.write_bytes(b"of the last round")
    argv = [
        "inpaint",
        str(folder / "film.mp4"),
        "--track",
        f"{folder / '0.png'}@0",
        "-o",
        str(target),
    ]
    assert main([*argv, "--keep", str(keep), "--no-overwrite"]) == 1
    assert "Expected outputs that do not exist yet" in capsys.readouterr().err
    assert not keep.exists()
    assert target.read_bytes() == b"of the last round"


def test_nothing_is_kept_without_tracking(shot, tmp_path, capsys):
    folder, _ = shot
    argv = ["inpaint", str(folder / "film.mp4"), "--mask", str(folder / "0.png")]
    assert main([*argv, "-o", str(tmp_path / "clean.mkv"), "--keep", str(tmp_path / "keep")]) == 1
    assert "Expected --keep together with --track" in capsys.readouterr().err
    assert not (tmp_path / "keep").exists()


def test_a_painted_frame_is_not_replaced(shot, tmp_path, capsys):
    folder, _ = shot
    painted = folder / "0.png"
    before = painted.read_bytes()
    argv = [
        "inpaint",
        str(folder / "film.mp4"),
        "--track",
        f"{painted}@0",
        "-o",
        str(tmp_path / "clean.mkv"),
    ]
    assert main([*argv, "--keep", str(painted)]) == 1
    assert "Expected a name of its own" in capsys.readouterr().err
    assert painted.read_bytes() == before


@pytest.mark.slow
def test_inpaint_tracks_first(shot, tmp_path, capsys):
    folder, _ = shot
    target, used = tmp_path / "clean.mkv", tmp_path / "used.mkv"
    argv = ["inpaint", str(folder / "film.mp4"), "--track", f"{folder / '0.png'}@0"]
    argv += ["--mode", "copy", "--lossless", "--no-cuts", "--mask-used", str(used)]
    assert main([*argv, "-o", str(target)]) == 0
    assert "the mask is doubtful around frame " in capsys.readouterr().err
    before, after = (
        torch.stack([f.rgb() for f in read_frames(p)]) for p in (folder / "film.mp4", target)
    )
    changed = (before - after).abs().amax(1, keepdim=True) > 0.02
    holes = torch.stack(list(read_masks(used))) > 0.5
    assert changed.any()
    # two pixels share a sample of colour
    near = torch.nn.functional.max_pool2d(holes.float(), 5, 1, 2) > 0
    assert not (changed & ~near).any()


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ([], "Expected the object in one frame at least"),
        (["--prompt", "0.png"], "add @ and the number of the frame"),
        (["--prompt", "none.png@0"], "found no file 'none.png'"),
        (["--box", "1,2,3@0"], "a box as X,Y,WIDTH,HEIGHT@FRAME"),
        (["--point", "1@0"], "a point as X,Y@FRAME"),
        (["--not-point", "1,1@0"], "Expected --point on every frame with --not-point"),
        (["--box", "0,0,9,9@80"], "got one on frame 80"),
    ],
)
def test_wrong_prompts_end_in_a_sentence_and_no_file(shot, tmp_path, capsys, more, words):
    folder, _ = shot
    target = tmp_path / "mask.mkv"
    assert main(["track", str(folder / "film.mp4"), "-o", str(target), "--quiet", *more]) == 1
    assert words in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_inpaint_refuses_to_track_what_it_cannot_keep(shot, tmp_path, capsys):
    folder, _ = shot
    argv = ["inpaint", str(folder / "film.mp4"), "--track", f"{folder / '0.png'}@0", "--resume"]
    assert main([*argv, "-o", str(tmp_path / "out.mp4")]) == 1
    assert "run `lgtsm track` first" in capsys.readouterr().err
