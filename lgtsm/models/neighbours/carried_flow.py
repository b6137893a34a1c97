"""Flow for carrying key frames: completed inside the hole, its error, and sampling along it.

Source: Esser et al. 2022. Flow (N,2,h,w) in pixels, x then y, from the target to a reference.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import grid_sample

from .frames import grow_cross
from .latent_tokens import resize_corners

_POINTS = 20
_POWER = 3
"""Of the squared distance."""
_UNIT = 256
"""Size at which the published flow was computed, by which its error is divided once more."""


def fill_flow(flow: Tensor, hole: Tensor) -> Tensor:
    """Complete flows (N,2,h,w) inside one hole (1,1,h,w) from twenty of its edge pixels, as published.

    The points are pixels of the hole next to a known one, drawn with a fixed seed, so that they are
    the same whatever else was computed.
    """
    inside = hole[0, 0] > 0.5
    edge = inside & (grow_cross((~inside).float()[None], 1)[0] > 0)
    points = edge[1:-1, 1:-1].nonzero() + 1  # rows before columns
    if not len(points):
        points = points.new_zeros(1, 2)
    chosen = np.random.default_rng(1).choice(len(points), _POINTS)
    points = points[torch.tensor(chosen.tolist(), device=points.device)]  # (20,2)
    places = inside.nonzero()  # (P,2)
    distance = (places[:, None] - points).square().sum(-1).to(flow.dtype).pow(_POWER)
    weight = 1 / torch.where(distance == 0, 1e-10, distance)  # (P,20)
    weight = weight / weight.sum(-1, keepdim=True)
    filled = flow.clone()
    values = flow[:, :, points[:, 0], points[:, 1]]
    filled[:, :, places[:, 0], places[:, 1]] = torch.einsum("qp,ncp->ncq", weight, values)
    return filled


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
