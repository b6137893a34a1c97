from fractions import Fraction

import av
import numpy as np
import pytest
import torch

from lgtsm.errors import ShapeError
from lgtsm.video.colour import Colour, Matrix
from lgtsm.video.frame import make_frame
from lgtsm.video.layout import layout_of, samples
from lgtsm.video.paste import paste

FORMATS = [
    "yuv420p",
    "yuvj420p",
    "yuv422p",
    "yuv422p10le",
    "yuv444p",
    "yuv444p12le",
    "yuv410p",
    "yuv440p",
    "gray",
    "gray10le",
    "gray16be",
    "rgb24",
    "bgr24",
    "rgba",
    "bgr0",
    "0rgb",
    "gbrp",
    "gbrp10le",
    "gbrap12le",
    "rgb48be",
    "rgba64le",
    "ya8",
    "yuva420p",
    "yuva444p10le",
]


def frame_of(native):
    return make_frame(native, time=Fraction(0), index=0)


@pytest.mark.parametrize("fmt", FORMATS)
@pytest.mark.parametrize("size", [(21, 33), (8, 16), (1, 1)])
def test_samples_outside_the_hole_stay(fmt, size, noise_frame, hole_samples):
    rng = np.random.default_rng(1)
    native = noise_frame(fmt, size[1], size[0], rng)
    before = [bytes(p) for p in native.planes]
    hole = torch.from_numpy(rng.random((1, *size)) < 0.1).float()
    result = paste(frame_of(native), torch.rand(3, *size), hole)
    layout = layout_of(fmt)
    masks = hole_samples(hole, fmt)
    for channel in layout.colours:
        old, new = samples(native, layout, channel), samples(result, layout, channel)
        assert (old == new)[~masks[channel.plane].numpy()].all()
    if layout.alpha:
        old, new = (samples(f, layout, layout.alpha) for f in (native, result))
        assert (old == new).all()
    assert [bytes(p) for p in native.planes] == before


@pytest.mark.parametrize("fmt", ["yuv420p", "yuvj420p", "yuv422p10le", "yuv444p", "gray", "bgr0"])
def test_pasting_a_decoded_colour_gives_its_samples_back(fmt):
    size = (6, 10)
    native = av.VideoFrame(size[1], size[0], fmt)
    layout = layout_of(fmt)
    rng = np.random.default_rng(2)
    for channel in layout.colours:
        view = samples(native, layout, channel)
        # Close to grey, so that nothing leaves the RGB cube.
        view[:] = rng.integers(120, 136, view.shape) << (layout.bits - 8)
    frame = frame_of(native)
    result = paste(frame, frame.rgb(), torch.ones(1, *size))
    for channel in layout.colours:
        assert (samples(native, layout, channel) == samples(result, layout, channel)).all()


def test_chroma_is_written_if_any_pixel_of_its_footprint_is_hole():
    native = av.VideoFrame(5, 5, "yuv420p")
    for plane in native.planes:
        np.frombuffer(plane, np.uint8)[:] = 128
    hole = torch.zeros(1, 5, 5)
    hole[0, 2, 2] = 1
    red = torch.tensor([1.0, 0, 0])[:, None, None].expand(3, 5, 5)
    result = paste(frame_of(native), red, hole)
    layout = layout_of("yuv420p")
    luma, *chroma = [samples(result, layout, c) != 128 for c in layout.colours]
    assert luma.sum() == 1
    for changed in chroma:
        assert changed.shape == (3, 3)
        assert changed.sum() == 1
        assert changed[1, 1]


def test_shared_chroma_averages_new_and_old():
    native = av.VideoFrame(2, 2, "yuv420p")
    layout = layout_of("yuv420p")
    for channel, value in zip(layout.colours, (100, 60, 128), strict=True):
        samples(native, layout, channel)[:] = value
    hole = torch.tensor([[[1.0, 0.0], [0.0, 0.0]]])
    result = paste(frame_of(native), torch.full((3, 2, 2), 0.5), hole)
    # Grey is 128: a quarter of it and three quarters of 60.
    assert int(samples(result, layout, layout.colours[1])[0, 0]) == 77


