"""Edges continued into a hole: what no frame shows, guessed from the lines that run into it.

Coherence transport (Bornemann and Maerz 2007, "Fast image inpainting based on coherence transport"):
the hole is closed ring by ring from its border, and every pixel becomes a mean of its neighbours that
weighs most along the local direction. Other than there, directions are measured once, on known
pixels, and spread smoothly through the hole, and all pixels of a ring are filled at once. Where no
direction is clear the smooth fill stays: the more certain the direction, the more the line counts.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d, pad

from .averaging import central_differences, local_mean
from .depth import rings
from .smooth import push_pull

_REACH = 5
"""Neighbours lie at most this many pixels away."""
_BESIDE_PX = 0.25
"""Distance beside a certain line at which a neighbour counts six tenths."""
_GRAIN = 3e-5
"""Squared slope that says nothing about a direction."""
_SLOPE_BLUR, _DIRECTION_BLUR = 1, 4
"""Times a 3x3 average is taken: of the picture, of the products of its slopes."""
_MOST_RINGS = 64
"""Deeper in the hole no line is believed."""


def continue_edges(frame: Tensor, hole: Tensor, smooth: Tensor) -> Tensor:
    """Continue edges into the hole of one frame.

    Args:
        frame: (1,3,h,w) in [0,1]; values under the hole are ignored.
        hole: (1,1,h,w) 0 or 1, 1 = hole.
        smooth: (1,3,h,w) smooth fill of the same.

    Returns:
        (1,3,h,w) in [0,1]; known pixels as in `smooth`.
    """
    known = 1 - hole
    if not hole.any() or not known.any():
        return smooth
    across, certain = _directions(frame, known)
    depth = rings(hole, _MOST_RINGS)
    lines = _close(frame * known + smooth * hole, depth, across, certain)
    # lines end softly where they are given up
    fade = ((_MOST_RINGS - depth) * 4 / _MOST_RINGS).clamp(0, 1)
    share = certain * fade * hole
    return smooth + share * (lines - smooth)


def _directions(frame: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Return unit vectors (2,h,w) across the edges around and in a hole, and (h,w) how sure."""
    mass = local_mean(known, _SLOPE_BLUR)
    blurred = local_mean(frame * known, _SLOPE_BLUR) / mass.clamp_min(1e-3)
    sx, sy = central_differences(blurred)
    inner = 1 - max_pool2d(1 - known, 3, 1, 1)  # a slope needs both its neighbours
    products = torch.cat([x.sum(1, keepdim=True) for x in (sx * sx, sx * sy, sy * sy)], 1)
    mean = local_mean(products * inner, _DIRECTION_BLUR)
    weight = local_mean(inner, _DIRECTION_BLUR) * inner
    measured = (weight > 0).to(frame.dtype)
    a, b, c = push_pull(mean / weight.clamp_min(1e-6) * measured, measured)[0]
    apart = torch.sqrt((a - c).square() + 4 * b * b)
    angle = 0.5 * torch.atan2(2 * b, a - c)
    return torch.stack([torch.cos(angle), torch.sin(angle)]), apart / (a + c + _GRAIN)


def _close(filled: Tensor, depth: Tensor, across: Tensor, certain: Tensor) -> Tensor:
    """Close a hole ring by ring.

    Args:
        filled: (1,3,h,w) known pixels, and what stands in the hole where no ring gets to.
        depth: (1,1,h,w) of `rings`.
        across: (2,h,w) unit vectors across the edges, x then y.
        certain: (h,w) in [0,1].
    """
    height, width = depth.shape[-2:]
    side = torch.arange(-_REACH, _REACH + 1, device=depth.device)
    dy, dx = (x.flatten() for x in torch.meshgrid(side, side, indexing="ij"))
    squared = dx * dx + dy * dy
    near = (squared > 0) & (squared <= _REACH * _REACH)
    dx, dy, distance = dx[near], dy[near], squared[near].to(filled.dtype).sqrt()
    wide = width + 2 * _REACH
    step = dy * wide + dx
    edge = (_REACH,) * 4
    colours = pad(filled[0], edge).flatten(1).T.contiguous()  # (pixels,3)
    ready = pad((depth[0, 0] == 0).to(filled.dtype), edge).flatten()
    numbers = depth.flatten().long()
    order = torch.argsort(numbers, stable=True)
    counts = torch.bincount(numbers).cpu().tolist()
    beside, sure = across.flatten(1), certain.flatten()
    start = counts[0]
    for count in counts[1:_MOST_RINGS]:
        here = order[start : start + count]
        start += count
        place = (here // width + _REACH) * wide + here % width + _REACH
        others = place[:, None] + step
        off = beside[0, here, None] * dx + beside[1, here, None] * dy
        off = off * (sure[here, None] / _BESIDE_PX)
        weight = ready[others] * (torch.exp(-0.5 * off.square()) / distance + 1e-12)
        total = weight.sum(1, keepdim=True)
        mean = (weight[..., None] * colours[others]).sum(1) / total.clamp_min(1e-20)
        colours[place] = torch.where(total > 0, mean, colours[place])
        ready[place] = 1
    whole = colours.T.unflatten(1, (height + 2 * _REACH, wide))
    return whole[None, :, _REACH:-_REACH, _REACH:-_REACH]
