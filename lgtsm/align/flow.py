"""Dense optical flow between frames with holes: coarse to fine, weighted least squares.

At every pyramid level the other frame is warped by the flow so far, and each pixel's residual
motion is solved from its neighbourhood (Lucas and Kanade 1981; pyramid: Bouguet 2001) with robust
weights. Flow is then smoothed with weights for how well each pixel fits and how much texture it has,
which also carries it into holes. It starts from the camera's motion, so only parallax and
independently moving objects are left to find.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from ..fills.averaging import enlarge, halve, local_mean, pad_even, size_of
from ..fills.smooth import push_pull
from .pyramid import MOST_KNOWN, known_pyramid
from .sampling import length, pixel_grid, sample_known

CELL = 2
"""Motion is solved for cells of 2x2 pixels, unless stated; brightness is compared pixel by pixel."""
# set by hand, not swept
_MIN_SIDE = 12  # shorter side of the coarsest level, in pixels
_ITERATIONS = 3  # Gauss-Newton steps per level
_BLUR = 2  # repetitions of a 3x3 average of cells: of the equations, and of the flow
_RIDGE = 4e-5  # keeps pixels without texture in place; in squared brightness per pixel
_ROBUST = 0.03  # brightness difference at which a pixel's weight has fallen to a quarter
_MAX_STEP = 2.0  # longest step of one iteration, in pixels: brightness is not linear beyond it
_MIN_WEIGHT = 1e-4  # weight of a known pixel without texture, against 1 for a certain one
_TRUSTED = 0.02  # mean weight of neighbours from which on flow is kept, not diffused


def image_gradient(image: Tensor) -> Tensor:
    """Return (N,2,h,w) x and y derivatives of (N,1,h,w), by the 5-tap filter (1,-8,0,8,-1)/12."""
    wide = pad(image, (2, 2, 2, 2), mode="replicate")
    rows, columns = wide[..., 2:-2, :], wide[..., :, 2:-2]
    near = torch.cat(
        [rows[..., 3:-1] - rows[..., 1:-3], columns[..., 3:-1, :] - columns[..., 1:-3, :]], 1
    )
    far = torch.cat([rows[..., 4:] - rows[..., :-4], columns[..., 4:, :] - columns[..., :-4, :]], 1)
    return near.mul_(8 / 12).sub_(far, alpha=1 / 12)


def robust_weight(weight: Tensor, residual: Tensor, scale: float | Tensor) -> Tensor:
    """Reduce weights by residuals (Geman and McClure 1985): to a quarter where one is `scale`."""
    return weight / (residual / scale).square_().add_(1).square_()


def dense_flow(
    frames: Tensor, known: Tensor, others: Tensor, others_known: Tensor, start: Tensor
) -> tuple[Tensor, Tensor]:
    """Find where `others` show each pixel of `frames`.

    Args:
        frames: (N,1,h,w) grey, in [0,1].
        known: (N,1,h,w) 1 = usable.
        others: (N,1,h,w), brightness matched to `frames`.
        others_known: (N,1,h,w).
        start: (N,2,h,w) initial displacement in pixels, from the camera's motion; pixels without
            texture stay near it.

    Returns:
        Displacement (N,2,h,w) in pixels, everywhere, and confidence (N,1,h,w) in [0,1].
    """
    pyramids = (
        known_pyramid(image, mask, _MIN_SIDE, least=MOST_KNOWN, to_even=pad_even)
        for image, mask in ((frames, known), (others, others_known))
    )
    motion, mass, confidence = no_motion(frames, len(frames)), known, torch.zeros_like(known)
    for (image, mask), other in zip(*pyramids, strict=True):
        size = size_of(image)
        scale = size[1] / frames.shape[-1]
        base = interpolate(start, size=size, mode="bilinear", align_corners=False) * scale
        base = base + pixel_grid(*size, image)
        motion, both = finer_motion(motion, size), torch.cat(other, 1)
        for _ in range(_ITERATIONS):
            motion, mass, confidence = _improve(image, mask, both, base, motion)
        motion = push_pull(motion, (mass * (1 / _TRUSTED)).clamp_max(1.0))
    size = size_of(frames)
    return start + to_pixels(motion, size), to_pixels(confidence, size)


def no_motion(like: Tensor, count: int) -> Tensor:
    """Return `count` motions of zero, to start `finer_motion` with."""
    return like.new_zeros(count, 2, 1, 1)


def finer_motion(motion: Tensor, size: tuple[int, int], cell: int = CELL) -> Tensor:
    """Bring motions (N,2,h',w') of cells to the next level, of a size (height, width) in pixels."""
    cells = (-(-size[0] // cell), -(-size[1] // cell))
    return 2 * interpolate(motion, size=cells, mode="bilinear", align_corners=False)


def to_pixels(cells: Tensor, size: tuple[int, int], cell: int = CELL) -> Tensor:
    """Enlarge values per cell to values per pixel of an image of a size (height, width)."""
    return enlarge(cells, cell, size)


def newton_step(sums: Tensor, ridge: float, most: float) -> tuple[Tensor, Tensor]:
    """Solve the 2x2 equations of every cell.

    Args:
        sums: (N,5,h,w) of `gradient_products`, averaged.
        ridge: keeps cells without texture in place.
        most: longest step, in pixels.

    Returns:
        Steps (N,2,h,w), and their certainty (N,1,h,w) in [0,1], which the direction with less
        texture decides.
    """
    diagonal, xy, right = torch.split(sums, [2, 1, 2], 1)
    diagonal = diagonal + ridge
    determinant = torch.addcmul(diagonal.prod(1, keepdim=True), xy, xy, value=-1)
    step = torch.addcmul(diagonal.flip(1) * right, xy, right.flip(1), value=-1).div_(determinant)
    step = step.div_((length(step) / most).clamp_min_(1.0))
    weaker = determinant.div_(diagonal.sum(1, keepdim=True))  # about the smaller eigenvalue
    return step, (weaker / (weaker + 4 * ridge)).square_()


def gradient_products(gradient: Tensor, difference: Tensor, weight: Tensor) -> Tensor:
    """Return the terms (N,5,h,w) of the equations of motion: xx, yy, xy, then xd, yd.

    Args:
        gradient: (N,2,h,w) x and y.
        difference: (N,1,h,w) in brightness.
        weight: (N,1,h,w).
    """
    weighted = gradient * weight
    of_both = weighted[:, :1] * gradient[:, 1:]
    return torch.cat([weighted * gradient, of_both, weighted * difference], 1)


def _improve(
    image: Tensor, mask: Tensor, other: Tensor, base: Tensor, motion: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Do one Gauss-Newton step and one weighted smoothing of the residual motion (N,2,h',w').

    Returns:
        The motion, the mean weight around each cell, and the cell's own.
    """
    warped, seen = sample_known(other, base + to_pixels(motion, size_of(image)))
    seen = seen * mask
    gradient = image_gradient(0.5 * (warped + image))
    difference = image - warped
    robust = robust_weight(seen, difference, _ROBUST)
    sums = torch.cat([gradient_products(gradient, difference, robust), robust, seen], 1)
    sums, robust, seen = torch.split(halve(pad_even(sums)), [5, 1, 1], 1)
    step, certainty = newton_step(local_mean(sums, _BLUR), _RIDGE, _MAX_STEP)
    weight = certainty * robust + _MIN_WEIGHT * seen
    smoothed, mass = _smoothed(motion + step, weight)
    return smoothed, mass, weight.clamp_max(1.0)


def _smoothed(motion: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Average motion over its neighbourhood by weight; where nothing is known it stays."""
    sums = local_mean(torch.cat([motion * weight, weight], 1), _BLUR)
    total, mass = torch.split(sums, [2, 1], 1)
    return torch.where(mass > 0, total / mass.clamp_min(1e-8), motion), mass
