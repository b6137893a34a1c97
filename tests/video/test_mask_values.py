"""Masks as users draw them: in white, in colours, as labels, on a layer, or erased from a picture."""

from __future__ import annotations

import av
import numpy as np
import pytest
import torch
from PIL import Image

from lgtsm.errors import VideoError
from lgtsm.video.read import read_masks

SHAPE = np.zeros((24, 32), bool)
SHAPE[6:15, 8:20] = True
HALF = SHAPE.copy()
HALF[:, 14:] = False


def _picture(seed=0):
    y, x = np.mgrid[:24, :32]
    waves = [np.sin((x + seed) / a + y / b) for a, b in ((5, 9), (-7, 6), (11, -8))]
    return (127 + 100 * np.stack(waves, -1)).astype(np.uint8)


def _paletted(values, colours):
    image = Image.fromarray(values.astype(np.uint8), "P")
    image.putpalette([c for colour in colours for c in colour])
    return image


def _rgba(colour, alpha):
    pixels = np.zeros((24, 32, 4), np.uint8)
    pixels[..., :3] = colour
    pixels[..., 3] = alpha
    return Image.fromarray(pixels)


def _coloured(first, second):
    pixels = np.zeros((24, 32, 3), np.uint8)
    pixels[SHAPE] = second
    pixels[HALF] = first
    return Image.fromarray(pixels)


def _soft_white():
    """Return strokes of one colour with a soft edge, as layers are exported."""
    alpha = np.where(SHAPE, 255, 0)
    alpha[5, 8:20] = 90
    return _rgba(255, alpha)


KINDS = {
    "white": lambda: Image.fromarray(SHAPE.astype(np.uint8) * 255),
    "one bit": lambda: Image.fromarray(SHAPE),
    "white, opaque alpha": lambda: _rgba(SHAPE[..., None] * 255, 255),
    "0 and 1": lambda: Image.fromarray(SHAPE.astype(np.uint8)),
    "0 and 1 in RGB": lambda: Image.fromarray(np.repeat(SHAPE[..., None].astype(np.uint8), 3, 2)),
    "labels": lambda: Image.fromarray((SHAPE * 2 + HALF * 1).astype(np.uint8)),
    "grey labels": lambda: Image.fromarray((SHAPE * 90 + HALF * 30).astype(np.uint8)),
    "palette": lambda: _paletted(SHAPE, [(0, 0, 0), (1, 1, 1)]),
    "object palette": lambda: _paletted(SHAPE * 1 + HALF, [(0, 0, 0), (128, 0, 0), (0, 128, 0)]),
    "red and green": lambda: _coloured((255, 0, 0), (0, 255, 0)),
    "blue and dark red": lambda: _coloured((0, 0, 255), (64, 0, 0)),
    "8 bits in 16": lambda: Image.fromarray(SHAPE.astype(np.uint16) * 255),
    "0 and 1 in 16": lambda: Image.fromarray(SHAPE.astype(np.uint16)),
    "alpha alone": lambda: _rgba(0, SHAPE * 255),
    "red strokes on a layer": lambda: _rgba((255, 0, 0), SHAPE * 255),
    "white everywhere, alpha drawn": lambda: _rgba(255, SHAPE * 255),
    "soft strokes": _soft_white,
    "picture with its hole erased": lambda: _rgba(_picture(), ~SHAPE * 255),
    "grey picture erased": lambda: _rgba(_picture()[..., :1], ~SHAPE * 255),
}
PLAIN = {"white", "one bit", "white, opaque alpha"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_way_of_drawing_gives_the_hole_and_says_how_it_was_read(kind, tmp_path, caplog):
    path = tmp_path / "m.png"
    KINDS[kind]().save(path)
    [mask] = read_masks(path)
    assert np.array_equal((mask[0] > 0.5).numpy(), SHAPE)
    said = [record.getMessage() for record in caplog.records]
    assert len(said) == (kind not in PLAIN)
    assert all(str(path) in text for text in said)


def test_eight_bits_in_sixteen_keep_their_soft_edge(tmp_path):
    ramp = np.linspace(0, 255, 24 * 32).astype(np.uint16).reshape(24, 32)
    Image.fromarray(ramp).save(tmp_path / "m.png")
    [mask] = read_masks(tmp_path / "m.png")
    assert torch.allclose(mask[0], torch.from_numpy(ramp / 255).float(), atol=1e-4)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_a_picture_in_colour_is_refused(mode, suffix, tmp_path, one_sentence):
    Image.fromarray(_picture()).convert(mode).save(tmp_path / f"m{suffix}")
    with pytest.raises(VideoError, match="picture in colour") as error:
        list(read_masks(tmp_path / f"m{suffix}"))
    one_sentence(error.value)


def test_a_film_in_colour_is_refused_as_mask(tmp_path, one_sentence):
    with av.open(str(tmp_path / "m.mp4"), "w") as out:
        stream = out.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 32, 24, "yuv420p"
        for t in range(3):
            pixels = _picture(t) if t else np.zeros_like(_picture())
            out.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        out.mux(stream.encode(None))
    with pytest.raises(VideoError, match="picture in colour") as error:
        list(read_masks(tmp_path / "m.mp4"))
    one_sentence(error.value)


def test_a_grey_picture_is_read_by_brightness_and_asked_about(tmp_path, caplog):
    grey = _picture()[..., 0]
    Image.fromarray(grey).save(tmp_path / "m.png")
    [mask] = read_masks(tmp_path / "m.png")
    assert torch.equal(mask[0], torch.from_numpy(grey).float() / 255)
    assert "neither black nor white" in caplog.text


def test_the_first_frame_that_shows_something_decides_for_a_folder(tmp_path, caplog):
    for t in range(4):
        drawn = _picture(t) if t != 1 else np.zeros_like(_picture())
        _rgba(drawn, np.where(SHAPE & (t == 3), 0, 255)).save(tmp_path / f"{t}.png")
    masks = list(read_masks(tmp_path))
    assert [float(m.sum()) for m in masks] == [0, 0, 0, SHAPE.sum()]
    assert len(caplog.records) == 1


def test_lossy_masks_keep_their_noise_out_and_their_colours_in(tmp_path):
    with av.open(str(tmp_path / "m.mp4"), "w") as out:
        stream = out.add_stream("libx264", rate=24, options={"crf": "30"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for t in range(4):
            pixels = np.zeros((48, 64, 3), np.uint8)
            pixels[:8, :8] = 3  # not quite black
            if t:
                pixels[16:32, 16:32], pixels[16:32, 32:48] = (255, 0, 0), (0, 255, 0)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        out.mux(stream.encode(None))
    first, *others = (mask[0] > 0.5 for mask in read_masks(tmp_path / "m.mp4"))
    assert not first.any()
    for mask in others:
        assert mask[18:30, 18:46].all()
        assert not mask[:12].any()


def test_a_caller_may_take_the_note_itself(tmp_path, caplog):
    KINDS["labels"]().save(tmp_path / "m.png")
    told = []
    list(read_masks(tmp_path / "m.png", tell=told.append))
    assert len(told) == 1
    assert not caplog.records
