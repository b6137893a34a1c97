"""A clip in memory."""

import logging

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lgtsm
from lgtsm.errors import Cancelled, OptionError, ShapeError, WeightsError
from lgtsm.mask_options import LengthPolicy, MaskOptions
from lgtsm.options import InpaintOptions, Mode, RunOptions
from lgtsm.weights.header import Card
from lgtsm.weights.save import save_model
from tests.api.plain import PLAIN

DTYPES = (torch.float32, torch.float16, torch.float64, torch.bfloat16)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    size=st.tuples(st.integers(1, 50), st.integers(1, 50)),
    num_frames=st.integers(1, 4),
    feather=st.integers(0, 5),
    dtype=st.sampled_from(DTYPES),
    mode=st.sampled_from(Mode),
    share=st.sampled_from([0.01, 0.3, 1.0]),
    max_side=st.sampled_from([64, 960]),
    seed=st.integers(0, 1000),
)
def test_nothing_outside_the_hole_changes(
    network, size, num_frames, feather, dtype, mode, share, max_side, seed
):
    rng = torch.Generator().manual_seed(seed)
    frames = torch.rand(num_frames, 3, *size, generator=rng).to(dtype)
    holes = (torch.rand(num_frames, 1, *size, generator=rng) < share).float()
    kept, kept_holes = frames.clone(), holes.clone()
    options = InpaintOptions(
        mode=mode, feather=feather, run=RunOptions(device="cpu", max_side=max_side)
    )
    result = lgtsm.inpaint(frames, holes, network, options)
    assert (result.dtype, result.device, result.shape) == (dtype, frames.device, frames.shape)
    assert torch.equal(frames, kept)
    assert torch.equal(holes, kept_holes)
    assert result.data_ptr() != frames.data_ptr()
    outside = (holes == 0).expand_as(result)
    assert torch.equal(result[outside], frames[outside])
    assert torch.isfinite(result).all()
    assert result.min() >= 0
    assert result.max() <= 1


@pytest.mark.slow
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    mode=st.sampled_from(Mode),
    grow=st.integers(0, 6),
    feather=st.integers(0, 6),
    max_side=st.sampled_from([64, 960]),
    seed=st.integers(0, 1000),
)
def test_what_the_mask_covers_does_not_reach_the_result(
    network, mode, grow, feather, max_side, seed
):
    rng = torch.Generator().manual_seed(seed)
    frames = torch.rand(2, 3, 40, 72, generator=rng)
    holes = torch.zeros(2, 1, 40, 72)
    holes[:, :, 10:20, 20:33] = 1
    holes[1:, :, 30:, :9] = 1
    other = torch.where(holes > 0, torch.rand(frames.shape, generator=rng), frames)
    run = RunOptions(device="cpu", max_side=max_side)
    options = InpaintOptions(mode=mode, feather=feather, mask=MaskOptions(grow=grow), run=run)
    results = [lgtsm.inpaint(clip, holes, network, options) for clip in (frames, other)]
    assert torch.equal(*results)


def test_bits_that_no_arithmetic_would_keep_stay(network, options, toy_clip, toy_holes):
    frames = toy_clip.clone()
    frames[:, :, 0, 0] = -0.0
    frames[:, :, 0, 1] = 1e-42  # subnormal
    result = lgtsm.inpaint(frames, toy_holes, network, options())
    outside = (toy_holes == 0).expand_as(result)
    bits = [x[outside].view(torch.int32) for x in (result, frames)]
    assert torch.equal(*bits)


@pytest.fixture
def short_clip(toy_clip, toy_holes):
    """Return the first four frames and their holes, for what shows in any."""
    return toy_clip[:4], toy_holes[:4]


@pytest.mark.parametrize(
    ("size", "dtype"),
    [
        ((45, 61), torch.float16),
        ((48, 64), torch.bfloat16),
        pytest.param((45, 61), torch.bfloat16, marks=pytest.mark.slow),
        pytest.param((48, 64), torch.float16, marks=pytest.mark.slow),
        pytest.param((45, 61), torch.float64, marks=pytest.mark.slow),
        pytest.param((48, 64), torch.float64, marks=pytest.mark.slow),
    ],
)
def test_other_dtypes_are_filled_like_float32(size, dtype, network, options, short_clip):
    frames, holes = (x[..., : size[0], : size[1]] for x in short_clip)
    rounded = frames.to(dtype)
    wanted = lgtsm.inpaint(rounded.float(), holes, network, options())
    found = lgtsm.inpaint(rounded, holes, network, options())
    tolerance = 1e-5 if dtype is torch.float64 else 0.26 * float(torch.finfo(dtype).eps) + 1e-6
    assert (found.float() - wanted).abs().max() <= tolerance


