import pytest
import torch

from lgtsm.evaluate.metrics.plate import covered_floor, known_floor, relit
from lgtsm.evaluate.metrics.warping import visible, warp, warping_error

BOX = (slice(10, 30), slice(12, 40))


def _hole(toy_clip):
    hole = torch.zeros(len(toy_clip), 1, *toy_clip.shape[-2:])
    hole[(..., *BOX)] = 1
    return hole


def _backward(toy_clip):
    """The toy clip moves 2 px right and 1 px down a frame."""
    flow = torch.tensor([-2.0, -1.0])[:, None, None]
    return flow.expand(len(toy_clip) - 1, 2, *toy_clip.shape[-2:])


def test_warp_by_whole_pixels_is_a_shift():
    frame = torch.rand(1, 3, 6, 8, generator=torch.Generator().manual_seed(0))
    flow = torch.tensor([2.0, 1.0])[None, :, None, None].expand(1, 2, 6, 8)
    moved, inside = warp(frame, flow)
    torch.testing.assert_close(moved[..., :5, :6], frame[..., 1:, 2:])
    assert inside[..., :5, :6].all()
    assert not inside[..., 5, :].any()
    assert not inside[..., 6:].any()


def test_warp_agrees_with_an_independent_implementation(rng):
    cv2 = pytest.importorskip("cv2")
    frame = torch.rand(1, 1, 20, 24, generator=rng)
    flow = 3 * torch.rand(1, 2, 20, 24, generator=rng) - 1.5
    moved, inside = warp(frame, flow)
    y, x = torch.meshgrid(torch.arange(20.0), torch.arange(24.0), indexing="ij")
    maps = ((x + flow[0, 0]).numpy(), (y + flow[0, 1]).numpy())
    expected = torch.from_numpy(cv2.remap(frame[0, 0].numpy(), *maps, cv2.INTER_LINEAR))
    # OpenCV rounds the fraction to 1/32 of a pixel
    difference = (moved[0, 0] - expected).abs()[inside[0, 0]]
    assert float(difference.max()) < 1 / 16


def test_a_fill_that_moves_with_the_clip_has_no_warping_error(toy_clip):
    error = warping_error(toy_clip, _hole(toy_clip), _backward(toy_clip))
    assert error == pytest.approx(0, abs=1e-9)


def test_a_fill_that_jumps_by_a_level_has_its_square(toy_clip):
    hole = _hole(toy_clip)
    jump = 0.1 * (torch.arange(8.0) % 2)[:, None, None, None]
    error = warping_error(toy_clip + jump, hole, _backward(toy_clip))
    assert error == pytest.approx(0.01, rel=1e-4)
    inside = torch.where(hole > 0, toy_clip + jump, toy_clip)
    outside = torch.where(hole > 0, toy_clip, toy_clip + jump)
    # only hole pixels count, but the pixels they are compared with may be outside
    assert warping_error(inside, hole, _backward(toy_clip)) > 0.005
    assert warping_error(outside, hole, _backward(toy_clip)) < 0.005


def test_one_frame_and_no_hole_have_no_warping_error(toy_clip):
    assert warping_error(toy_clip[:1], _hole(toy_clip)[:1], _backward(toy_clip)[:0]) is None
    assert warping_error(toy_clip, 0 * _hole(toy_clip), _backward(toy_clip)) is None
    nowhere = torch.zeros(7, 1, 48, 64, dtype=torch.bool)
    assert warping_error(toy_clip, _hole(toy_clip), _backward(toy_clip), nowhere) is None


def test_pixels_whose_flow_does_not_return_are_not_visible():
    backward = torch.zeros(1, 2, 12, 16)
    backward[:, 0] = -3.0
    forward = torch.zeros(1, 2, 12, 16)
    forward[:, 0] = 3.0
    assert visible(backward, forward)[..., 3:].all()
    assert not visible(backward, forward)[..., :3].any()  # comes from outside
    forward[:, :, 4:6] = 9.0
    seen = visible(backward, forward)
    assert not seen[:, :, 4:6].any()
    assert seen[:, :, 7:, 3:].all()


def test_a_plate_in_other_light_becomes_the_frame(toy_clip):
    hole = _hole(toy_clip)
    still = toy_clip[:1].expand_as(toy_clip)
    frames = torch.where(hole > 0, 0.0, still)  # an object covers the hole
    plate = (toy_clip[0] + 0.05).clamp(0, 1)
    truth = relit(plate, frames, hole)
    torch.testing.assert_close(truth, still, atol=1e-4, rtol=0)
    assert known_floor(truth, frames, hole) < 1e-8


def test_the_floor_is_the_error_that_relighting_leaves(toy_clip, rng):
    noise = 0.02 * torch.randn(toy_clip[0].shape, generator=rng)
    hole = _hole(toy_clip)
    still = toy_clip[:1].expand_as(toy_clip)
    truth = relit(toy_clip[0] + noise, still, hole)
    assert known_floor(truth, still, hole) == pytest.approx(0.0004, rel=0.1)


def test_covered_floor_counts_only_pixels_covered_at_another_time():
    frames, holes = torch.zeros(3, 3, 4, 4), torch.zeros(3, 1, 4, 4)
    holes[0, :, 1, 1] = holes[1, :, 1, 1] = holes[2, :, 2, 2] = 1
    holes[:, :, 3, 3] = 1  # never known: says nothing
    truth = frames.clone()
    truth[:, :, 0, 0] = 1  # never covered
    truth[2, :, 1, 1] = 0.3  # covered twice
    truth[:2, :, 2, 2] = 0.6  # covered once
    assert covered_floor(truth, frames, holes) == pytest.approx((2 * 0.09 + 0.36) / 3)
    assert covered_floor(truth, frames, torch.ones_like(holes)) is None
