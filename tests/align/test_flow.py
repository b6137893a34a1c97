from __future__ import annotations

import torch
from torch.nn.functional import interpolate

from lgtsm.align.flow import dense_flow, length, pixel_grid, sample_at
from lgtsm.align.groupwise import register_groupwise
from lgtsm.align.joint import Views
from lgtsm.align.track import Track
from lgtsm.align.velocity import refine_coords


def _views(grey, known, others, coords):
    """Views in frames that are known everywhere."""
    ones = torch.ones_like(grey)
    return Views(grey, known, torch.cat([torch.cat([other, ones], 1) for other in others]), coords)


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
    steps = track.coords(0, grid, 1)
    next(steps)
    _, coords = next(steps)
    wanted = torch.zeros(1, 2, *size)
    wanted[:, 0] = 2 * (0.5 + 1.5 * depth)
    inner = (..., slice(10, -10), slice(16, -16))
    error = (coords - grid - wanted).norm(dim=1)[inner].mean()
    assert error < 0.5
    assert track.link(0).forward is not None


def test_common_velocity_takes_out_a_drift(texture):
    ones = torch.ones_like(texture)
    offsets = (-2, -1, 1, 2)
    others = []
    for o in offsets:
        flow = torch.zeros(1, 2, *texture.shape[-2:])
        flow[:, 0] = 0.8 * o
        others.append(_shifted(texture, flow))
    known = ones.clone()
    known[..., 30:66, 40:90] = 0  # not seen in the frame itself
    grid = pixel_grid(*texture.shape[-2:], texture)
    start = grid.expand(4, -1, -1, -1)
    coords = refine_coords(_views(texture * known, known, others, start), offsets)
    moved = (coords - start)[:, 0]
    inside = (..., slice(35, 61), slice(45, 85))
    for i, o in enumerate(offsets):
        assert (moved[i][inside].mean() - 0.8 * o).abs() < 0.12


def test_every_view_settles_by_a_motion_of_its_own_inside_the_hole_too(texture, moved):
    # no common velocity explains these four shifts
    shifts = [(0.8, 0.0), (-0.6, 0.5), (0.0, -0.9), (0.4, 0.7)]
    size = texture.shape[-2:]
    side = max(size) / 2
    others = []
    for x, y in shifts:
        matrix = torch.eye(3)
        matrix[0, 2], matrix[1, 2] = x / side, y / side
        others.append(moved(texture, matrix))
    known = torch.ones_like(texture)
    known[..., 30:60, 40:80] = 0
    start = pixel_grid(*size, texture).expand(4, -1, -1, -1)
    coords = register_groupwise(_views(texture * known, known, others, start))
    wanted = start + torch.tensor(shifts)[:, :, None, None]
    apart = length(coords - wanted)
    inner = (..., slice(8, -8), slice(8, -8))
    assert float(apart[inner].mean()) < 0.15
    assert float(apart[..., 34:56, 44:76].mean()) < 0.3
    assert float(length(start - wanted).mean()) > 0.7


def test_a_single_view_has_nothing_to_settle_against(texture):
    start = pixel_grid(*texture.shape[-2:], texture)
    ones = torch.ones_like(texture)
    assert torch.equal(register_groupwise(_views(texture, ones, [texture], start)), start)
