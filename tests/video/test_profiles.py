"""Colour profiles of images: kept in PNG, told where they are lost."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageCms

from lgtsm.video.read import read_frames

HOLE = (slice(2, 6), slice(2, 9))


def _profile(name):
    return ImageCms.ImageCmsProfile(ImageCms.createProfile(name)).tobytes()


def _other():
    """Return a profile of RGB samples that is not called sRGB."""
    named = _profile("sRGB")
    return named.replace(b"sRGB", b"wide").replace(
        "sRGB".encode("utf-16-be"), "wide".encode("utf-16-be")
    )


@pytest.fixture
def images(tmp_path):
    """images(suffix, profile) -> a folder of two images with a profile."""

    def make(suffix, profile):
        (tmp_path / "in").mkdir()
        pixels = np.random.default_rng(0).integers(0, 255, (16, 24, 3), dtype=np.uint8)
        for number in range(2):
            path = tmp_path / "in" / f"{number}{suffix}"
            Image.fromarray(pixels).save(path, icc_profile=profile)
        return tmp_path / "in"

    return make


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_png_keeps_the_profile(tmp_path, images, refill, suffix, caplog):
    source = images(suffix, _other())
    refill(source, tmp_path / "out", hole=HOLE)
    for path in (tmp_path / "out").iterdir():
        with Image.open(path) as image:
            image.load()
            assert image.info["icc_profile"] == _other()
    before, after = (next(read_frames(p)).rgb() for p in (source, tmp_path / "out"))
    assert (before - after)[:, 8:].abs().max() < 0.01
    assert "profile" not in caplog.text


@pytest.mark.parametrize(("suffix", "target"), [(".tif", "out"), (".png", "out.mp4")])
def test_a_lost_profile_is_told_once_unless_it_is_srgb(
    tmp_path, images, refill, suffix, target, caplog
):
    source = images(suffix, _other())
    refill(source, tmp_path / target)
    assert sum("colour profile" in r.message for r in caplog.records) == 1
    caplog.clear()
    for path in source.iterdir():
        Image.new("RGB", (24, 16)).save(path, icc_profile=_profile("sRGB"))
    refill(source, tmp_path / target)
    assert "profile" not in caplog.text


def test_a_profile_of_other_samples_is_not_written(tmp_path, refill, caplog):
    (tmp_path / "in").mkdir()
    Image.new("RGB", (24, 16)).save(tmp_path / "in" / "0.png", icc_profile=_profile("LAB"))
    refill(tmp_path / "in", tmp_path / "out")
    with Image.open(tmp_path / "out" / "0.png") as image:
        assert "icc_profile" not in image.info
    assert "colour profile" in caplog.text
