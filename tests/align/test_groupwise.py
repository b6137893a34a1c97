from __future__ import annotations

import torch

from lgtsm.align.groupwise import FrameGroup, fit_velocity, register_groupwise
from lgtsm.align.sampling import length, pixel_grid, sample_at


def _group(grey, known, others, coords):
    """Group of one target with other frames that are known everywhere."""
    ones = torch.ones_like(grey)
    others = torch.cat([torch.cat([other, ones], 1) for other in others])
    return FrameGroup(grey, known, others[None], coords[None])


def _shifted(texture, flow):
    """Return the frame whose pixels are, seen from the texture, at x + flow(x), to first order."""
    grid = pixel_grid(*texture.shape[-2:], texture)
    return sample_at(texture, grid - flow, mode="bicubic")


def test_common_velocity_removes_a_drift(texture):
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
    coords = fit_velocity(_group(texture * known, known, others, start), torch.tensor([offsets]))[0]
    moved = (coords - start)[:, 0]
    inside = (..., slice(35, 61), slice(45, 85))
    for i, o in enumerate(offsets):
        assert (moved[i][inside].mean() - 0.8 * o).abs() < 0.12


def test_every_frame_gets_a_motion_of_its_own_inside_the_hole_too(texture, moved):
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
    coords = register_groupwise(_group(texture * known, known, others, start))[0]
    wanted = start + torch.tensor(shifts)[:, :, None, None]
    error = length(coords - wanted)
    inner = (..., slice(8, -8), slice(8, -8))
    assert float(error[inner].mean()) < 0.15
    assert float(error[..., 34:56, 44:76].mean()) < 0.3
    assert float(length(start - wanted).mean()) > 0.7


def test_a_single_frame_is_left_unchanged(texture):
    start = pixel_grid(*texture.shape[-2:], texture)
    ones = torch.ones_like(texture)
    assert torch.equal(register_groupwise(_group(texture, ones, [texture], start))[0], start)


def test_targets_registered_together_equal_each_alone(texture, moved):
    known = torch.ones_like(texture)
    known[..., 30:60, 40:80] = 0
    start = pixel_grid(*texture.shape[-2:], texture)
    groups = []
    for x in (0.004, -0.006, 0.009):
        others = [
            moved(texture, torch.eye(3) + x * k * torch.eye(3).roll(2, 1)) for k in (1, 2, -1)
        ]
        groups.append(_group(texture * known, known, others, start.expand(3, -1, -1, -1)))
    offsets = torch.tensor([[1.0, 2.0, -1.0]]).expand(3, -1)
    together = FrameGroup(
        *(torch.cat([getattr(g, n) for g in groups]) for n in ("grey", "known", "others", "coords"))
    )
    alone = [fit_velocity(group, offsets[:1])[0] for group in groups]
    assert torch.equal(fit_velocity(together, offsets), torch.stack(alone))
    alone = [register_groupwise(group)[0] for group in groups]
    assert torch.equal(register_groupwise(together), torch.stack(alone))
