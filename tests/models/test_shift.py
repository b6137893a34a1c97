from __future__ import annotations

import pytest
import torch

from lgtsm.models.shift import TemporalShift, one_hot_kernels
from lgtsm.models.spec import ShiftKind, ShiftSpec

SPECS = [
    ShiftSpec(),
    ShiftSpec(width=5),
    ShiftSpec(groups=4),
    ShiftSpec(width=5, groups=4),
    ShiftSpec(causal=True),
    ShiftSpec(causal=True, width=5),
]


def _by_definition(x, num_frames, shift):
    """out[t] = sum over k of kernels[g, k] * in[t + k - past], written with plain loops."""
    spec = shift.spec
    clip = x.unflatten(0, (-1, num_frames))
    out = clip.clone()
    for channel in range(spec.groups * shift.group_size):
        kernel = shift.kernels[channel // shift.group_size]
        for t in range(num_frames):
            total = torch.zeros_like(clip[:, t, channel])
            for k in range(spec.width):
                s = t + k - spec.past
                if 0 <= s < num_frames:
                    total = total + kernel[k] * clip[:, s, channel]
            out[:, t, channel] = total
    return out.flatten(0, 1)


def _random_shift(spec, channels, rng):
    shift = TemporalShift(spec, channels).double()
    with torch.no_grad():
        shift.kernels.copy_(torch.randn(shift.kernels.shape, generator=rng))
    return shift


@pytest.mark.parametrize("spec", SPECS, ids=str)
@pytest.mark.parametrize("num_frames", [1, 2, 3, 7])
def test_shift_equals_its_definition_even_for_short_clips(spec, num_frames, rng):
    shift = _random_shift(spec, 9, rng)
    x = torch.randn(2 * num_frames, 9, 3, 2, generator=rng, dtype=torch.float64)
    expected = _by_definition(x, num_frames, shift)
    torch.testing.assert_close(shift(x, num_frames), expected, atol=1e-12, rtol=0)


@pytest.mark.parametrize("spec", SPECS, ids=str)
@pytest.mark.parametrize(
    "num_frames", [2, *(pytest.param(n, marks=pytest.mark.slow) for n in (1, 6))]
)
def test_gradients_are_those_of_the_shift(spec, num_frames, rng):
    shift = _random_shift(spec, 8, rng)
    x = torch.randn(num_frames, 8, 2, 2, generator=rng, dtype=torch.float64, requires_grad=True)

    def run(clip, kernels):
        return torch.func.functional_call(shift, {"kernels": kernels}, (clip, num_frames))

    assert torch.autograd.gradcheck(run, (x, shift.kernels.detach().requires_grad_()))


def test_plain_shift_brings_the_next_frame_then_the_previous():
    shift = TemporalShift(ShiftSpec(kind=ShiftKind.FIXED), 8)
    x = torch.arange(1.0, 5.0).view(4, 1, 1, 1).repeat(1, 8, 1, 1)
    out = shift(x, 4)[..., 0, 0]
    assert out[:, 0].tolist() == [2, 3, 4, 0]
    assert out[:, 2].tolist() == [0, 1, 2, 3]
    assert out[:, 4].tolist() == [1, 2, 3, 4]


def test_plain_causal_shift_brings_one_and_two_frames_back():
    shift = TemporalShift(ShiftSpec(kind=ShiftKind.FIXED, causal=True), 8)
    x = torch.arange(1.0, 5.0).view(4, 1, 1, 1).repeat(1, 8, 1, 1)
    out = shift(x, 4)[..., 0, 0]
    assert out[:, 0].tolist() == [0, 1, 2, 3]
    assert out[:, 2].tolist() == [0, 0, 1, 2]


def test_width_1_is_the_identity(rng):
    shift = TemporalShift(ShiftSpec(width=1), 8)
    x = torch.randn(3, 8, 2, 2, generator=rng)
    assert torch.equal(shift(x, 3), x)


def test_initial_kernels_are_the_published_ones():
    assert one_hot_kernels(ShiftSpec()).tolist() == [[0, 0, 1], [1, 0, 0]]
    assert one_hot_kernels(ShiftSpec(width=5)).tolist() == [[0, 0, 0, 1, 0], [0, 1, 0, 0, 0]]
    assert one_hot_kernels(ShiftSpec(groups=4))[:, 2].tolist() == [1, 1, 0, 0]


@pytest.mark.parametrize(("channels", "size"), [(64, 16), (5, 1), (3, 0), (2, 0)])
def test_a_quarter_of_the_channels_shifts_each_way(channels, size):
    assert TemporalShift(ShiftSpec(), channels).group_size == size


@pytest.mark.parametrize("channels", [2, 8])
def test_input_is_left_alone(channels, rng):
    shift = TemporalShift(ShiftSpec(), channels)
    x = torch.randn(3, channels, 2, 2, generator=rng)
    before = x.clone()
    shift(x, 3)
    assert torch.equal(x, before)


def test_memory_format_survives_the_shift(rng):
    x = torch.randn(6, 8, 4, 4, generator=rng).contiguous(memory_format=torch.channels_last)
    out = TemporalShift(ShiftSpec(), 8)(x, 3)
    assert out.is_contiguous(memory_format=torch.channels_last)


def test_fixed_kernels_are_not_saved():
    assert not TemporalShift(ShiftSpec(kind=ShiftKind.FIXED), 8).state_dict()
    assert list(TemporalShift(ShiftSpec(), 8).state_dict()) == ["kernels"]
    assert not TemporalShift(ShiftSpec(kind=ShiftKind.NONE), 8).state_dict()
