"""Options as people write them: words for closed choices, whole numbers, nothing else."""

from __future__ import annotations

import pytest

import lgtsm
from lgtsm.errors import OptionError, ShapeError
from lgtsm.options import (
    DType,
    FlowMethod,
    InpaintOptions,
    LengthPolicy,
    MaskOptions,
    Mode,
    Motion,
    RunOptions,
)


def test_words_stand_for_closed_choices():
    options = InpaintOptions(mode="fill", motion="planar", flow="dis")
    assert (options.mode, options.motion, options.flow) == (
        Mode.FILL,
        Motion.PLANAR,
        FlowMethod.DIS,
    )
    assert MaskOptions(length="loop").length is LengthPolicy.LOOP
    assert RunOptions(dtype="bf16").dtype is DType.BF16


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: InpaintOptions(mode="fil"), "copy[+]fill, copy, fill"),
        (lambda: InpaintOptions(motion=3), "auto, none, planar, flow"),
        (lambda: RunOptions(dtype="float8"), "fp32"),
        (lambda: MaskOptions(length="x" * 100_000), "error, hold, loop"),
        (lambda: MaskOptions(grow=2.5), "whole number"),
        (lambda: InpaintOptions(feather=1.0), "whole number"),
    ],
)
def test_other_words_and_broken_numbers_are_one_sentence(make, named, one_sentence):
    with pytest.raises(OptionError, match=named) as error:
        make()
    one_sentence(error.value)
    assert len(str(error.value)) < 300


@pytest.mark.parametrize(
    ("spoil", "named"),
    [
        (lambda x: x.numpy(), "ndarray"),
        (lambda x: x.to_sparse(), "sparse"),
        (lambda x: x.to("meta"), "meta"),
        (lambda x: [x], "list"),
    ],
)
def test_clips_that_are_no_dense_tensors_are_one_sentence(
    spoil, named, toy_clip, toy_holes, one_sentence
):
    for frames, holes in ((spoil(toy_clip), toy_holes), (toy_clip, spoil(toy_holes))):
        with pytest.raises(ShapeError, match=named) as error:
            lgtsm.inpaint(frames, holes)
        one_sentence(error.value)