def test_fill_that_is_no_number_is_refused(noise_frame):
    frame = frame_of(noise_frame("yuv420p", 4, 4, np.random.default_rng(0)))
    fill = torch.full((3, 4, 4), float("nan"))
    with pytest.raises(ShapeError, match="NaN"):
        paste(frame, fill, torch.ones(1, 4, 4))
    with pytest.raises(ShapeError, match="Expected pixels"):
        paste(frame, fill[:, :2], torch.ones(1, 4, 4))


@pytest.mark.parametrize(
    ("tags", "patch", "rgb"),
    [
        # Numbers from the definitions in BT.709 and BT.601.
        ({"colorspace": 1, "color_range": 1}, (126, 128, 128), (0.5023, 0.5023, 0.5023)),
        ({"colorspace": 1, "color_range": 1}, (63, 102, 240), (1.0, 0.0, 0.0)),
        ({"colorspace": 6, "color_range": 1}, (81, 90, 240), (1.0, 0.0, 0.0)),
        ({"colorspace": 5, "color_range": 1}, (145, 54, 34), (0.0, 1.0, 0.0)),
        ({"colorspace": 1, "color_range": 2}, (54, 99, 255), (1.0, 0.0, 0.0)),
        ({"colorspace": 9, "color_range": 1}, (73, 97, 240), (1.0, 0.0, 0.0)),
    ],
)
def test_patches_decode_to_their_colour(tags, patch, rgb):
    native = av.VideoFrame(8, 8, "yuv444p")
    layout = layout_of("yuv444p")
    for channel, value in zip(layout.colours, patch, strict=True):
        samples(native, layout, channel)[:] = value
    for name, value in tags.items():
        setattr(native, name, value)
    found = frame_of(native).rgb()[:, 3, 3]
    assert (found - torch.tensor(rgb)).abs().max() < 1.3 / 255


def test_ten_bit_patch_is_not_rounded_to_eight():
    native = av.VideoFrame(4, 4, "yuv444p10le")
    layout = layout_of("yuv444p10le")
    native.colorspace, native.color_range = 1, 1
    for channel, value in zip(layout.colours, (503, 512, 512), strict=True):
        samples(native, layout, channel)[:] = value
    assert torch.allclose(frame_of(native).rgb(), torch.tensor((503 - 64) / 876), atol=1e-6)


@pytest.mark.parametrize(("height", "matrix"), [(576, Matrix.BT601), (720, Matrix.BT709)])
def test_untagged_matrix_goes_by_size(height, matrix):
    assert frame_of(av.VideoFrame(16, height, "yuv420p")).colour == Colour(matrix, full=False)


@pytest.mark.parametrize("fmt", ["yuv444p", "yuv444p10le", "gbrp", "rgb24"])
@pytest.mark.parametrize("space", [1, 6, 9])
def test_pasted_fill_decodes_to_what_was_asked(fmt, space, noise_frame):
    rng = np.random.default_rng(3)
    native = noise_frame(fmt, 24, 16, rng)
    native.colorspace = space
    native.color_range = 1
    # Saturated corners round worst; half a step in luma and chroma adds up to 1.6/255 there.
    fill = torch.from_numpy(rng.uniform(0.2, 0.8, (3, 16, 24)).astype(np.float32))
    result = frame_of(paste(frame_of(native), fill, torch.ones(1, 16, 24)))
    error = (result.rgb() - fill).abs()
    assert error.mean() < 0.5 / 255
    assert error.max() < 1.7 / 255


@pytest.mark.parametrize(
    ("fmt", "same"),
    [("nv12", "yuv420p"), ("yuyv422", "yuv422p"), ("p010le", "yuv420p10le"), ("nv21", "yuv420p")],
)
def test_other_arrangements_keep_their_samples(fmt, same, noise_frame):
    native = noise_frame(same, 32, 16, np.random.default_rng(4))
    frame = frame_of(native.reformat(format=fmt))
    assert frame.native.format.name == same
    layout = layout_of(same)
    for channel in layout.colours:
        assert (samples(frame.native, layout, channel) == samples(native, layout, channel)).all()
