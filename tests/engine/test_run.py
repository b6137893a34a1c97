"""Jobs against one forward of the whole clip, and what they leave alone."""

import itertools
from dataclasses import replace

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch.nn.functional import interpolate

from lgtsm.engine.hooks import Hooks
from lgtsm.engine.layer import StreamLayer
from lgtsm.engine.run import Job
from lgtsm.errors import Cancelled, ShapeError
from lgtsm.models.spec import FAMILIES
from lgtsm.options import InpaintOptions, Mode, Motion, RunOptions, Unseen
from lgtsm.report import Report

every_family = pytest.mark.parametrize("family", FAMILIES)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("num_frames", "chunk"),
    [(1, 1), (2, 3), (5, 1), (5, 16), (17, 3), (40, 7)],
)
@every_family
def test_a_job_equals_one_forward_of_the_clip(
    family, num_frames, chunk, strong_network, whole_options, run_job, noise_clip, forward
):
    # `refine` scaled on a single frame, which nothing is copied to, explodes, and rounding with it
    scaled_on = max(2, num_frames) if family == "refine" else num_frames
    network = strong_network(family, scaled_on)
    frames, holes = noise_clip(num_frames)
    wanted, raw = forward(network, frames, holes)
    found = run_job(network, frames, holes, whole_options(network, chunk))
    assert raw[holes.expand_as(raw) > 0].std() > 0.05
    assert (found - wanted).abs().max() < 1e-5 * max(1.0, float(raw.abs().max()))


@pytest.mark.slow
@pytest.mark.parametrize("family", ["lgtsm", "refine"])
def test_one_frame_at_a_time_equals_one_forward_of_a_long_clip(
    family, strong_network, whole_options, run_job, noise_clip, forward
):
    network = strong_network(family)
    frames, holes = noise_clip(40)
    wanted, raw = forward(network, frames, holes)
    found = run_job(network, frames, holes, whole_options(network, 1))
    assert (found - wanted).abs().max() < 1e-5 * max(1.0, float(raw.abs().max()))


@pytest.mark.parametrize(
    ("family", "size"),
    [
        ("lgtsm", (33, 47)),
        ("refine", (17, 18)),
        *(
            pytest.param(family, size, marks=pytest.mark.slow)
            for family, size in (
                ("lgtsm", (30, 49)),
                ("lgtsm", (17, 18)),
                ("refine", (33, 47)),
                ("refine", (30, 49)),
            )
        ),
    ],
)
def test_odd_sizes_equal_a_forward_of_the_padded_clip(
    family, size, strong_network, whole_options, run_job, noise_clip, forward
):
    network = strong_network(family)
    frames, holes = noise_clip(7, size)
    extra = (0, -size[1] % 4, 0, -size[0] % 4)
    known = torch.where(holes > 0, torch.zeros_like(frames), frames)
    padded = [torch.nn.functional.pad(x, extra, mode="replicate") for x in (known, holes)]
    _, raw = forward(network, *padded)
    wanted = torch.where(holes > 0, raw.clamp(0, 1)[..., : size[0], : size[1]], frames)
    found = run_job(network, frames, holes, whole_options(network, 3))
    assert (found - wanted).abs().max() < 1e-5 * max(1.0, float(raw.abs().max()))


@pytest.mark.slow
@every_family
def test_a_resumed_job_equals_the_whole_one(
    family, strong_network, whole_options, run_job, noise_clip
):
    network = strong_network(family)
    frames, holes = noise_clip(60, (16, 32))
    options = whole_options(network, 4)
    whole = run_job(network, frames, holes, options)
    for start in (37, 58):
        rest = run_job(network, frames, holes, options, resume_from=start)
        assert torch.equal(rest[:start], frames[:start])
        assert (rest[start:] - whole[start:]).abs().max() < 1e-5


@pytest.mark.slow
def test_a_resumed_job_equals_the_whole_one_over_cuts(
    strong_network, whole_options, run_job, noise_clip
):
    network = strong_network("refine")
    frames, holes = noise_clip(40)
    options = whole_options(network, 4, cuts=(11, 30))
    whole = run_job(network, frames, holes, options)
    rest = run_job(network, frames, holes, options, resume_from=31)
    assert (rest[31:] - whole[31:]).abs().max() < 1e-5


