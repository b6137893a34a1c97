"""Logos without a model: what stays in its place on the screen while the picture behind it moves.

The edges of a logo, opaque or not, return in every frame; those of the scene pass. A pixel's edge is
persistent where its mean gradient over time is larger than passing edges leave by chance (the mean over
many pictures is what reveals a watermark: Dekel et al., "On the Effectiveness of Visible Watermarks",
CVPR 2017); how many chances a shot gave is told by how alike the gradients of successive frames are.
What such edges enclose belongs to the logo where it changes less than its surroundings.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import OptionError, ShapeError
from .regions import Flags, averaged, closed, filled, grown, regions, sums

_LEAST_FRAMES = 8
"""Fewer frames than these pass too little of the scene by; set by hand, as all figures below."""
_WEAK, _STRONG = (0.012, 3.0, 0.35), (0.03, 5.0, 0.6)
"""Least mean gradient in brightness per pixel, least ratio of it to what chance leaves, and to its own
deviation: of pixels that belong to a logo, and of those of which each logo has some."""
_LEAST_STRONG = 6
"""Pixels."""
_LEAST_CROSSING = 0.03
"""Least share of the squared gradient across a logo's main direction: a kerb along which the camera pans
has none."""
_NEIGHBOURS = 15
"""Side in pixels of the square over which the likeness of successive frames is averaged."""
_TEXTURED = 0.03
"""Root mean square gradient of an edge, whether it stays or passes."""
_MOVING = 0.75
"""Share of the edges that must pass for anything to be told."""
_ENCLOSED_CALM = 0.6
"""Deviation over time inside a logo, as a share of that of the picture, below which it belongs to it."""
_ENCLOSED_SMALL = 0.002
"""Share of the picture up to which an enclosed region belongs to the logo anyhow."""
_STROKE = 1 / 120
"""Half the width of a gap between edges that is closed, as a share of the picture's height."""
_BAR_DEVIATION, _BAR_COLOUR = 0.015, 0.06
"""Of the pixels of a letterbox bar over time, and between them and a logo in the bar."""
_BAR_SHARE = 0.5
"""Share of a row or column that has the bar's colour; logos may cover the rest."""
_BAR_EDGE = 2
"""Pixels beside a bar into which compression and scaling spread its edge."""

_Plane = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class StaticLogos:
    """What stays in its place.

    mask: (1,H,W) float32, 0 or 1, 1 = logo; frames: number of frames that were looked at.
    """

    mask: Tensor
    frames: int


def find_static(frames: Iterable[Tensor]) -> StaticLogos:
    """Find what never changes while the rest of the picture moves, in memory for a few frames.

    Args:
        frames: (3,H,W) float in [0,1], of one size; cuts between them help.

    Returns:
        The logos with their edges. Bars of a letterbox are none, but what stands in them is.

    Raises:
        ShapeError: too few frames, or of several sizes.
        OptionError: the picture does not move, so that nothing can be told.
    """
    moments = _Moments()
    for frame in frames:
        moments.add(frame)
    if moments.number < _LEAST_FRAMES:
        raise ShapeError(
            f"Expected at least {_LEAST_FRAMES} frames to tell what stays from what moves, got "
            f"{moments.number}; give a longer shot."
        )
    mean, deviation = moments.mean.numpy(), moments.deviation().numpy()
    bars, in_bars = _bars(mean, deviation)
    logo = _persistent(moments, ~grown(bars, _BAR_EDGE))
    logo = _with_insides(logo, deviation) & ~bars | in_bars
    return StaticLogos(mask=torch.from_numpy(logo[None].astype(np.float32)), frames=moments.number)


class _Moments:
    """Means over time, one frame after another: (3,H,W) the picture, (H,W) of its gradients."""

    def __init__(self) -> None:
        self.number = 0
        self.mean = self._spread = self.energy = self.successive = self._before = torch.empty(0)

    def add(self, frame: Tensor) -> None:
        """Take one more frame."""
        frame = frame.detach().cpu().float()
        gradient = _gradient(frame)
        if not self.number:
            self.mean, self._before = torch.zeros_like(frame), gradient
            self._spread, self.energy, self.successive = torch.zeros(3, *frame.shape[-2:])
        if frame.shape != self.mean.shape:
            raise ShapeError(
                f"Expected frames of {tuple(self.mean.shape)}, got {tuple(frame.shape)} at frame "
                f"{self.number}; give frames of one size."
            )
        self.number += 1
        change = frame - self.mean
        self.mean.add_(change, alpha=1 / self.number)
        self._spread += (change * (frame - self.mean)).mean(0)  # Welford
        self.energy.lerp_(_dot(gradient, gradient), 1 / self.number)
        self.successive.lerp_(_dot(gradient, self._before), 1 / self.number)
        self._before = gradient

    def deviation(self) -> Tensor:
        """Return the standard deviation (H,W) of the picture."""
        return (self._spread / self.number).clamp_min(0).sqrt()


