"""Dense optical flow between two frames with holes: coarse to fine, weighted least squares.

At every level of a pyramid the other frame is warped by the flow so far, and each pixel's rest
motion is solved from its neighbourhood (Lucas and Kanade 1981; pyramid: Bouguet 2001), with robust
weights; then the flow is averaged over its surroundings in proportion to how well each pixel fits
and how much texture it has, which also carries it into holes. Starts from the camera's motion, so
that only parallax and things that move are left to find.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import grid_sample, interpolate, pad

from ..fills.averaging import halve, local_mean
from ..fills.smooth import push_pull

_MIN_SIDE = 12
_ITERATIONS = 3
CELL = 2
"""Motion is solved for cells of 2x2 pixels; brightness is compared pixel by pixel."""
_BLUR = 2
"""Times a 3x3 average of cells is taken over which one motion is solved."""
_RIDGE = 4e-5
"""Keeps pixels without texture where they are; in squared brightness per pixel."""
_ROBUST = 0.03
"""Brightness difference at which a pixel's say has fallen to a quarter."""
_MAX_STEP = 2.0
"""Pixels that one iteration may move: beyond that brightness is not linear."""


def pixel_grid(height: int, width: int, like: Tensor) -> Tensor:
    """Return (1,2,h,w) x, y of pixel centres, the first at 0.5."""
    y = torch.arange(height, dtype=like.dtype, device=like.device) + 0.5
    x = torch.arange(width, dtype=like.dtype, device=like.device) + 0.5
    return torch.stack(torch.meshgrid(x, y, indexing="xy"))[None]


def sample_at(
    images: Tensor, coords: Tensor, *, mode: str = "bilinear", padding: str = "border"
) -> Tensor:
    """Sample images (N,C,h,w) at pixel coords (N,2,h',w'), pixel centres at halves."""
    height, width = images.shape[-2:]
    scale = coords.new_tensor([2 / width, 2 / height])
    points = coords.permute(0, 2, 3, 1) * scale - 1
    return grid_sample(images, points, mode=mode, padding_mode=padding, align_corners=False)


def length(vectors: Tensor) -> Tensor:
    """Return (N,1,h,w) lengths of (N,2,h,w)."""
    return vectors.square().sum(1, keepdim=True).sqrt()


def even(values: Tensor) -> Tensor:
    """Repeat the last row and column where a side is odd."""
    extra = (0, values.shape[-1] % 2, 0, values.shape[-2] % 2)
    return pad(values, extra, mode="replicate") if any(extra) else values


def slopes(image: Tensor) -> Tensor:
    """Return (N,2,h,w) x and y derivatives of (N,1,h,w), with the 5-tap filter (1,-8,0,8,-1)/12."""
    wide = pad(image, (2, 2, 2, 2), mode="replicate")
    rows, columns = wide[..., 2:-2, :], wide[..., :, 2:-2]
    gx = (8 * (rows[..., 3:-1] - rows[..., 1:-3]) - (rows[..., 4:] - rows[..., :-4])) / 12
    gy = (
        8 * (columns[..., 3:-1, :] - columns[..., 1:-3, :])
        - (columns[..., 4:, :] - columns[..., :-4, :])
    ) / 12
    return torch.cat([gx, gy], 1)


def _pyramid(image: Tensor, known: Tensor) -> list[tuple[Tensor, Tensor]]:
    levels = [(image, known)]
    while min(image.shape[-2:]) >= 2 * _MIN_SIDE:
        image, known = even(image), even(known)
        mass = halve(known)
        image = halve(image * known) / mass.clamp_min(1e-6)
        known = (mass > 0.7).to(image.dtype)
        levels.append((image, known))
    return levels[::-1]


