"""Flow for carrying key frames: completed inside the hole, its error, and sampling along it.

Source: Esser et al. 2022. Flow (N,2,h,w) in pixels, x then y, from the target to a reference.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample, max_pool2d

from .latent_tokens import resize_corners

_POINTS = 20
_POWER = 3
"""Of the squared distance."""
_UNIT = 256
"""Size at which the published flow was computed, by which its error is divided once more."""


def fill_flow(flow: Tensor, hole: Tensor) -> Tensor:
    """Complete flow inside a hole (N,1,h,w) from twenty of its own edge pixels, as published.

    The points are pixels of the hole next to a known one, drawn with a fixed seed for every item, so
    that the same flow comes out whatever else was computed.
    """
    return torch.stack([_filled(f, h[0] > 0.5) for f, h in zip(flow, hole, strict=True)])


def _filled(flow: Tensor, hole: Tensor) -> Tensor:
    known = (~hole).float()[None]
    cross = torch.stack(
        [
            max_pool2d(known, (3, 1), 1, (1, 0))[0],
            max_pool2d(known, (1, 3), 1, (0, 1))[0],
        ]
    ).amax(0)
    edge = hole & (cross > 0)
    inner = torch.zeros_like(edge)
    inner[1:-1, 1:-1] = True
    points = (edge & inner).nonzero()
    if not len(points):
        points = points.new_zeros(1, 2)
    chosen = np.random.default_rng(1).choice(len(points), _POINTS)
    points = points[
        torch.tensor(chosen.tolist(), device=points.device)
    ]  # (20,2), rows before columns
    values = flow[:, points[:, 0], points[:, 1]]  # (2,20)
    axes = [torch.arange(n, device=flow.device, dtype=flow.dtype) for n in hole.shape]
    rows = (axes[0][:, None] - points[:, 0]).square()  # (h,20)
    columns = (axes[1][:, None] - points[:, 1]).square()
    distance = (rows[:, None] + columns[None]).pow(_POWER)  # (h,w,20)
    weight = 1 / torch.where(distance == 0, 1e-10, distance)
    weight = weight / weight.sum(-1, keepdim=True)
    mean = torch.einsum("hwp,cp->chw", weight, values)
    inside = hole.to(flow.dtype)
    return flow * (1 - inside) + mean * inside


def resize_flow(flow: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize flow and scale its values to pixels of the new size (height, width)."""
    ratio = flow.new_tensor([size[1] / flow.shape[-1], size[0] / flow.shape[-2]])
    return resize_corners(flow, size) * ratio[:, None, None]


def sample_along(values: Tensor, flow: Tensor) -> Tensor:
    """Sample values (N,C,h,w) of references along flow of any size; 0 outside."""
    size = (values.shape[-2], values.shape[-1])
    flow = resize_flow(flow, size)
    axes = [torch.arange(n, device=flow.device, dtype=flow.dtype) for n in size]
    y, x = torch.meshgrid(*axes, indexing="ij")
    grid = torch.stack([x + flow[:, 0], y + flow[:, 1]], -1)
    last = grid.new_tensor([size[1] - 1, size[0] - 1])
    return grid_sample(values, 2 * grid / last - 1, align_corners=True)


def flow_error(forward: Tensor, backward: Tensor) -> Tensor:
    """Return (N,1,h,w): how far flow and the backward flow sampled along it are from cancelling.

    Args:
        forward: target to reference.
        backward: reference to target.
    """
    height, width = forward.shape[-2:]
    # as published: the flows are in pixels of the frame already, and are scaled again
    scale = forward.new_tensor([width / _UNIT, height / _UNIT])[:, None, None]
    return ((forward + sample_along(backward, forward)).abs() * scale).mean(1, keepdim=True)
