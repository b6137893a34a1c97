"""Files of a still image's kind that hold several pictures: all are read, or the file is refused."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from PIL import Image

from lgtsm.errors import VideoError
from lgtsm.video.image import is_still, read_picture
from lgtsm.video.probe import count_frames, probe
from lgtsm.video.read import read_frames, read_masks

LEVELS = (10, 90, 240)


def _save(path, levels=LEVELS, **options):
    """Save pictures with a light corner each; equal neighbours would be merged."""
    pictures = []
    for level in levels:
        pixels = np.full((16, 24, 3), level, np.uint8)
        pixels[:4, :4] = 255
        pictures.append(Image.fromarray(pixels))
    pictures[0].save(path, save_all=True, append_images=pictures[1:], **options)
    return path


def _levels(frames):
    return [round(float(f.rgb()[0, 10, 10]) * 255) for f in frames]


def test_animated_png_is_a_film_with_its_times(tmp_path, refill):
    source = _save(tmp_path / "a.png", duration=[100, 300, 100])
    assert not is_still(source)
    frames = list(read_frames(source))
    assert _levels(frames) == list(LEVELS)
    assert [f.time for f in frames] == [0, Fraction(1, 10), Fraction(2, 5)]
    assert count_frames(source) == 3
    info = probe(source)
    assert (info.num_frames, info.is_still) == (3, False)
    hole = (slice(5, 9), slice(5, 9))
    assert refill(source, tmp_path / "out.mkv", lossless=True, hole=hole) == 3
    assert refill(source, tmp_path / "out", hole=hole) == 3
    for target in ("out.mkv", "out"):
        assert _levels(read_frames(tmp_path / target)) == list(LEVELS)
    times = [f.time for f in read_frames(tmp_path / "out.mkv")]
    assert times == [0, Fraction(1, 10), Fraction(2, 5)]
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_animated_png_is_a_mask_for_each_frame(tmp_path):
    masks = list(read_masks(_save(tmp_path / "m.png", duration=40), start=1))
    assert [round(float(m[0, 10, 10]) * 255) for m in masks] == list(LEVELS[1:])


@pytest.mark.parametrize("name", ["a.tif", "a.tiff", "a.webp"])
def test_pages_and_animated_webp_are_refused(tmp_path, name, one_sentence):
    options = {"lossless": True, "duration": 40} if name.endswith("webp") else {}
    source = _save(tmp_path / name, **options)
    (tmp_path / "folder").mkdir()
    _save(tmp_path / "folder" / name, **options)
    for read in (
        probe,
        read_picture,
        lambda p: list(read_frames(p)),
        lambda p: list(read_masks(p)),
        lambda p: list(read_frames(p.parent / "folder")),
    ):
        with pytest.raises(VideoError, match="got 3 in ") as caught:
            read(source)
        one_sentence(caught.value)


def test_small_copies_inside_a_tiff_are_no_pictures(tmp_path):
    pages = [Image.new("RGB", (24 >> i, 16 >> i), (200, 0, 0)) for i in range(3)]
    for page in pages[1:]:
        page.encoderinfo = {"tiffinfo": {254: 1}}
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    assert read_picture(tmp_path / "a.tif").shape == (3, 16, 24)


@pytest.mark.parametrize("name", ["a.png", "a.webp", "a.tif", "a.jpg", "a.bmp"])
def test_one_picture_is_a_still(tmp_path, name):
    Image.new("RGB", (24, 16), (200, 0, 0)).save(tmp_path / name)
    assert is_still(tmp_path / name)
    assert len(list(read_masks(tmp_path / name))) == 1
    assert torch.allclose(
        read_picture(tmp_path / name)[0].mean(), torch.tensor(200 / 255), atol=0.02
    )