def dense_flow(
    frames: Tensor, known: Tensor, others: Tensor, others_known: Tensor, start: Tensor
) -> tuple[Tensor, Tensor]:
    """Find where each pixel of `frames` lies in `others`.

    Args:
        frames: (N,1,h,w) grey, in [0,1].
        known: (N,1,h,w) 1 = may be looked at.
        others: (N,1,h,w), brightness matched to `frames`.
        others_known: (N,1,h,w).
        start: (N,2,h,w) displacement in pixels to start from, as the camera's motion says; what
            has no candidate of its own stays near it.

    Returns:
        Displacement (N,2,h,w) in pixels, everywhere, and confidence (N,1,h,w) in [0,1].
    """
    ours, theirs = _pyramid(frames, known), _pyramid(others, others_known)
    rest = confidence = None
    for (image, mask), (other, other_mask) in zip(ours, theirs, strict=True):
        height, width = image.shape[-2:]
        scale = width / frames.shape[-1]
        base = (
            interpolate(start, size=(height, width), mode="bilinear", align_corners=False) * scale
        )
        base = base + pixel_grid(height, width, image)
        cells = (-(-height // CELL), -(-width // CELL))
        if rest is None:
            rest = base.new_zeros(len(base), 2, *cells)
        else:
            rest = 2 * interpolate(rest, size=cells, mode="bilinear", align_corners=False)
        for _ in range(_ITERATIONS):
            rest, confidence = _improve(image, mask, other, other_mask, base, rest)
    size = frames.shape[-2:]
    return start + to_pixels(rest, size), to_pixels(confidence, size)


def to_pixels(cells: Tensor, size: tuple[int, int]) -> Tensor:
    """Enlarge values a cell to values a pixel."""
    fine = interpolate(cells, scale_factor=CELL, mode="bilinear", align_corners=False)
    return fine[..., : size[0], : size[1]]


def newton_step(sums: Tensor, ridge: float, most: float) -> tuple[Tensor, Tensor]:
    """Solve the 2x2 equations of every cell.

    Args:
        sums: (N,5,h,w) squares and products xx, xy, yy of slopes, then xd, yd with the difference.
        ridge: keeps cells without texture where they are.
        most: longest step, in pixels.

    Returns:
        Steps (N,2,h,w), and in [0,1] (N,1,h,w) how well each cell knows its motion: the weaker
        direction of its texture decides.
    """
    xx, xy, yy, xd, yd = sums.split(1, 1)
    xx, yy = xx + ridge, yy + ridge
    determinant = xx * yy - xy * xy
    step = torch.cat([yy * xd - xy * yd, xx * yd - xy * xd], 1) / determinant
    step = step * (most / length(step).clamp_min(most))
    weaker = determinant / (xx + yy)
    return step, (weaker / (weaker + 4 * ridge)).square()


def _improve(
    image: Tensor, mask: Tensor, other: Tensor, other_mask: Tensor, base: Tensor, rest: Tensor
) -> tuple[Tensor, Tensor]:
    """Do one Gauss-Newton step and one weighted smoothing of the rest motion (N,2,h',w')."""
    coords = base + to_pixels(rest, image.shape[-2:])
    both = sample_at(torch.cat([other, other_mask], 1), coords, padding="zeros")
    warped, seen = both[:, :1], (both[:, 1:] > 0.99).to(image.dtype) * mask
    slope = slopes(0.5 * (warped + image))
    difference = image - warped
    robust = seen / (1 + (difference / _ROBUST).square()).square()
    gx, gy = slope[:, :1], slope[:, 1:]
    weighted = slope * robust
    sums = torch.cat([weighted * gx, weighted[:, 1:] * gy, weighted * difference, robust, seen], 1)
    sums = halve(even(sums))
    robust, seen = sums[:, 5:6], sums[:, 6:]
    sums = local_mean(sums[:, :5], _BLUR)
    step, sure = newton_step(sums, _RIDGE, _MAX_STEP)
    weight = sure * robust + 1e-4 * seen
    return _spread(rest + step, weight), weight.clamp_max(1.0)


def _spread(values: Tensor, weight: Tensor) -> Tensor:
    """Average motion over its neighbourhood by weight; carry it to where nothing is known."""
    mass = local_mean(weight, _BLUR)
    mean = local_mean(values * weight, _BLUR) / mass.clamp_min(1e-8)
    return push_pull(mean, (mass * 50).clamp_max(1.0))
