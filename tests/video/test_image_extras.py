"""What images carry beside their pixels is named where it is lost."""

from __future__ import annotations

import struct

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from lgtsm.video.image_extras import extras_of

PIXELS = np.random.default_rng(0).integers(0, 255, (16, 24, 3), dtype=np.uint8)
HOLE = (slice(2, 6), slice(2, 9))


def _exif(**tags):
    exif = Image.Exif()
    for number, value in tags.items():
        exif[int(number[1:])] = value
    return exif


def _text():
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "take 3")
    return text


@pytest.mark.parametrize(
    ("name", "saved", "found"),
    [
        ("plain.png", {}, []),
        ("plain.jpg", {}, []),
        ("turned.jpg", {"exif": _exif(t274=6)}, []),
        ("camera.jpg", {"exif": _exif(t271="Maker", t274=6)}, ["EXIF"]),
        ("camera.png", {"exif": _exif(t271="Maker")}, ["EXIF"]),
        ("words.png", {"pnginfo": _text()}, ["text"]),
        ("words.jpg", {"comment": b"take 3"}, ["text"]),
        ("rights.jpg", {"xmp": b"<x:xmpmeta/>"}, ["XMP"]),
    ],
)
def test_extras_of_an_image_are_named(tmp_path, name, saved, found):
    Image.fromarray(PIXELS).save(tmp_path / name, **saved)
    assert extras_of(tmp_path / name) == found


@pytest.mark.parametrize(
    ("channels", "parts", "found"),
    [
        ("ABGR", 0, []),
        (["B", "G", "R", "Z"], 0, ["further layers (Z)"]),
        (["B", "G", "R", "light.B", "light.R"], 0, ["further layers (light)"]),
        ("BGR", 0x1000, ["further layers (several parts)"]),
    ],
)
def test_further_layers_of_an_exr_are_named(tmp_path, channels, parts, found):
    entries = (
        b"".join(c.encode() + b"\0" + struct.pack("<i4xii", 1, 1, 1) for c in channels) + b"\0"
    )
    head = struct.pack("<II", 20000630, 2 | parts) + b"channels\0chlist\0"
    (tmp_path / "a.exr").write_bytes(head + struct.pack("<i", len(entries)) + entries)
    assert extras_of(tmp_path / "a.exr") == found


@pytest.mark.parametrize("content", [b"", b"garbage", b"v/1\1\2\0\0\0channels\0chlist\0\1\0\0\0R"])
def test_an_exr_that_cannot_be_read_has_no_extras(tmp_path, content):
    (tmp_path / "a.exr").write_bytes(content)
    assert extras_of(tmp_path / "a.exr") == []


@pytest.mark.parametrize("target", ["out", "out.mkv"])
def test_what_is_lost_is_told_once(tmp_path, refill, caplog, target):
    (tmp_path / "in").mkdir()
    for number in range(3):
        Image.fromarray(PIXELS).save(tmp_path / "in" / f"{number}.png", pnginfo=_text())
    refill(tmp_path / "in", tmp_path / target, hole=HOLE)
    told = [r.getMessage() for r in caplog.records if "text" in r.getMessage()]
    assert len(told) == 1