@pytest.mark.slow
@pytest.mark.parametrize(
    ("mode", "family"),
    [(Mode.COPY, None), *itertools.product((Mode.COPY_FILL, Mode.FILL), FAMILIES)],
)
def test_every_mode_fills_with_colours_of_the_range(
    mode, family, strong_network, run_job, toy_clip, toy_holes
):
    toy_clip, toy_holes = toy_clip[:5], toy_holes[:5]
    network = None if family is None else strong_network(family)
    for count in (0, 8):
        options = InpaintOptions(mode=mode, source_frames=count, cuts=())
        result = run_job(network, toy_clip, toy_holes, options)
        assert result.min() >= 0
        assert result.max() <= 1
        outside = toy_holes.expand_as(result) == 0
        assert torch.equal(result[outside], toy_clip[outside])
        assert not torch.equal(result, toy_clip)


def test_copies_reach_the_hole_of_a_still_shot(run_job, toy_clip, toy_holes):
    still = toy_clip[:1].repeat(8, 1, 1, 1)
    black = still * (1 - toy_holes)
    options = InpaintOptions(mode=Mode.COPY, feather=0, cuts=())
    copied = run_job(None, black, toy_holes, options)
    alone = run_job(
        None, black, toy_holes, InpaintOptions(mode=Mode.COPY, feather=0, cuts=(), source_frames=0)
    )
    assert (copied - still).abs().max() < 0.02
    assert (alone - still).abs().max() > 0.1


def test_certain_copies_stay_in_front_of_a_network(strong_network, run_job, toy_clip, toy_holes):
    still = toy_clip[:1].repeat(8, 1, 1, 1)
    options = InpaintOptions(mode=Mode.COPY_FILL, feather=0, cuts=())
    result = run_job(strong_network("lgtsm"), still * (1 - toy_holes), toy_holes, options)
    assert (result - still).abs().mean() < 0.01


def test_an_untrained_refining_network_equals_the_copies(run_job, toy_clip, toy_holes):
    from lgtsm.models.build import build

    network = build(FAMILIES["refine"]).eval()
    both = [
        run_job(n, toy_clip, toy_holes, InpaintOptions(mode=mode, cuts=()))
        for n, mode in ((network, Mode.COPY_FILL), (None, Mode.COPY))
    ]
    assert (both[0] - both[1]).abs().max() < 1e-5


@pytest.fixture
def first_layer_pixels(monkeypatch):
    """first_layer_pixels(run) -> what a job returns, and how many pixels the first layer computed."""

    def measure(run):
        areas = []
        convolve = StreamLayer._convolve

        def counted(layer, x, parameters):
            y = convolve(layer, x, parameters)
            if layer.spec.name == "conv1":
                areas.append(y.shape[0] * y.shape[-2] * y.shape[-1])
            return y

        with monkeypatch.context() as patched:
            patched.setattr(StreamLayer, "_convolve", counted)
            return run(), sum(areas)

    return measure


