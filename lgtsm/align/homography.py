"""Direct photometric alignment: the homography that explains how known pixels moved.

Gauss-Newton on a pyramid, inverse compositional (Baker and Matthews 2004, "Lucas-Kanade 20 Years
On", section 3.2). Gain and offset of brightness are estimated together with the motion, and robust
weights keep independently moving objects from biasing it. No features are needed: the neighbour in
time is always near enough to start from.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..fills.averaging import central_differences, size_of
from .flow import robust_weight
from .projective import apply_homography, invert, is_degenerate, solve_linear
from .pyramid import known_pyramid, reduce_known
from .sampling import KNOWN, length, normalised_grid, sample_normalised

# set by hand, not swept, unless stated
MIN_SIDE = 14
"""Shorter side of the coarsest level, in pixels: fewer do not determine eight parameters."""
_LARGEST_SIDE = 320  # of the finest level; more moves a homography by hundredths of a pixel
_PIXELS = 12_000  # of a level that are compared, about: with half of them, blurred frames fit worse
_ITERATIONS = (12, 8, 6, 5)  # Gauss-Newton steps per level, coarsest first; 5 for all finer ones
_CONVERGED = 2e-5  # norm of a step, in normalised units, below which a level is finished
_MAX_STEP = 0.2  # norm of a step beyond which it comes from a singular system and is not taken
_MIN_KNOWN = 200  # pixels that must be known at the finest level
_DAMPING = 1e-4  # ridge relative to the diagonal of the normal equations (Levenberg, Marquardt)
_MAD_TO_SIGMA = 1.4826  # standard deviation of a Gaussian over its median absolute deviation
_MIN_NOISE = 0.004  # smallest standard deviation of the noise, in brightness: one level of 255
_MAX_RESIDUAL = 0.15  # brightness difference above which a pixel adds no more to the error
_WORSE = 1e-4  # error, in brightness, that a solution may add to that of its start


@dataclass(frozen=True)
class Alignment:
    """Homographies from one frame to N others.

    matrix: (N,3,3) from normalised points of the frame to those of the other one.
    error: (N,) robust root-mean-square difference on pixels known in both, brightness matched.
    """

    matrix: Tensor
    error: Tensor


class _Level(NamedTuple):
    """One pyramid level of M frames and N others, N/M for each, with P pixels of it that are compared.

    values, known: (M,1,P) of the frames, 0 where not known; jacobian: (M,10,P) their derivatives by
    eight motion parameters, gain and offset; products: (M,55,P) of two of these; both: (N,2,h,w) of the
    others, grey and known; points: (2,P) normalised.
    """

    values: Tensor
    known: Tensor
    jacobian: Tensor
    products: Tensor
    both: Tensor
    points: Tensor

    @classmethod
    def of(cls, image: Tensor, known: Tensor, num_frames: int) -> _Level:
        """Return the level of (M+N,1,h,w), frames first."""
        height, width = size = size_of(image)
        both = torch.cat([image * known, known], 1)
        columns = max(1, int((height * width / _PIXELS) ** 0.5))
        rows = max(1, round(height * width / _PIXELS / columns))
        sparse = (..., slice(rows // 2, None, rows), slice(columns // 2, None, columns))
        points = normalised_grid(*size, image)[sparse].flatten(1)
        frames = both[:num_frames]
        slopes = central_differences(frames[:, :1]) * (max(size) / 2)  # per unit
        gx, gy = slopes[sparse].flatten(2)
        values, known = torch.split(frames[sparse].flatten(2), 1, 1)
        x, y = points
        radial = gx * x + gy * y
        motion = [gx * x, gx * y, gx, gy * x, gy * y, gy, -radial * x, -radial * y]
        jacobian = torch.stack([*motion, values[:, 0], torch.ones_like(gx)], 1)
        # the upper triangle, row by row, as `_upper_numbers` counts them
        products = torch.cat([jacobian[:, i : i + 1] * jacobian[:, i:] for i in range(10)], 1)
        return cls(values, known, jacobian, products, both[num_frames:], points)

    def of_each(self, values: Tensor) -> Tensor:
        """Return values (N,P) of the others by frame: (M,N/M,P)."""
        return values.view(len(self.values), -1, values.shape[1])


def to_grey(frames: Tensor) -> Tensor:
    """Return (N,1,h,w) luma of (N,3,h,w) RGB (BT.601 weights, as video encoders use)."""
    red, green, blue = torch.split(frames, 1, -3)
    # a sum over three channels takes nine times as long on a CPU
    return (0.299 * red).add_(green, alpha=0.587).add_(blue, alpha=0.114)


def _step(level: _Level, weight: Tensor, residual: Tensor) -> Tensor:
    """Solve the normal equations: steps (N,10) for residuals (N,P) under weights (N,P)."""
    weight, residual = level.of_each(weight), level.of_each(residual)
    upper = _product(weight, level.products).flatten(0, 1)
    right = _product(weight * residual, level.jacobian).flatten(0, 1)[..., None]
    normal = upper[:, _upper_numbers(upper.device)]
    diagonal = normal.diagonal(dim1=1, dim2=2)
    diagonal.add_(diagonal.clamp_min(1e-6), alpha=_DAMPING)
    return solve_linear(normal, right)[..., 0].nan_to_num(0.0)


def _product(rows: Tensor, columns: Tensor) -> Tensor:
    """Return (M,R,C), the scalar products of rows (M,R,P) and (M,C,P)."""
    if rows.shape[1] == 1:  # a product with a single row rounds differently when it is alone
        return torch.bmm(rows.expand(-1, 2, -1), columns.mT)[:, :1]
    return torch.bmm(rows, columns.mT)


@functools.lru_cache(maxsize=4)
def _upper_numbers(device: torch.device) -> Tensor:
    """Return (10,10) which of the 55 numbers of the upper triangle, row by row, each entry is."""
    with torch.inference_mode(False):
        rows, columns = torch.triu_indices(10, 10)
        numbers = torch.zeros(10, 10, dtype=torch.long)
        numbers[rows, columns] = numbers[columns, rows] = torch.arange(len(rows))
        return numbers.to(device)


def align(
    frame: Tensor,
    known: Tensor,
    others: Tensor,
    others_known: Tensor,
    start: Tensor | None = None,
    *,
    iterations: tuple[int, ...] | None = None,
) -> Alignment:
    """Find the homographies that bring `others` onto a frame.

    Each result is what it would be alone.

    Args:
        frame: (M,1,h,w) grey, in [0,1]; M divides N, and each has N/M of the others, in order.
        known: (M,1,h,w) 1 = usable.
        others: (N,1,h,w) grey, in [0,1].
        others_known: (N,1,h,w).
        start: (N,3,3) initial homographies; None is the identity.
        iterations: Gauss-Newton steps per level, coarsest first, for as many of the finest levels;
            None is all levels, for motions of unknown size.

    Returns:
        One homography for each of the others; the start where nothing better was found or too
        little is known.
    """
    count = len(others)
    if start is None:
        start = _identity(frame).expand(count, 3, 3)
    if min(frame.shape[-2:]) < MIN_SIDE:
        return Alignment(start, torch.zeros(count, device=frame.device))
    pyramid = known_pyramid(
        *reduce_known(
            torch.cat([frame, others]), torch.cat([known, others_known]), _LARGEST_SIDE, MIN_SIDE
        ),
        MIN_SIDE,
    )
    levels = [_Level.of(*images, len(frame)) for images in pyramid]
    if iterations is not None:
        levels = levels[-len(iterations) :]
    matrix, colour = _solve(levels, start, iterations or _ITERATIONS)
    finest = levels[-1]
    error = _error(matrix, colour, finest)
    before = _error(start, _same_brightness(start), finest)
    enough = pyramid[-1][1][: len(frame)].flatten(1).sum(1) > _MIN_KNOWN
    enough = enough.repeat_interleave(count // len(frame)) & torch.isfinite(error)
    is_fine = ~is_degenerate(matrix, *size_of(finest.both))
    valid = enough & is_fine & (error <= before + _WORSE)
    chosen = torch.where(valid[:, None, None], matrix, start)
    return Alignment(chosen, torch.where(valid, error, before))


def _same_brightness(matrix: Tensor) -> Tensor:
    """Return gain 1 and offset 0 (N,2) for homographies (N,3,3)."""
    return matrix.new_tensor([[1.0, 0.0]]).repeat(len(matrix), 1)


def _solve(
    levels: list[_Level], start: Tensor, iterations: tuple[int, ...]
) -> tuple[Tensor, Tensor]:
    """Return homographies (N,3,3), and gain and offset of brightness (N,2)."""
    matrix, colour = start, _same_brightness(start)
    for depth, level in enumerate(levels):
        scale = None  # of the noise: measured once per level
        moving = torch.ones_like(colour[:, :1])
        for _ in range(iterations[min(depth, len(iterations) - 1)]):
            residual, seen = _residual(matrix, colour, level)
            scale = _noise(residual, seen) if scale is None else scale
            step = _step(level, robust_weight(seen, residual, scale), residual) * moving
            norm = length(step[:, :8])
            matrix, colour = _moved(matrix, colour, step * (norm <= _MAX_STEP))
            # every homography stops by itself, so that it does not depend on the others
            moving = moving * (norm >= _CONVERGED)
            if not bool(moving.any()):
                break
    return matrix, colour


def _residual(matrix: Tensor, colour: Tensor, level: _Level) -> tuple[Tensor, Tensor]:
    """Return (N,P) brightness-matched differences, and 1 where both are known."""
    points = apply_homography(matrix, level.points)[:, :, None]  # one row of pixels
    warped, seen = sample_normalised(level.both, points)[:, :, 0].unbind(1)
    gain, offset = (level.of_each(x) for x in torch.split(colour, 1, 1))
    wanted = torch.addcmul(offset, gain, level.values).flatten(0, 1)
    return warped - wanted, (level.known * level.of_each(seen > KNOWN)).flatten(0, 1)


def _noise(residual: Tensor, seen: Tensor) -> Tensor:
    """Return (N,1) the scale of the robust weights: twice the standard deviation of the noise."""
    # median over known pixels: a mask of zeros would pull it to zero
    size = torch.where(seen > 0, residual.abs(), torch.full_like(residual, torch.nan))
    sigma = (_MAD_TO_SIGMA * size.nanmedian(1, keepdim=True).values).nan_to_num(1.0)
    return 2 * sigma.clamp_min(_MIN_NOISE)


def _error(matrix: Tensor, colour: Tensor, level: _Level) -> Tensor:
    """Return (N,) robust root-mean-square of the difference."""
    residual, seen = _residual(matrix, colour, level)
    is_seen = seen > 0
    clipped = residual.abs().clamp_max(_MAX_RESIDUAL).square() * is_seen
    return (clipped.sum(1) / is_seen.sum(1).clamp_min(1)).sqrt()


def _moved(matrix: Tensor, colour: Tensor, step: Tensor) -> tuple[Tensor, Tensor]:
    """Apply steps (N,10): motion by inverse composition, brightness by addition."""
    motion, brightness = torch.split(step, [8, 2], 1)
    small = pad(motion, (0, 1)).view(-1, 3, 3) + _identity(step)
    # the step moves the frame towards the other one; the warp has to undo it
    matrix = torch.bmm(matrix, invert(small))
    return matrix / matrix[:, 2:, 2:], colour + brightness


def _identity(like: Tensor) -> Tensor:
    return torch.eye(3, dtype=like.dtype, device=like.device)
