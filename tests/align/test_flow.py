from __future__ import annotations

import pytest
import torch
from torch.nn.functional import interpolate

from lgtsm.align.flow import dense_flow
from lgtsm.align.homography import to_grey
from lgtsm.align.opencv_flow import dis_flow
from lgtsm.align.projective import move_coords
from lgtsm.align.sampling import pixel_grid, sample_at
from lgtsm.align.track import Track


def _shifted(texture, flow):
    """The frame whose pixels lie, seen from the texture, at x + flow(x), to first order."""
    grid = pixel_grid(*texture.shape[-2:], texture)
    return sample_at(texture, grid - flow, mode="bicubic")


def _bend(size, amount):
    """Smooth motion that no homography explains, in pixels."""
    small = torch.tensor([[[0.0, 1, 0, -1], [1, 0, -1, 0], [0, -1, 0, 1]]])
    field = interpolate(small[None], size=size, mode="bicubic", align_corners=True)
    return amount * torch.cat([field, -field], 1)


def test_smooth_motion_is_found(texture):
    true = _bend(texture.shape[-2:], 1.5)
    other = _shifted(texture, true)
    ones, still = torch.ones_like(texture), torch.zeros_like(true)
    flow, sure = dense_flow(texture, ones, other, ones, still)
    error = (flow - true).norm(dim=1)[..., 8:-8, 8:-8]
    assert error.mean() < 0.25 * true.norm(dim=1).mean()
    assert sure.min() >= 0
    assert sure.max() <= 1


def test_large_motion_is_found_from_coarse_to_fine(texture):
    true = torch.zeros(1, 2, *texture.shape[-2:])
    true[:, 0] = 5
    ones = torch.ones_like(texture)
    flow, _ = dense_flow(texture, ones, _shifted(texture, true), ones, torch.zeros_like(true))
    assert (flow - true).norm(dim=1)[..., 12:-12, 12:-12].mean() < 0.3


def test_motion_is_carried_into_holes(texture):
    true = torch.zeros(1, 2, *texture.shape[-2:])
    true[:, 1] = 2
    known = torch.ones_like(texture)
    known[..., 35:60, 40:80] = 0
    other = _shifted(texture, true)
    flow, _ = dense_flow(
        texture * known, known, other, torch.ones_like(known), torch.zeros_like(true)
    )
    assert (flow - true).norm(dim=1, keepdim=True)[known == 0].mean() < 0.3


def test_what_has_no_texture_keeps_its_start():
    plain, ones = torch.full((1, 1, 48, 64), 0.5), torch.ones(1, 1, 48, 64)
    start = torch.full((1, 2, 48, 64), 1.25)
    flow, _ = dense_flow(plain, ones, plain, ones, start)
    torch.testing.assert_close(flow, start)


def test_track_follows_parallax_better_than_its_homography(texture):
    frames = []
    size = texture.shape[-2:]
    depth = (torch.arange(size[0]) > size[0] // 2).float()[:, None].expand(size)
    for t in range(4):
        true = torch.zeros(1, 2, *size)
        true[:, 0] = t * (0.5 + 1.5 * depth)
        frames.append(_shifted(texture, true).expand(1, 3, *size))
    track = Track(size, with_flow=True)
    for frame in frames:
        track.push(frame, torch.zeros(1, 1, *size))
    grid = pixel_grid(*size, texture)
    steps = track.follow(0, grid, 1)
    next(steps)
    _, coords = next(steps)
    wanted = torch.zeros(1, 2, *size)
    wanted[:, 0] = 2 * (0.5 + 1.5 * depth)
    inner = (..., slice(10, -10), slice(16, -16))
    planar = move_coords(track.homographies(0, [2]), grid, size)
    error, without_flow = (
        (found - grid - wanted).norm(dim=1)[inner].mean() for found in (coords, planar)
    )
    assert error < 0.5
    assert error < 0.5 * without_flow


def test_flow_of_opencv_finds_a_known_motion(toy_clip):
    pytest.importorskip("cv2")
    grey = to_grey(toy_clip)
    flow = dis_flow(grey[1:], grey[:-1])
    assert flow.shape == (7, 2, 48, 64)
    middle = flow[..., 12:-12, 12:-12].mean((0, 2, 3))
    torch.testing.assert_close(middle, torch.tensor([-2.0, -1.0]), atol=0.2, rtol=0)
