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
    """Continue edges into the holes of N frames.

    Args:
        smooth: (N,3,h,w) in [0,1], the frames with a smooth fill.
        hole: (N,1,h,w) 0 or 1, 1 = hole.

    Returns:
        (N,3,h,w) in [0,1]; known pixels unchanged. Each is what it would be alone.
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
    """Return unit normals of edges around and in a hole (N,2,h,w), and their coherence (N,1,h,w)."""
    blurred, mass = local_mean(torch.cat([frame * known, known], 1), _GRADIENT_BLUR).split(
        [frame.shape[1], 1], 1
    )
    slopes = central_differences(blurred / mass.clamp_min(1e-3))
    inner = 1 - max_pool2d(1 - known, 3, 1, 1)  # a central difference needs both neighbours
    squares, both = slopes.square().sum(2), slopes.prod(0).sum(1)
    products = torch.stack([squares[0] + squares[1], squares[0] - squares[1], 2 * both], 1) * inner
    mean, weight = local_mean(torch.cat([products, inner], 1), _DIRECTION_BLUR).split([3, 1], 1)
    measured = (weight * inner > 0).to(frame.dtype)
    mean = push_pull(mean / weight.clamp_min(1e-6) * measured, measured)
    total, unlike, twice = torch.split(mean, 1, 1)
    # difference of the eigenvalues of the structure tensor, and the direction of the larger one
    angle = 0.5 * torch.atan2(twice, unlike)
    normals = torch.cat([torch.cos(angle), torch.sin(angle)], 1)
    return normals, torch.hypot(unlike, twice) / (total + _GRAIN)


def _close(filled: Tensor, depth: Tensor, normals: Tensor, coherence: Tensor) -> Tensor:
    """Close the holes of (N,3,h,w) ring by ring; pixels beyond the last ring stay unchanged.

    Rings are numbered by depth (N,1,h,w); normals across the edges (N,2,h,w) are x then y.
    """
    count, _, height, width = depth.shape
    side = torch.arange(-_REACH, _REACH + 1, device=depth.device)
    dy, dx = (x.flatten() for x in torch.meshgrid(side, side, indexing="ij"))
    squared = dx * dx + dy * dy
    near = (squared > 0) & (squared <= _REACH * _REACH)
    dx, dy, distance = dx[near], dy[near], squared[near].to(filled.dtype).sqrt()
    padded = (count, height + 2 * _REACH, width + 2 * _REACH)
    offsets, direction = dy * padded[2] + dx, torch.stack([dx, dy]).to(filled.dtype)
    border = (_REACH,) * 4
    ready = (depth == 0).to(filled.dtype)
    # colours times weight, then weight: 1 for what is known or filled, 0 for what is not yet
    colours = pad(torch.cat([filled * ready, ready], 1), border).movedim(1, -1).reshape(-1, 4)
    numbers = depth.flatten().long()
    counts = torch.bincount(numbers).cpu().tolist()[:_MOST_RINGS]
    order = torch.argsort(numbers, stable=True)[counts[0] : sum(counts)]
    places = torch.arange(len(colours), device=depth.device).view(padded)
    pixels = places[:, _REACH:-_REACH, _REACH:-_REACH].flatten()[order][:, None]
    scaled = (normals * (coherence / _LINE_WIDTH_PX)).movedim(1, -1).reshape(-1, 2)[order]
    weights = torch.exp((scaled @ direction).square_().mul_(-0.5)).div_(distance)
    weights = weights.add_(_ANY_WEIGHT)[:, None]
    rings = (torch.split(x, counts[1:]) for x in (pixels, pixels + offsets, weights))
    for ring, around, weight in zip(*rings, strict=True):
        total = torch.bmm(weight, colours[around])
        colours[ring] = total / total[..., 3:]
    whole = colours.view(*padded, 4)[:, _REACH:-_REACH, _REACH:-_REACH, :3].movedim(-1, 1)
    return torch.where(depth < _MOST_RINGS, whole, filled)
