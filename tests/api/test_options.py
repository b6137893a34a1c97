"""Options as people write them: words for closed choices, whole numbers, nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

import lgtsm
from lgtsm.cli.inpaint import collect
from lgtsm.cli.main import build_parser
from lgtsm.errors import OptionError, ShapeError
from lgtsm.mask_options import LengthPolicy, MaskOptions
from lgtsm.options import DType, FlowMethod, InpaintOptions, Mode, Motion, Preset, RunOptions


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


def test_a_preset_changes_what_has_its_default():
    fast, best = InpaintOptions(preset="fast"), InpaintOptions(preset=Preset.BEST)
    assert (fast.source_frames, fast.reach, fast.run.max_side) == (4, 24, 640)
    assert (best.source_frames, best.reach, best.run.max_side) == (16, 96, 1920)
    assert InpaintOptions(preset="normal") == InpaintOptions()
    chosen = InpaintOptions(preset="fast", reach=60, run=RunOptions(max_side=1280, threads=2))
    assert (chosen.source_frames, chosen.reach) == (4, 60)
    assert (chosen.run.max_side, chosen.run.threads) == (1280, 2)
    assert replace(fast, cuts=()).source_frames == 4
    with pytest.raises(OptionError, match="fast, normal, best"):
        InpaintOptions(preset="ultra")


def test_the_command_line_has_the_presets():
    given = build_parser().parse_args(
        ["inpaint", "a.mp4", "--mask", "m.png", "-o", "b.mp4", "--preset", "best", "--reach", "10"]
    )
    options, _ = collect(given)
    assert (options.source_frames, options.reach, options.run.max_side) == (16, 10, 1920)
