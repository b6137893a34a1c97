from __future__ import annotations

import pytest
import torch
from torch.nn.functional import interpolate

from lgtsm.api import inpaint_clip
from lgtsm.copying.plates import Plate
from lgtsm.engine.hooks import Hooks
from lgtsm.engine.run import Job
from lgtsm.options import InpaintOptions, Mode, Motion, RunOptions
from lgtsm.report import Report


@pytest.fixture
def fine(rng):
    """A still picture with detail finer than half its size, (1,3,160,224), and a moving hole."""
    coarse = interpolate(torch.rand(1, 3, 10, 14, generator=rng), size=(160, 224), mode="bicubic")
    picture = (0.7 * coarse + 0.3 * torch.rand(1, 3, 160, 224, generator=rng)).clamp(0, 1)
    holes = torch.zeros(7, 1, 160, 224)
    for t in range(7):
        holes[t, :, 50:110, 4 + 28 * t : 50 + 28 * t] = 1
    return picture, holes


def _error(frames, holes, max_side):
    options = InpaintOptions(
        mode=Mode.COPY, feather=0, cuts=(), run=RunOptions(device="cpu", max_side=max_side)
    )
    done = inpaint_clip(frames * (1 - holes), holes, None, options)
    result = done.frames
    known = holes.expand_as(frames) == 0
    assert torch.equal(result[known], frames[known])
    return float((result - frames)[~known].square().mean().sqrt()), done.report


def test_copies_at_reduced_size_keep_the_sources_detail(fine):
    picture, holes = fine
    frames = picture.expand(7, -1, -1, -1)
    soft = interpolate(frames, scale_factor=0.5, mode="bilinear", antialias=True)
    soft = interpolate(soft, size=(160, 224), mode="bicubic")
    hidden = holes.expand_as(frames) > 0
    lost = float((soft - frames)[hidden].square().mean().sqrt())
    error, report = _error(frames, holes, 112)
    assert report.working_size == (112, 80)
    assert error < 0.35 * lost


def test_detail_moves_with_the_camera(fine):
    picture, holes = fine
    wide = interpolate(picture, scale_factor=1.3, mode="bicubic").clamp(0, 1)
    frames = torch.cat([wide[..., 20:180, 4 * t : 4 * t + 224] for t in range(7)])
    whole, _ = _error(frames, holes, 224)
    reduced, _ = _error(frames, holes, 112)
    soft = interpolate(frames, scale_factor=0.5, mode="bilinear", antialias=True)
    soft = interpolate(soft, size=(160, 224), mode="bicubic")
    hidden = holes.expand_as(frames) > 0
    lost = float((soft - frames)[hidden].square().mean().sqrt())
    assert reduced < lost
    assert whole < lost


def test_a_long_shot_without_holes_piles_up_no_bands(fine, running):
    picture, holes = fine
    options = InpaintOptions(
        mode=Mode.COPY, feather=0, cuts=(), reach=3, run=RunOptions(device="cpu", max_side=112)
    )
    job = Job(None, options, Hooks(), Report())
    pairs = ((picture[0], holes[t] if t < 2 else 0 * holes[0]) for t in range(40))
    shots = (running[0].shot for _ in job.run(pairs))
    held = [len(shot.composer._bands._bands) for shot in shots if shot is not None]
    # a chunk of 16, the frames it waits for, and those that may still lend detail
    assert 0 < max(held) <= 16 + 3 * 3


def test_a_painted_frame_keeps_its_own_pixels_at_source_size(fine, rng):
    picture, holes = fine
    frames = picture.expand(7, -1, -1, -1)
    painted = torch.rand(3, 160, 224, generator=rng)
    options = InpaintOptions(
        mode=Mode.COPY, feather=0, cuts=(), run=RunOptions(device="cpu", max_side=112)
    )
    result = inpaint_clip(frames, holes, None, options, plates=[Plate(painted, 2)]).frames
    inside = holes[2].expand(3, -1, -1) > 0
    assert torch.equal(result[2][inside], painted[inside])


@pytest.mark.slow
def test_detail_comes_from_a_frame_as_far_away_as_frames_may_be(fine):
    picture, _ = fine
    reach = 3
    holes = torch.zeros(8, 1, 160, 224)
    holes[1:, :, 50:110, 60:120] = 1
    frames = picture.expand(8, -1, -1, -1)

    def error(t, options):
        result = inpaint_clip(frames, holes, None, options).frames[t]
        inside = holes[t].expand(3, -1, -1) > 0
        return float((result - frames[t])[inside].square().mean().sqrt())

    run = RunOptions(device="cpu", max_side=112)
    changes = {"mode": Mode.COPY, "feather": 0, "cuts": (), "run": run, "motion": Motion.NONE}
    # frame 0 alone shows the hole; frame 3 reaches it only just
    at_reach, nearer = (error(t, InpaintOptions(reach=reach, **changes)) for t in (3, 2))
    assert at_reach < 3 * nearer  # 6 times without its detail
