"""Edges continued into a hole, for what no frame shows.

Coherence transport (Bornemann and Maerz 2007, "Fast image inpainting based on coherence
transport"): the hole is closed ring by ring from its border, and each pixel becomes a mean of its
neighbours, weighted towards the local edge direction. Unlike the paper, directions are measured
once, on known pixels, and diffused through the hole, and all pixels of a ring are filled at once.
Where no direction is clear the smooth fill stays: a line's weight is its coherence.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d, pad

from .averaging import central_differences, local_mean
from .depth import rings
from .smooth import push_pull

# set by hand, not swept
_REACH = 5  # radius of the neighbourhood, in pixels
_LINE_WIDTH_PX = 0.25  # standard deviation of a neighbour's weight across a fully coherent edge
_GRAIN = 3e-5  # squared gradient, in brightness per pixel, that is taken for noise
_GRADIENT_BLUR, _DIRECTION_BLUR = 1, 4  # repetitions of a 3x3 average: of frame, structure tensor
_MOST_RINGS = 64  # depth in rings at which lines have faded out
_FADE = 4  # lines fade over the last quarter of these rings
_ANY_WEIGHT = 1e-12  # added to a weight, for pixels whose neighbours are all far across the edge


def continue_edges(smooth: Tensor, hole: Tensor) -> Tensor:
    """Continue edges into the hole of one frame.

    Args:
        smooth: (1,3,h,w) in [0,1], the frame with a smooth fill.
        hole: (1,1,h,w) 0 or 1, 1 = hole.

    Returns:
        (1,3,h,w) in [0,1]; known pixels unchanged.
    """
    known = 1 - hole
    if not hole.any() or not known.any():
        return smooth
    normals, coherence = _directions(smooth, known)
    depth = rings(hole, _MOST_RINGS)
    lines = _close(smooth, depth, normals, coherence)
    fade = ((_MOST_RINGS - depth) * _FADE / _MOST_RINGS).clamp(0, 1)
    weight = coherence * fade * hole
    return smooth + weight * (lines - smooth)


def _directions(frame: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Return unit normals of the edges around and in a hole (2,h,w), and their coherence (h,w)."""
    mass = local_mean(known, _GRADIENT_BLUR)
    blurred = local_mean(frame * known, _GRADIENT_BLUR) / mass.clamp_min(1e-3)
    gx, gy = central_differences(blurred)
    inner = 1 - max_pool2d(1 - known, 3, 1, 1)  # a central difference needs both neighbours
    products = torch.cat([x.sum(1, keepdim=True) for x in (gx * gx, gx * gy, gy * gy)], 1)
    mean = local_mean(products * inner, _DIRECTION_BLUR)
    weight = local_mean(inner, _DIRECTION_BLUR) * inner
    measured = (weight > 0).to(frame.dtype)
    xx, xy, yy = push_pull(mean / weight.clamp_min(1e-6) * measured, measured)[0]
    # difference of the eigenvalues of the structure tensor, and the direction of the larger one
    difference = torch.sqrt((xx - yy).square() + 4 * xy * xy)
    angle = 0.5 * torch.atan2(2 * xy, xx - yy)
    normals = torch.stack([torch.cos(angle), torch.sin(angle)])
    return normals, difference / (xx + yy + _GRAIN)


def _close(filled: Tensor, depth: Tensor, normals: Tensor, coherence: Tensor) -> Tensor:
    """Close the hole of (1,3,h,w) ring by ring; pixels beyond the last ring stay unchanged.

    Rings are numbered by depth (1,1,h,w); normals across the edges (2,h,w) are x then y.
    """
    height, width = depth.shape[-2:]
    side = torch.arange(-_REACH, _REACH + 1, device=depth.device)
    dy, dx = (x.flatten() for x in torch.meshgrid(side, side, indexing="ij"))
    squared = dx * dx + dy * dy
    near = (squared > 0) & (squared <= _REACH * _REACH)
    dx, dy, distance = dx[near], dy[near], squared[near].to(filled.dtype).sqrt()
    padded_width = width + 2 * _REACH
    offsets, direction = dy * padded_width + dx, torch.stack([dx, dy]).to(filled.dtype)
    border = (_REACH,) * 4
    ready = (depth[0] == 0).to(filled.dtype)
    # colours times weight, then weight: 1 for what is known or filled, 0 for what is not yet
    colours = pad(torch.cat([filled[0] * ready, ready]), border).flatten(1).T.contiguous()
    numbers = depth.flatten().long()
    counts = torch.bincount(numbers).cpu().tolist()[:_MOST_RINGS]
    order = torch.argsort(numbers, stable=True)[counts[0] : sum(counts)]
    pixels = (order // width + _REACH) * padded_width + order % width + _REACH
    normals = (normals * (coherence / _LINE_WIDTH_PX)).flatten(1)[:, order].T
    weights = torch.exp((normals @ direction).square_().mul_(-0.5)).div_(distance)
    weights = weights.add_(_ANY_WEIGHT)[:, None]
    for ring, weight in zip(pixels.split(counts[1:]), weights.split(counts[1:]), strict=True):
        total = (weight @ colours[ring[:, None] + offsets])[:, 0]
        colours[ring] = total / total[:, 3:]
    whole = colours[:, :3].T.view(1, 3, height + 2 * _REACH, padded_width)
    whole = whole[..., _REACH:-_REACH, _REACH:-_REACH]
    return torch.where(depth < _MOST_RINGS, whole, filled)