def _gradient(frame: Tensor) -> Tensor:
    """Return half the differences (2,3,H,W) between the neighbours of a pixel, in its column and its row."""
    padded = torch.nn.functional.pad(frame[None], (1, 1, 1, 1), mode="replicate")[0]
    rows = padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]
    return torch.stack([rows, padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]]) / 2


def _dot(gradient: Tensor, other: Tensor) -> Tensor:
    """Return the product (H,W) of two gradients, averaged over the channels."""
    return (gradient * other).sum(0).mean(0)


def _persistent(moments: _Moments, inside: Flags) -> Flags:
    """Return the pixels (H,W) of edges that stay.

    Args:
        moments: of the shot.
        inside: pixels (H,W) that are not of a bar.

    Raises:
        OptionError: too many edges stay.
    """
    gradient = _gradient(moments.mean)  # that of the mean is the mean of all
    stays, energy = _dot(gradient, gradient).numpy(), moments.energy.numpy()
    passes = np.maximum(energy - stays, 1e-8)
    alike = averaged(moments.successive.numpy() - stays, _NEIGHBOURS)
    alike = np.clip(alike / averaged(passes, _NEIGHBOURS), 0, 0.99)
    # a chain in which neighbours correlate by `alike` is worth so many independent frames
    chances = np.maximum(moments.number * (1 - alike) / (1 + alike), 1)
    weak, strong = (
        inside
        & (stays > least**2)
        & (stays * chances > beyond**2 * passes)
        & (stays > ratio**2 * passes)
        for least, beyond, ratio in (_WEAK, _STRONG)
    )
    textured = inside & (energy > _TEXTURED**2)
    moving = float((textured & ~weak).sum() / max(1, textured.sum()))
    if moving < _MOVING:
        raise OptionError(
            "Expected a shot in which the picture moves behind what stays, got one in which "
            f"{1 - moving:.0%} of the edges stay, so that nothing can be told; give another shot of "
            "the same film, or paint the mask."
        )
    numbers, count = regions(weak)
    down, right = (d.square().mean(0).numpy() for d in gradient)
    mixed = (gradient[0] * gradient[1]).mean(0).numpy()
    yy, xx, xy = (sums(plane, numbers, count) for plane in (down, right, mixed))
    # smaller eigenvalue of the structure tensor of every part, as a share of both
    crossing = 0.5 - np.hypot((yy - xx) / 2, xy) / np.maximum(yy + xx, 1e-12)
    kept = (sums(strong, numbers, count) >= _LEAST_STRONG) & (crossing >= _LEAST_CROSSING)
    kept[0] = False
    return kept[numbers]


def _with_insides(logo: Flags, deviation: _Plane) -> Flags:
    """Close strokes, and add the regions that edges enclose where they are calm, or small."""
    logo = closed(logo, max(1, round(_STROKE * len(logo))))
    whole = filled(logo)
    numbers, count = regions(whole & ~logo, corners=False)
    if not count:
        return logo
    outside = float(np.median(deviation[~whole])) if not whole.all() else 0.0
    areas = np.maximum(sums(np.ones_like(numbers), numbers, count), 1)
    calm = sums(deviation, numbers, count) / areas < _ENCLOSED_CALM * outside
    kept = calm | (areas <= _ENCLOSED_SMALL * numbers.size)
    kept[0] = False
    return logo | kept[numbers]


def _bars(mean: _Plane, deviation: _Plane) -> tuple[Flags, Flags]:
    """Return the pixels (H,W) of letterbox and pillarbox bars, and of what stands in them."""
    bars, other = np.zeros((2, *deviation.shape), bool)
    for turn in range(4):  # the upper edge, after as many quarter turns
        picture, calm = np.rot90(mean, turn, (1, 2)), np.rot90(deviation, turn) < _BAR_DEVIATION
        colour = np.median(picture[:, 0], -1)[:, None, None]
        near = np.abs(picture - colour).max(0) < _BAR_COLOUR
        row_is_bar = calm.all(1) & (near.mean(1) > _BAR_SHARE)
        height = len(row_is_bar) if row_is_bar.all() else int(row_is_bar.argmin())
        np.rot90(bars, turn)[:height] = True
        np.rot90(other, turn)[:height] |= ~near[:height]
    return bars, other
