"""`lgtsm check` on films and folders."""

import json
from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from PIL import Image

from lgtsm.engine.hooks import Hooks
from lgtsm.file_check import FileCheck
from lgtsm.options import VideoOptions
from lgtsm.scene.camera import Camera, SceneOptions
from lgtsm.scene.render import render_scene
from lgtsm.video.clip import write_clip, write_mask_clip
from lgtsm.video.read import read_frames
from lgtsm.video.write import open_writer


@pytest.fixture
def filled(lgtsm, make_film, make_mask, model, tmp_path):
    """filled(*options) -> (source, result, mask used) of a real job."""

    def run(*options, name="clean.mkv", size=(48, 64)):
        source, mask = make_film(size=size), make_mask(size=size)
        result, used = tmp_path / name, tmp_path / "used.mkv"
        arguments = ("--mask", mask, "-o", result, "--mask-used", used, "--model", model)
        code, _, err = lgtsm("inpaint", source, *arguments, "--quiet", *options)
        assert code == 0, err
        return source, result, used

    return run


@pytest.mark.slow
def test_a_lossless_result_passes_bit_for_bit(lgtsm, filled):
    code, out, err = lgtsm("check", *filled("--lossless"), "--quiet")
    assert code == 0, err
    lines = out.splitlines()
    assert lines[0] == "Passed: nothing outside the mask changed."
    assert "12 of 64x48" in lines[1]
    assert "bit for bit the same" in lines[2]


@pytest.mark.slow
def test_the_mask_that_was_given_needs_the_same_grow(lgtsm, filled, tmp_path):
    source, result, _ = filled("--lossless")
    mask = tmp_path / "mask.png"
    assert lgtsm("check", source, result, mask)[0] == 1
    assert lgtsm("check", source, result, mask, "--grow", 4)[0] == 0


@pytest.mark.slow
def test_an_encoded_result_is_judged_by_what_encoding_does_to_the_source(lgtsm, filled):
    files = filled(name="clean.mp4")
    code, out, err = lgtsm("check", *files)
    assert code == 0, err
    assert out.startswith("Passed: outside the mask changed only what encoding changes everywhere")
    assert "--lossless" in out.splitlines()[0]
    report = json.loads(lgtsm("check", *files, "--json")[1])
    assert report["psnr_outside"] == pytest.approx(report["psnr_encoded"], abs=1)
    code, out, _ = lgtsm("check", *files, "--quality", 0)  # a better encoder would have kept more
    assert code == 1
    assert out.startswith("Failed: outside the mask the result keeps")
    assert "--quality" in out.splitlines()[0]


@pytest.mark.parametrize("size", [(48, 64), pytest.param((90, 160), marks=pytest.mark.slow)])
def test_a_small_film_is_judged_with_what_its_hole_shows(size, tmp_path):
    """An encoder shares its bits between hole and surroundings, the more the smaller the film is."""
    options = SceneOptions(
        seed=3, camera=Camera.PARALLAX, num_frames=8, height=size[0], width=size[1]
    )
    scene = render_scene(options)
    source, mask = tmp_path / "source.mp4", tmp_path / "mask.mkv"
    write_clip(source, scene.frames, rate=Fraction(24))
    write_mask_clip(mask, iter(scene.mask), size, rate=Fraction(24))
    shift = torch.zeros_like(scene.truth)
    shift[:, :, :16, :16] = 0.03
    verdicts = {}
    for name, change, quality in (("right", 0, 16), ("moved", shift, 16), ("coarse", 0, 21)):
        result = tmp_path / f"{name}.mp4"
        with open_writer(result, source, options=VideoOptions(quality=quality)) as writer:
            pictures = zip(
                read_frames(source), scene.truth, scene.mask, change + 0 * shift, strict=True
            )
            for frame, truth, hole, light in pictures:
                wrong = (light > 0).any(0, keepdim=True)
                filled = torch.where(wrong, frame.rgb() + light, truth).clamp(0, 1)
                writer.write(frame, filled, hole.maximum(wrong.float()))
        check = FileCheck(original=source, result=result, mask=mask)
        verdicts[name] = check.run(Hooks(None, None)).passed
    assert verdicts == {"right": True, "moved": False, "coarse": False}


@pytest.mark.slow
def test_a_change_beside_the_mask_is_found_in_an_encoded_result(lgtsm, filled, read_film, tmp_path):
    source, result, used = filled(name="clean.mp4")
    pixels, changed = read_film(result), tmp_path / "changed.mp4"
    pixels[5, 36:44, 40:48] ^= 32
    with av.open(str(changed), "w") as out:
        stream = out.add_stream("libx264", rate=24, options={"crf": "16"})
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        for values in pixels:
            out.mux(stream.encode(av.VideoFrame.from_ndarray(values, format="rgb24")))
        out.mux(stream.encode(None))
    code, out, _ = lgtsm("check", source, changed, used)
    assert code == 1
    assert out.startswith("Failed: ")