def test_an_empty_mask_gives_an_equal_clip_and_loads_nothing(toy_clip, tmp_path):
    for holes in (torch.zeros(8, 1, 48, 64), torch.zeros(1, 1, 48, 64)):
        result = lgtsm.inpaint(toy_clip, holes, tmp_path / "missing.safetensors")
        assert torch.equal(result, toy_clip)
        assert result is not toy_clip


def test_copies_need_no_network(options, toy_clip, toy_holes, tmp_path):
    missing = tmp_path / "missing.safetensors"
    result = lgtsm.inpaint(toy_clip, toy_holes, missing, options(mode=Mode.COPY))
    assert not torch.equal(result, toy_clip)
    with pytest.raises(WeightsError):
        lgtsm.inpaint(toy_clip, toy_holes, missing, options())


def test_a_network_comes_as_it_is_or_from_a_file(network, options, short_clip, tmp_path):
    path = tmp_path / "tiny.safetensors"
    save_model(network, path, Card(spec=network.spec, licence="CC0-1.0"))
    results = [
        lgtsm.inpaint(*short_clip, model, options(**PLAIN)) for model in (network, path, str(path))
    ]
    assert torch.equal(results[0], results[1])
    assert torch.equal(results[0], results[2])


def test_one_hole_serves_all_frames(network, options, short_clip):
    frames, holes = short_clip
    found = lgtsm.inpaint(frames, holes[:1], network, options(**PLAIN))
    wanted = lgtsm.inpaint(frames, holes[:1].repeat(4, 1, 1, 1), network, options(**PLAIN))
    assert torch.equal(found, wanted)


def test_holes_come_in_any_dtype(network, options, short_clip):
    frames, holes = short_clip
    wanted = lgtsm.inpaint(frames, holes, network, options(**PLAIN))
    for dtype in (torch.bool, torch.uint8, torch.float16, torch.int64):
        found = lgtsm.inpaint(frames, holes.to(dtype), network, options(**PLAIN))
        assert torch.equal(found, wanted), dtype


@pytest.mark.slow
def test_mask_options_are_applied(options, toy_clip, toy_holes):
    mask = MaskOptions(grow=3, temporal_grow=1)
    result = lgtsm.inpaint(toy_clip, toy_holes, None, options(mode=Mode.COPY, mask=mask))
    changed = (result != toy_clip).any(1, keepdim=True)
    assert (changed & (toy_holes == 0)).any()
    inverted = options(mode=Mode.COPY, mask=MaskOptions(invert=True))
    same = lgtsm.inpaint(toy_clip, 1 - toy_holes, None, inverted)
    assert torch.equal(same, lgtsm.inpaint(toy_clip, toy_holes, None, options(mode=Mode.COPY)))


@pytest.mark.parametrize("length", LengthPolicy)
def test_short_masks_follow_the_length_policy(length, options, toy_clip, toy_holes, one_sentence):
    chosen = options(mode=Mode.COPY, mask=MaskOptions(length=length), **PLAIN)
    if length is LengthPolicy.ERROR:
        with pytest.raises(ShapeError) as error:
            lgtsm.inpaint(toy_clip, toy_holes[:3], None, chosen)
        one_sentence(error.value)
        return
    order = [0, 1, 2, 2, 2, 2, 2, 2] if length is LengthPolicy.HOLD else [0, 1, 2, 0, 1, 2, 0, 1]
    found = lgtsm.inpaint(toy_clip, toy_holes[:3], None, chosen)
    wanted = lgtsm.inpaint(toy_clip, toy_holes[order], None, options(mode=Mode.COPY, **PLAIN))
    assert torch.equal(found, wanted)


def _with(value, place):
    frames = torch.full((2, 3, 8, 8), 0.5)
    frames[place] = value
    return frames


