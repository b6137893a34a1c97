"""Direct photometric alignment: the homography that explains how known pixels moved.

Gauss-Newton on a pyramid, inverse compositional (Baker and Matthews 2004, "Lucas-Kanade 20 Years
On", section 3.2), with gain and offset of brightness estimated together with the motion and robust
weights, so that things that move by themselves do not pull. Nothing but torch, no features: the
neighbour in time is always near enough to start from.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..fills.averaging import central_differences, halve
from .projective import is_degenerate, pixel_axes, sample_normalised, warped_grid

MIN_SIDE = 14
"""The coarsest level is not smaller than this: fewer pixels cannot hold eight numbers."""
_LARGEST_SIDE = 320
"""Alignment is measured at most at this size; finer changes a homography by hundredths of a pixel."""
_ITERATIONS = (12, 8, 6, 5)
"""Gauss-Newton steps a level, coarsest first; the last number serves all finer levels."""
_MIN_KNOWN = 200
"""Pixels that must be known in both frames at the finest level."""
_DAMPING = 1e-4
_UNKNOWNS = 10
"""Eight numbers of motion, gain and offset of brightness."""


@dataclass(frozen=True)
class Alignment:
    """Homographies from one frame to N others.

    matrix: (N,3,3) from normalised coordinates of the frame to those of the other one.
    error: (N,) robust root-mean-square difference on pixels known in both, brightness matched.
    valid: (N,) bool; False where the solver found nothing better than standing still.
    """

    matrix: Tensor
    error: Tensor
    valid: Tensor


def to_grey(frames: Tensor) -> Tensor:
    """Return (N,1,h,w) luma of (N,3,h,w) RGB (BT.601 weights, as video encoders use)."""
    weights = frames.new_tensor([0.299, 0.587, 0.114])[:, None, None]
    return (frames * weights).sum(-3, keepdim=True)


def pyramid(image: Tensor, known: Tensor) -> list[tuple[Tensor, Tensor]]:
    """Return (image, known) from coarse to fine; known shares below a half count as unknown."""
    image = image * known
    levels = [(image, known)]
    mass = known
    while min(image.shape[-2:]) >= 2 * MIN_SIDE:
        height, width = (side // 2 * 2 for side in image.shape[-2:])
        image, mass = image[..., :height, :width], mass[..., :height, :width]
        pooled = halve(mass)
        image = halve(image * mass) / pooled.clamp_min(1e-6)
        mass = (pooled > 0.9).to(image.dtype)
        levels.append((image * mass, mass))
    return levels[::-1]


def _jacobian(image: Tensor) -> Tensor:
    """Return (10,P): change of brightness of (1,1,h,w) with eight motion numbers, gain, offset."""
    height, width = image.shape[-2:]
    gx, gy = central_differences(image[0, 0]) * (max(height, width) / 2)  # per normalised unit
    x, y = pixel_axes(height, width, image)
    y = y[:, None]
    radial = gx * x + gy * y
    return torch.stack(
        [
            *(gx * x, gx * y, gx, gy * x, gy * y, gy, -radial * x, -radial * y),
            *(image[0, 0], torch.ones_like(gx)),
        ]
    ).flatten(1)


class _Equations:
    """Normal equations of one level: products of slopes, made once, weighted at every step."""

    def __init__(self, image: Tensor) -> None:
        self.jacobian = _jacobian(image)
        self.upper = torch.triu_indices(_UNKNOWNS, _UNKNOWNS, device=image.device)
        self.products = self.jacobian[self.upper[0]] * self.jacobian[self.upper[1]]  # (55,P)

    def solve(self, weight: Tensor, residual: Tensor) -> Tensor:
        """Return the steps (N,10) that residuals (N,P) ask for under weights (N,P)."""
        right = (weight * residual) @ self.jacobian.mT
        normal = right.new_empty(len(right), _UNKNOWNS, _UNKNOWNS)
        normal[:, self.upper[0], self.upper[1]] = normal[:, self.upper[1], self.upper[0]] = (
            weight @ self.products.mT
        )
        ridge = _DAMPING * normal.diagonal(dim1=1, dim2=2).clamp_min(1e-6)
        return torch.linalg.solve(normal + torch.diag_embed(ridge), right)


def _small_homography(step: Tensor) -> Tensor:
    """Return (N,3,3) identity plus a step (N,8)."""
    matrix = torch.cat([step, torch.zeros_like(step[:, :1])], 1).view(-1, 3, 3)
    return matrix + torch.eye(3, dtype=step.dtype, device=step.device)


def align(
    frame: Tensor,
    known: Tensor,
    others: Tensor,
    others_known: Tensor,
    start: Tensor | None = None,
    *,
    iterations: tuple[int, ...] | None = None,
) -> Alignment:
    """Find the homographies that bring `others` onto one frame.

    Args:
        frame: (1,1,h,w) grey, in [0,1].
        known: (1,1,h,w) 1 = may be looked at.
        others: (N,1,h,w) grey, in [0,1].
        others_known: (N,1,h,w).
        start: (N,3,3) where to begin; None is the identity.
        iterations: Gauss-Newton steps a level, coarsest first, for so many of the finest levels;
            None is all levels, as without a start.

    Returns:
        One homography for each of the others; the start where nothing better was found or too
        little is known.
    """
    if min(frame.shape[-2:]) < MIN_SIDE:
        return _standing(frame, len(others), start)
    while max(frame.shape[-2:]) > _LARGEST_SIDE and min(frame.shape[-2:]) >= 2 * MIN_SIDE:
        frame, known = _halve(frame, known)
        others, others_known = _halve(others, others_known)
    count, (height, width) = len(others), frame.shape[-2:]
    if start is None:
        start = torch.eye(3, dtype=frame.dtype, device=frame.device).expand(count, 3, 3)
    matrix = start.clone()
    ours, theirs = pyramid(frame, known), pyramid(others, others_known)
    if iterations is not None:
        ours, theirs = ours[-len(iterations) :], theirs[-len(iterations) :]
    steps = iterations or _ITERATIONS
    colour = frame.new_tensor([[1.0, 0.0]]).repeat(count, 1)
    for depth, ((image, mask), (other, other_mask)) in enumerate(zip(ours, theirs, strict=True)):
        equations = _Equations(image)  # the same for all others
        scale = None  # of the noise: measured once a level
        for _ in range(steps[min(depth, len(steps) - 1)]):
            residual, seen = _residual(matrix, colour, image, mask, other, other_mask)
            scale = _spread(residual, seen) if scale is None else scale
            weight = seen / (1 + (residual / scale).square()).square()  # Geman and McClure
            step = equations.solve(weight, residual)
            matrix, colour, largest = _update(matrix, colour, step)
            if largest < 2e-5:
                break
    image, mask, other, other_mask = *ours[-1], *theirs[-1]
    error = _error(matrix, colour, image, mask, other, other_mask)
    still = frame.new_tensor([[1.0, 0.0]]).repeat(count, 1)
    before = _error(start, still, image, mask, other, other_mask)
    enough = (mask.flatten(1).sum(1) > _MIN_KNOWN) & torch.isfinite(error)
    valid = enough & ~is_degenerate(matrix, height, width) & (error <= before + 1e-4)
    chosen = torch.where(valid[:, None, None], matrix, start)
    return Alignment(chosen, torch.where(valid, error, before), valid)


def _standing(frame: Tensor, count: int, start: Tensor | None) -> Alignment:
    """Return the start, for frames too small to measure anything on."""
    if start is None:
        start = torch.eye(3, dtype=frame.dtype, device=frame.device).expand(count, 3, 3)
    none = torch.zeros(count, device=frame.device)
    return Alignment(start, none, none > 0)


def _halve(image: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    height, width = (side // 2 * 2 for side in image.shape[-2:])
    image, known = image[..., :height, :width], known[..., :height, :width]
    mass = halve(known)
    return halve(image * known) / mass.clamp_min(1e-6), (mass > 0.9).to(image.dtype)


def _residual(
    matrix: Tensor,
    colour: Tensor,
    image: Tensor,
    mask: Tensor,
    other: Tensor,
    other_mask: Tensor,
) -> tuple[Tensor, Tensor]:
    """Return (N,P) brightness-matched differences, and 1 where both are known."""
    points = warped_grid(matrix, *image.shape[-2:])
    both = sample_normalised(torch.cat([other, other_mask], 1), points)
    warped, seen = both[:, 0].flatten(1), both[:, 1].flatten(1)
    weight = mask.flatten(1) * (seen > 0.99)
    residual = warped - (colour[:, :1] * image.flatten(1) + colour[:, 1:])
    return residual, weight


def _spread(residual: Tensor, seen: Tensor) -> Tensor:
    """Return (N,1) the difference at which a pixel's say has fallen to a quarter."""
    # median over known pixels: a mask of zeros would pull it to zero
    size = torch.where(seen > 0, residual.abs(), torch.full_like(residual, torch.nan))
    return 2 * (1.4826 * size.nanmedian(1, keepdim=True).values).nan_to_num(1.0).clamp_min(0.004)


def _error(
    matrix: Tensor,
    colour: Tensor,
    image: Tensor,
    mask: Tensor,
    other: Tensor,
    other_mask: Tensor,
) -> Tensor:
    """Return (N,) robust root-mean-square of the difference."""
    residual, seen = _residual(matrix, colour, image, mask, other, other_mask)
    is_seen = seen > 0
    clipped = residual.abs().clamp_max(0.15).square() * is_seen
    return (clipped.sum(1) / is_seen.sum(1).clamp_min(1)).sqrt()


def _update(matrix: Tensor, colour: Tensor, step: Tensor) -> tuple[Tensor, Tensor, float]:
    """Apply a step: the frame's own warp is undone (inverse compositional), brightness adds up."""
    step = step.nan_to_num(0.0)
    # a step larger than a fifth of the frame comes from a singular system
    norm = step[:, :8].norm(dim=1, keepdim=True)
    step = torch.where(norm > 0.2, torch.zeros_like(step), step)
    # the step moves the frame towards the other; the warp has to undo it
    matrix = matrix @ torch.linalg.inv(_small_homography(step[:, :8]))
    matrix = matrix / matrix[:, 2:, 2:]
    return matrix, colour + step[:, 8:], float(norm.max())
