"""Whether a place moves with the object or with what is around it."""

from __future__ import annotations

import torch
from torch import Tensor

from ..align.flow import robust_weight
from ..align.sampling import length, normalised_grid, pixel_grid, sample_at
from ..fills.averaging import local_mean, size_of

_STRIDE = 3  # every third row and column is enough for six numbers
_SCALES = (8.0, 4.0, 2.0, 1.0, 1.0, 1.0)  # robust scale of each round, in pixels
_BINS = 8  # on each side of zero; a bin is half an octave of one plus the motion in pixels
_FLOOR = 2e-3  # of a histogram: what no pixel showed yet is not impossible
_AGAINST, _FOR = 2.0, 0.7  # most evidence, in logits: the edge of an object moves what is beside it


def motion_evidence(flow: Tensor, prior: Tensor, near: Tensor) -> Tensor:
    """Return the log likelihood ratio of object against background by motion alone.

    The camera's motion is fitted outside the object and subtracted. What remains is compared with
    its histograms inside and around the object, so an object at rest gives no evidence.

    Args:
        flow: (1,2,h,w) displacement in pixels.
        prior: (1,1,h,w) in [0,1], where the object is expected.
        near: (1,1,h,w) in [0,1], 1 = around the object.

    Returns:
        (1,1,h,w) in logits.
    """
    rest = flow - camera_flow(flow, 1 - prior)
    octaves = 2 * rest.sign() * (1 + rest.abs()).log2()
    cells = (octaves + _BINS).round().clamp(0, 2 * _BINS).long()
    side = 2 * _BINS + 1
    cell = (cells[:, :1] * side + cells[:, 1:]).flatten()

    def histogram(weight: Tensor) -> Tensor:
        counts = weight.new_zeros(side * side).index_add_(0, cell, weight.flatten())
        return local_mean(counts.view(1, 1, side, side)).flatten() / counts.sum().clamp_min(1e-6)

    inside = histogram(prior) + _FLOOR
    around = histogram((1 - prior) * (0.1 + near)) + _FLOOR
    evidence = (inside / around).log()[cell].view_as(prior)
    return local_mean(evidence, 2).clamp(-_AGAINST, _FOR)


def camera_flow(flow: Tensor, weight: Tensor) -> Tensor:
    """Fit an affine motion by iterated least squares.

    Args:
        flow: (1,2,h,w) displacement in pixels.
        weight: (1,1,h,w), 0 where the scene does not count.

    Returns:
        (1,2,h,w) displacement by the camera.
    """
    grid = normalised_grid(*size_of(flow), flow).permute(1, 2, 0)
    grid = torch.cat([grid, torch.ones_like(grid[..., :1])], -1)
    points = grid[::_STRIDE, ::_STRIDE].reshape(-1, 3)
    moved = flow[0, :, ::_STRIDE, ::_STRIDE].reshape(2, -1).T
    given = weight[0, 0, ::_STRIDE, ::_STRIDE].reshape(-1) + 1e-3
    now, motion = given, flow.new_zeros(3, 2)
    ridge = 1e-4 * torch.eye(3).to(flow)
    for scale in _SCALES:
        weighted = points.T * now
        motion = torch.linalg.solve(weighted @ points + ridge, weighted @ moved)
        rest = length((moved - points @ motion).T[None, :, None])[0, 0, 0]
        now = robust_weight(given, rest, scale)
    return (grid @ motion).permute(2, 0, 1)[None]


def composed(flows: list[Tensor]) -> Tensor:
    """Chain flows (1,2,h,w), each from where the one before it leads."""
    total = flows[0]
    grid = pixel_grid(*size_of(total), total)
    for flow in flows[1:]:
        total = total + sample_at(flow, grid + total)
    return total