@pytest.mark.parametrize(
    ("frames", "holes"),
    [
        (torch.rand(2, 8, 8, 3), torch.ones(2, 1, 8, 8)),
        (torch.rand(2, 3, 8), torch.ones(2, 1, 8, 8)),
        (torch.rand(0, 3, 8, 8), torch.ones(1, 1, 8, 8)),
        (torch.rand(2, 3, 8, 8), torch.ones(2, 1, 8, 9)),
        (torch.rand(2, 3, 8, 8), torch.ones(2, 8, 8)),
        (torch.rand(2, 3, 8, 8), torch.ones(2, 3, 8, 8)),
        (torch.rand(2, 3, 8, 8), torch.ones(3, 1, 8, 8)),
        (torch.rand(3, 3, 8, 8), torch.ones(2, 1, 8, 8)),
        (torch.rand(2, 3, 8, 8), torch.full((2, 1, 8, 8), 255.0)),
        (torch.rand(2, 3, 8, 8), torch.full((2, 1, 8, 8), float("nan"))),
        (torch.full((2, 3, 8, 8), 128, dtype=torch.uint8), torch.ones(2, 1, 8, 8)),
        (_with(float("nan"), (1, 2, 3, 4)), torch.ones(2, 1, 8, 8)),
        (_with(float("inf"), (0, 0, 0, 0)), torch.ones(2, 1, 8, 8)),
        (255 * _with(0.5, 0), torch.ones(2, 1, 8, 8)),
        (2 * _with(0.5, 0) - 1.5, torch.ones(2, 1, 8, 8)),
    ],
)
def test_what_does_not_fit_is_one_sentence(frames, holes, options, one_sentence):
    with pytest.raises(ShapeError) as error:
        lgtsm.inpaint(frames, holes, None, options(mode=Mode.COPY))
    one_sentence(error.value)


@pytest.mark.parametrize(
    "make",
    [
        lambda: InpaintOptions(feather=65),
        lambda: InpaintOptions(source_frames=-1),
        lambda: InpaintOptions(cuts=(-3,)),
        lambda: RunOptions(chunk=65),
        lambda: RunOptions(max_side=8),
        lambda: MaskOptions(grow=-1),
    ],
)
def test_options_outside_their_range_are_one_sentence(make, one_sentence):
    with pytest.raises(OptionError) as error:
        make()
    one_sentence(error.value)


@pytest.mark.parametrize(("share", "told"), [(0.9, True), (0.5, False)])
def test_a_mask_that_is_probably_inverted_is_named(share, told, options, toy_clip, caplog):
    holes = torch.zeros(8, 1, 48, 64)
    holes[..., : int(48 * share), :] = 1
    with caplog.at_level(logging.WARNING, "lgtsm"):
        lgtsm.inpaint(toy_clip, holes, None, options(mode=Mode.COPY, **PLAIN))
    assert any("invert" in record.getMessage() for record in caplog.records) is told


def test_progress_counts_all_frames(network, options, toy_clip, toy_holes):
    seen = []
    lgtsm.inpaint(toy_clip, toy_holes, network, options(), lambda *a: seen.append(a))
    done = [done for done, _, _ in seen]
    assert done == sorted(done)
    assert {*done} == set(range(9))
    assert {total for _, total, _ in seen} == {8}


def test_the_caller_can_stop(network, options, toy_clip, toy_holes):
    asked = []
    with pytest.raises(Cancelled):
        lgtsm.inpaint(
            toy_clip, toy_holes, network, options(),
            cancel=lambda: asked.append(1) or len(asked) > 20,
        )  # fmt: skip
    assert len(asked) == 21

    class HostStop(BaseException):
        pass

    def stop(done, total, note):
        raise HostStop

    with pytest.raises(HostStop):
        lgtsm.inpaint(toy_clip, toy_holes, network, options(), stop)


def test_no_gradient_is_kept(network, options, toy_clip, toy_holes):
    frames = toy_clip.clone().requires_grad_()
    result = lgtsm.inpaint(frames.detach(), toy_holes, network, options())
    assert not result.requires_grad
    result.add_(0)  # an ordinary tensor: the caller may go on with it
    assert not result.is_inference()
