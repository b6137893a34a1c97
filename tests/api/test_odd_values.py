"""Values that no annotation allows end in one short sentence."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import lgtsm
from lgtsm import InpaintOptions, MaskOptions, Plate, RunOptions, VideoOptions
from lgtsm.errors import LgtsmError, OptionError, ShapeError
from lgtsm.masks.boxes import MaskBox

FRAMES, HOLES = torch.rand(2, 3, 32, 32), torch.zeros(2, 1, 32, 32)
HOLES[:, :, 8:16, 8:16] = 1
LONG = "x" * 100_000
HUGE = 10**5000  # more digits than Python writes


def _inpaint(frames=FRAMES, holes=HOLES, plates=()):
    return lgtsm.inpaint(frames, holes, options=InpaintOptions(mode="copy"), plates=plates)


def _as(name, value):
    changes = {"meta": lambda v: v.to("meta"), "sparse": torch.Tensor.to_sparse}
    changes |= {"numpy": torch.Tensor.numpy, "None": lambda v: None, "NaN": lambda v: v / 0 * 0}
    return changes.get(name, lambda v: v.to(getattr(torch, name)))(value)


@pytest.mark.parametrize("use", ["frames", "holes", "plate"])
@pytest.mark.parametrize(
    "kind",
    ["float8_e4m3fn", "float8_e5m2", "complex64", "meta", "sparse", "numpy", "None"],
)
def test_tensors_that_hold_no_pictures_are_refused(kind, use, one_sentence):
    if use == "plate":
        arguments = {"plates": [Plate(_as(kind, FRAMES[0]))]}
    else:
        arguments = {use: _as(kind, FRAMES if use == "frames" else HOLES)}
    with pytest.raises(ShapeError) as error:
        _inpaint(**arguments)
    one_sentence(error.value)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_floats_of_other_widths_are_taken(dtype):
    assert _inpaint(FRAMES.to(dtype)).dtype is dtype
    assert torch.equal(_inpaint(holes=HOLES.to(dtype)), _inpaint(holes=HOLES.bool()))


@pytest.mark.parametrize(
    "plates",
    [FRAMES[0], [FRAMES[0]], [Plate(FRAMES[0], frame="2")], [Plate(_as("NaN", FRAMES[0]))]],
)
def test_plates_that_are_none_are_refused(plates, one_sentence):
    with pytest.raises(ShapeError) as error:
        _inpaint(plates=plates)
    one_sentence(error.value)


@pytest.mark.parametrize(
    ("size", "ratio"),
    [
        *[(size, 1) for size in ((0, 9, 9), (2, 0, 9), (2, 9, 0), (-1, 9, 9), (1.5, 9, 9))],
        *[((2, 9, 9), ratio) for ratio in (-1, 1.5, float("nan"))],
        (("3", 9, 9), 1),
    ],
)
def test_an_estimate_needs_a_clip(size, ratio, one_sentence):
    with pytest.raises(OptionError) as error:
        lgtsm.estimate(*size, hole_ratio=ratio)
    one_sentence(error.value)


@pytest.mark.parametrize(
    ("size", "changes"),
    [((2, 16, 16), {"num_strokes": n}) for n in (10**30, 1001, -1, 1.5, "3", HUGE)]
    + [((2, 16, 16), {"seed": n}) for n in (2**40, -1, 1.5, "x", HUGE)]
    + [((n, 16, 16), {}) for n in (10**30, 0, 1.5, "2", HUGE)]
    + [((2, 10**30, 16), {}), ((2, 16, 2**17), {}), ((2, 16, 16), {"preset": LONG})],
)
def test_masks_of_absurd_numbers_are_refused_at_once(size, changes, one_sentence):
    with pytest.raises(OptionError) as error:
        lgtsm.free_form_masks(*size, **{"preset": "object_like", "seed": 0, **changes})
    one_sentence(error.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: MaskOptions(grow=HUGE),
        lambda: MaskOptions(grow=1.5),
        lambda: MaskOptions(threshold="high"),
        lambda: MaskOptions(invert="no"),
        lambda: InpaintOptions(cuts=LONG),
        lambda: InpaintOptions(cuts=(1.5,)),
        lambda: VideoOptions(rate="fast"),
        lambda: VideoOptions(start=HUGE, end=3),
        lambda: MaskBox.parse("1,2,3," + "9" * 100_000),
    ],
)
def test_options_of_another_kind_are_refused(make, one_sentence):
    with pytest.raises(OptionError) as error:
        make()
    one_sentence(error.value)


def test_numbers_of_numpy_are_numbers():
    assert MaskOptions(grow=np.int64(3), threshold=np.float32(0.5)).grow == 3


@pytest.mark.parametrize(
    "use",
    [
        lambda: InpaintOptions(mode=LONG),
        lambda: lgtsm.load_model(LONG),
        lambda: lgtsm.load_model(f"owner/{LONG}"),
        lambda: lgtsm.load_model(f"owner/name:{LONG}.safetensors"),
        lambda: lgtsm.load_model("null\0byte"),
        lambda: RunOptions(dtype=LONG),
        lambda: lgtsm.inpaint(FRAMES, HOLES, options=InpaintOptions(run=RunOptions(device=LONG))),
        lambda: lgtsm.inpaint_video(LONG, LONG, LONG),
        lambda: MaskBox.parse(LONG),
    ],
)
def test_no_message_repeats_all_that_was_given(use, one_sentence):
    with pytest.raises(LgtsmError) as error:
        use()
    one_sentence(error.value)
    assert len(str(error.value)) <= 1005