@pytest.fixture
def passing_clip(rng):
    """passing_clip(T, width) -> a still clip, and a square hole that moves in its last 96 columns."""

    def make(num_frames, width):
        small = torch.rand(1, 3, 8, width // 8, generator=rng)
        still = interpolate(small, (64, width), mode="bicubic").clamp(0, 1)
        holes = torch.zeros(num_frames, 1, 64, width)
        for t in range(num_frames):
            left = width - 88 + 2 * t % 56
            holes[t, :, 20:40, left : left + 20] = 1
        return still.repeat(num_frames, 1, 1, 1), holes

    return make


@pytest.mark.parametrize("family", ["refine", "lgtsm"])
def test_what_the_copies_are_sure_of_is_not_computed(
    family, strong_network, run_job, passing_clip, first_layer_pixels
):
    frames, holes = passing_clip(24, 96)
    network = strong_network(family)
    options = InpaintOptions(feather=0, cuts=(), unseen=Unseen.NETWORK)
    copies = run_job(None, frames, holes, replace(options, mode=Mode.COPY))
    result, pixels = first_layer_pixels(lambda: run_job(network, frames, holes, options))
    assert torch.equal(result, copies)
    assert pixels == 0


def test_a_doubtful_place_costs_what_it_would_alone(
    strong_network, run_job, passing_clip, first_layer_pixels
):
    frames, holes = passing_clip(24, 640)
    standing = torch.zeros_like(holes)
    standing[..., 24:40, 8:24] = 1  # nothing shows what is under it
    network = strong_network("refine")
    options = InpaintOptions(feather=0, cuts=(), unseen=Unseen.NETWORK)

    def run(hole, network=network, mode=Mode.COPY_FILL):
        return run_job(network, frames, hole, replace(options, mode=mode))

    copies = run(holes.maximum(standing), None, Mode.COPY)
    result, both = first_layer_pixels(lambda: run(holes.maximum(standing)))
    _, alone = first_layer_pixels(lambda: run(standing))
    assert both == alone > 0
    assert torch.equal(result[..., 100:], copies[..., 100:])
    assert not torch.equal(result[..., :100], copies[..., :100])


def test_frames_far_from_any_hole_are_not_computed(
    strong_network, whole_options, run_job, noise_clip, monkeypatch
):
    network = strong_network("lgtsm")
    frames, holes = noise_clip(1)
    frames, holes = frames.repeat(120, 1, 1, 1), holes.repeat(120, 1, 1, 1)
    holes[1:] = 0
    calls = []
    convolve = StreamLayer._convolve
    monkeypatch.setattr(
        StreamLayer, "_convolve", lambda *a: calls.append(len(a[1])) or convolve(*a)
    )

    def count(number):
        calls.clear()
        run_job(network, frames[:number], holes[:number], whole_options(network, 1))
        return sum(calls)

    # one hole reaches 17 frames; each has two convolutions in each of 17 layers
    assert count(60) == count(120)
    assert 0 < count(120) <= 2 * 17 * 18


def test_pixels_far_from_the_hole_are_not_computed(
    strong_network, whole_options, run_job, rng, monkeypatch
):
    network = strong_network("lgtsm")
    frames = torch.rand(2, 3, 32, 640, generator=rng)
    holes = torch.zeros(2, 1, 32, 640)
    holes[..., 8:16, 8:16] = 1
    areas = []
    convolve = StreamLayer._convolve
    monkeypatch.setattr(
        StreamLayer, "_convolve", lambda *a: areas.append(a[1].shape[-1]) or convolve(*a)
    )
    run_job(network, frames, holes, whole_options(network))
    assert max(areas) < 16 + 2 * 160


def test_cancel_is_asked_in_every_layer_and_raises(
    strong_network, whole_options, run_job, noise_clip
):
    network = strong_network("lgtsm")
    frames, holes = noise_clip(20)
    asked = []
    run_job(
        network,
        frames,
        holes,
        whole_options(network, 4),
        hooks=Hooks(cancel=lambda: asked.append(1)),
    )
    assert len(asked) > 17 * 5
    for stop in (1, 10, 60, len(asked)):
        asked.clear()
        hooks = Hooks(cancel=lambda stop=stop: asked.append(1) or len(asked) >= stop)
        with pytest.raises(Cancelled, match="asked to stop"):
            run_job(network, frames, holes, whole_options(network, 4), hooks=hooks)
        assert len(asked) == stop


def test_the_report_names_what_was_done(strong_network, run_job, noise_clip):
    report = Report()
    frames, holes = noise_clip(12, (30, 46))
    options = InpaintOptions(cuts=(4,), motion=Motion.NONE, run=RunOptions(device="cpu", chunk=5))
    run_job(strong_network("refine"), frames, holes, options, report=report)
    assert (report.frames, report.frames_with_holes, report.shots) == (12, 10, [0, 4])
    assert (report.size, report.working_size, report.chunk) == ((46, 30), (46, 30), 5)
    assert (report.device, report.dtype, report.notes) == ("cpu", "float32", [])
    assert report.coverage == pytest.approx(float(holes.mean()))


def test_frames_of_another_size_are_refused(one_sentence):
    pairs = [(torch.zeros(3, 8, n), torch.ones(1, 8, n)) for n in (8, 12)]
    job = Job(None, InpaintOptions(mode=Mode.COPY), Hooks(), Report())
    with pytest.raises(ShapeError) as error:
        list(job.run(pairs))
    one_sentence(error.value)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    share=st.sampled_from([0.02, 0.5, 1.0]),
    num_frames=st.integers(1, 4),
)
def test_any_size_and_hole_runs(size, share, num_frames, tiny_network, run_job):
    rng = torch.Generator().manual_seed(1)
    frames = torch.rand(num_frames, 3, *size, generator=rng)
    holes = (torch.rand(num_frames, 1, *size, generator=rng) < share).float()
    result = run_job(tiny_network, frames, holes, InpaintOptions())
    assert torch.isfinite(result).all()
    assert torch.equal(result * (1 - holes), frames * (1 - holes))
