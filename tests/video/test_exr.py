"""Floating point pictures: what lies outside 0 to 1 is kept outside the hole."""

import struct
from fractions import Fraction

import av
import numpy as np
import pytest

from lgtsm.video.image import load_image
from lgtsm.video.layout import layout_of, plane_rows, samples

HOLE = (slice(3, 9), slice(4, 10))
VALUES = np.linspace(-1.5, 60000, 12 * 16).reshape(12, 16)


def _save(path, fmt, precision):
    """Write an EXR of that precision: colours VALUES, VALUES / 2 and so on, alpha 0 to 1."""
    encoder = av.CodecContext.create("exr", "w")
    encoder.width, encoder.height, encoder.pix_fmt = 16, 12, fmt
    encoder.time_base, encoder.options = Fraction(1, 24), {"format": precision}
    frame = av.VideoFrame(16, 12, fmt)
    for number, plane in enumerate(frame.planes):
        values = VALUES / (number + 1) if number < 3 else np.linspace(0, 1, 192).reshape(12, 16)
        plane_rows(plane, "<f4")[:, :16] = values
    frame.pts = 0
    packets = encoder.encode(frame) + encoder.encode(None)
    path.write_bytes(b"".join(bytes(packet) for packet in packets))


def _save_grey_with_alpha(path):
    """Write an uncompressed EXR of the channels A and Y, which no encoder of ffmpeg writes."""

    def attribute(name, kind, data):
        return f"{name}\0{kind}\0".encode() + struct.pack("<i", len(data)) + data

    channels = b"".join(n + b"\0" + struct.pack("<i4xii", 1, 1, 1) for n in (b"A", b"Y")) + b"\0"
    window = struct.pack("<4i", 0, 0, 15, 11)
    head = struct.pack("<II", 20000630, 2)
    for name, kind, data in (
        ("channels", "chlist", channels),
        ("compression", "compression", b"\0"),
        ("dataWindow", "box2i", window),
        ("displayWindow", "box2i", window),
        ("lineOrder", "lineOrder", b"\0"),
        ("pixelAspectRatio", "float", struct.pack("<f", 1)),
        ("screenWindowCenter", "v2f", bytes(8)),
        ("screenWindowWidth", "float", struct.pack("<f", 1)),
    ):
        head += attribute(name, kind, data)
    head += b"\0"
    half = VALUES.astype("<f2")
    lines = [
        struct.pack("<ii", y, 64) + np.full(16, 0.5, "<f2").tobytes() + row.tobytes()
        for y, row in enumerate(half)
    ]
    first = len(head) + 8 * len(lines)
    table = struct.pack(f"<{len(lines)}Q", *(first + len(lines[0]) * y for y in range(12)))
    path.write_bytes(head + table + b"".join(lines))


def _check(old, new, channels):
    """Compare (old plane, new component) pairs outside the hole, and that the hole is filled."""
    inside = np.zeros((12, 16), bool)
    inside[HOLE] = True
    layout = layout_of(new.format.name)
    for before, component in channels(old, layout):
        after = samples(new, layout, component)
        assert (before.astype(np.float32) == after)[~inside].all()
        assert (before.astype(np.float32) == after)[inside].all() == (component == layout.alpha)


@pytest.mark.parametrize("fmt", ["gbrpf32le", "gbrapf32le", "grayf32le"])
def test_half_floats_are_kept_outside_the_hole(tmp_path, refill, caplog, fmt):
    (tmp_path / "in").mkdir()
    _save(tmp_path / "in" / "a.exr", fmt, "half")
    old = load_image(tmp_path / "in" / "a.exr")
    assert "f16" in old.format.name
    refill(tmp_path / "in", tmp_path / "out", hole=HOLE)
    assert "not exact" not in caplog.text
    new = load_image(tmp_path / "out" / "a.exr")
    assert new.format.name == fmt

    def channels(old, layout):
        alpha = [layout.alpha] if layout.alpha else []
        for component in [*layout.colours, *alpha]:
            yield plane_rows(old.planes[component.plane], "<f2")[:, :16], component

    _check(old, new, channels)


def test_grey_with_alpha_is_kept_as_colour_with_alpha(tmp_path, refill):
    (tmp_path / "in").mkdir()
    _save_grey_with_alpha(tmp_path / "in" / "a.exr")
    old = load_image(tmp_path / "in" / "a.exr")
    assert old.format.name.startswith("ya")
    refill(tmp_path / "in", tmp_path / "out", hole=HOLE)

    def channels(old, layout):
        rows = plane_rows(old.planes[0], "<f2")
        for component in layout.colours:
            yield rows[:, 0:32:2], component
        yield rows[:, 1:32:2], layout.alpha

    _check(old, load_image(tmp_path / "out" / "a.exr"), channels)