@pytest.mark.slow
def test_a_tolerance_is_a_limit_of_its_own(lgtsm, filled):
    files = filled(name="clean.mp4")
    code, out, _ = lgtsm("check", *files, "--tolerance", 0, "--json")
    report = json.loads(out)
    assert code == 1
    assert report["pixels_changed_outside"] > 0
    worst = report["max_error_outside"]
    assert lgtsm("check", *files, "--tolerance", worst)[0] == 0
    assert lgtsm("check", *files, "--tolerance", worst / 2)[0] == 1


def test_a_part_of_a_film_is_checked_against_its_range(lgtsm, filled, one_sentence):
    source, result, used = filled("--lossless", "--start", 3, "--end", 9)
    code, _, err = lgtsm("check", source, result, used)
    assert code == 1
    assert "Expected" in err
    mask = source.with_name("mask.png")
    part = ("--start", 3, "--end", 9, "--grow", 4)
    code, out, err = lgtsm("check", source, result, mask, *part)
    assert code == 0, err
    assert "6 of 64x48" in out
    code, out, err = lgtsm("check", source, result, used, "--start", 3, "--end", 9)
    assert code == 0, err
    assert "6 of 64x48" in out


def test_folders_are_checked_too(lgtsm, tmp_path):
    for name in ("a", "b", "m"):
        (tmp_path / name).mkdir()
    picture = np.random.default_rng(0).integers(0, 255, (32, 40, 3), np.uint8)
    mask = np.zeros((32, 40), np.uint8)
    mask[8:20, 10:30] = 255
    other = np.where(mask[..., None] > 0, 128, picture).astype(np.uint8)
    for t in range(3):
        for name, values, pixels in (
            ("a", picture, "rgb24"),
            ("b", other, "rgb24"),
            ("m", mask, "gray"),
        ):
            path = str(tmp_path / name / f"{t}.png")
            with av.open(path, "w", format="image2", options={"update": "1"}) as out:
                stream = out.add_stream("png", rate=1)
                stream.height, stream.width, stream.pix_fmt = 32, 40, pixels
                out.mux(stream.encode(av.VideoFrame.from_ndarray(values, format=pixels)))
                out.mux(stream.encode(None))
    folders = [tmp_path / name for name in "abm"]
    assert lgtsm("check", *folders)[0] == 0
    (tmp_path / "m" / "2.png").unlink()
    code, _, err = lgtsm("check", *folders)
    assert code == 1
    assert "masks" in err


def test_memory_does_not_grow_with_the_film(lgtsm, make_film, make_mask, monkeypatch):
    """At most a handful of frames are alive at once, however long the film is."""
    import weakref

    from lgtsm.metrics.check import Checker

    alive, most = weakref.WeakSet(), []
    plain = Checker.add

    def add(self, original, *others):
        alive.add(original)
        most.append(len(alive))
        plain(self, original, *others)

    monkeypatch.setattr(Checker, "add", add)
    film = make_film(num=60)
    lgtsm("check", film, film, make_mask(), "--quiet")
    assert len(most) == 60
    assert max(most) < 6


def test_what_is_missing_or_does_not_fit_is_one_sentence(lgtsm, make_film, make_mask, tmp_path):
    film, mask = make_film(), make_mask()
    small = make_film("small.mp4", size=(32, 48))
    short = make_film("short.mp4", num=5)
    for files in (
        (film, tmp_path / "none.mp4", mask),
        (film, small, mask),
        (film, short, mask),
        (short, film, mask),
        (film, film, make_mask("masks", num=5)),
    ):
        code, out, err = lgtsm("check", *files)
        assert (code, out) == (1, "")
        assert err.startswith("lgtsm: Expected ")
        assert err.count("\n") == 1


@pytest.mark.slow
def test_what_no_frame_shows_is_told_where_asked_for(lgtsm, filled):
    files = filled("--lossless")
    assert json.loads(lgtsm("check", *files, "--json")[1])["unseen"] is None
    code, out, err = lgtsm("check", *files, "--json", "--unseen", "--quiet")
    assert code == 0, err
    share = json.loads(out)["unseen"]
    assert 0 < share <= 1
    text = lgtsm("check", *files, "--unseen", "--quiet")[1]
    assert f"no frame shows {share:.1%} of the mask: it is invented there" in text


@pytest.mark.slow
def test_the_share_that_no_frame_shows_is_that_of_the_mask(lgtsm, make_film, tmp_path):
    """A mask of one frame: the others show what is behind it, so that nothing is unseen."""
    source = make_film(size=(48, 64))
    share = {}
    for name, frames in (("one", (5,)), ("all", range(12))):
        folder = tmp_path / name
        folder.mkdir()
        for t in range(12):
            mask = np.zeros((48, 64), np.uint8)
            if t in frames:
                mask[16:32, 20:44] = 255
            Image.fromarray(mask).save(folder / f"{t:02d}.png")
        out = lgtsm("check", source, source, folder, "--json", "--unseen", "--quiet")[1]
        share[name] = json.loads(out)["unseen"]
    assert share["one"] < 0.1
    assert share["all"] > share["one"] + 0.3
