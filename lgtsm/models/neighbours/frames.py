"""What all copying networks read and return: a target frame, its references, what they show of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn.functional import grid_sample, interpolate, max_pool2d

from ...errors import ShapeError

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of ImageNet's RGB; holes are filled with the mean, which normalises to 0."""


def channel_values(values: tuple[float, ...], like: Tensor) -> Tensor:
    """Return a value per channel as (C,1,h=1,w=1)."""
    return like.new_tensor(values)[:, None, None]


def normalise(pixels: Tensor) -> Tensor:
    """Normalise RGB (...,3,h,w) in [0,1] by ImageNet's mean and deviation."""
    return (pixels - channel_values(MEAN, pixels)) / channel_values(STD, pixels)


def denormalise(values: Tensor) -> Tensor:
    """Undo `normalise`."""
    return values * channel_values(STD, values) + channel_values(MEAN, values)


def mean_fill(pixels: Tensor, holes: Tensor) -> Tensor:
    """Fill holes (...,1,h,w), 1 = hole, of RGB (...,3,h,w) with ImageNet's mean."""
    return (1 - holes) * pixels + holes * channel_values(MEAN, pixels)


@dataclass(frozen=True)
class Views:
    """A target frame and other frames of the same scene.

    target: (B,3,h,w) in [0,1]; values under the hole are ignored.
    hole: (B,1,h,w), 1 = hole.
    references: (B,R,3,h,w); reference_holes: (B,R,1,h,w).
    """

    target: Tensor
    hole: Tensor
    references: Tensor
    reference_holes: Tensor

    def __post_init__(self) -> None:
        """Check that the shapes match.

        Raises:
            ShapeError: other ranks, channels or sizes, or no reference.
        """
        shape, (batch, size) = self.references.shape, (len(self.target), self.target.shape[2:])
        expected = ((batch, 3, *size), (batch, 1, *size), (batch, *shape[1:2], 1, *size))
        found = tuple(tuple(x.shape) for x in (self.target, self.hole, self.reference_holes))
        if len(shape) != 5 or shape != (batch, shape[1], 3, *size) or found != expected:
            raise ShapeError(
                "Expected a target (B,3,h,w), its hole (B,1,h,w), references (B,R,3,h,w) of the "
                f"same size and their holes, got {found[0]}, {found[1]}, {tuple(shape)} and "
                f"{found[2]}; bring all to one size."
            )
        if shape[1] == 0:
            raise ShapeError(
                "Expected one other frame or more beside the target, got none; give a clip of two "
                "frames or more, or choose a network that fills single frames."
            )

    @staticmethod
    def of_clip(frames: Tensor, holes: Tensor, target: int) -> Views:
        """Take one frame of a clip (B,T,3,h,w) with holes (B,T,1,h,w); all others are references."""
        others = [t for t in range(frames.shape[1]) if t != target]
        return Views(frames[:, target], holes[:, target], frames[:, others], holes[:, others])

    def filled(self) -> tuple[Tensor, Tensor]:
        """Return target and references with their holes filled with the mean."""
        return (
            mean_fill(self.target, self.hole),
            mean_fill(self.references, self.reference_holes),
        )


def resize(x: Tensor, size: tuple[int, int], *, mode: str = "bilinear") -> Tensor:
    """Resize (...,C,h,w), bilinear or nearest; edges, not corner pixels, coincide."""
    if tuple(x.shape[-2:]) == size:
        return x
    flat = x.reshape(-1, *x.shape[-3:])
    resized = interpolate(flat, size=size, mode=mode)
    return resized.reshape(*x.shape[:-2], *size)


def grow_cross(holes: Tensor, steps: int) -> Tensor:
    """Grow holes (...,1,h,w) by a 3x3 cross, step by step to a diamond."""
    for _ in range(steps):
        rows = max_pool2d(holes, (3, 1), 1, (1, 0))
        holes = torch.maximum(rows, max_pool2d(holes, (1, 3), 1, (0, 1)))
    return holes


@dataclass(frozen=True)
class Aligned:
    """References, brought to the places where the target shows the same.

    frames: (B,R,3,h,w), holes filled with the mean, 0 outside; known: (B,R,1,h,w), 1 = shown;
    gained: (B,R,1,h,w), 1 in the target's hole where the reference shows what is behind.
    """

    frames: Tensor
    known: Tensor
    gained: Tensor

    @staticmethod
    def of_samples(frames: Tensor, known: Tensor, hole: Tensor) -> Aligned:
        """Derive `gained` from the target's hole (B,1,h,w)."""
        return Aligned(frames, known, (known - (1 - hole[:, None])).clamp(0, 1))


def fold(x: Tensor) -> Tensor:
    """Return (B*R,C,h,w) of (B,R,C,h,w)."""
    return rearrange(x, "b r c h w -> (b r) c h w")


def unfold(x: Tensor, count: int) -> Tensor:
    """Return (B,R,C,h,w) of (B*R,C,h,w) with R = `count`; undoes `fold`."""
    return rearrange(x, "(b r) c h w -> b r c h w", r=count)


def to_pixels(positions: Tensor, *, align_corners: bool) -> Tensor:
    """Turn positions in frames of their own size into coordinates as `align.sampling` counts them.

    Args:
        positions: (...,2,h,w) as `grid_sample` reads them, x then y.
        align_corners: whether -1 and 1 are the centres of the corner pixels or the edges of the frame.
    """
    size = positions.new_tensor([positions.shape[-1], positions.shape[-2]])[:, None, None]
    between = int(align_corners)  # a pixel less from -1 to 1, half a one before -1
    return (positions + 1) / 2 * (size - between) + between / 2


def align_along(
    views: Views, positions: Tensor, *, align_corners: bool = True, known_mode: str = "nearest"
) -> Aligned:
    """Sample references, frames bilinear, at positions (B,R,2,h,w) as `grid_sample` reads them.

    Args:
        views: whose target they are positions of.
        positions: x then y in the references.
        align_corners: as of `to_pixels`.
        known_mode: how what they show is sampled, nearest or bilinear; more than half counts.
    """
    grid = rearrange(positions, "b r c h w -> (b r) h w c")
    frames, known = (
        unfold(grid_sample(fold(x), grid, mode=mode, align_corners=align_corners), x.shape[1])
        for x, mode in (
            (views.filled()[1], "bilinear"),
            (1 - views.reference_holes, known_mode),
        )
    )
    return Aligned.of_samples(frames, (known > 0.5).to(known.dtype), views.hole)


Compared = tuple[Tensor, Tensor]
"""Features of targets (B,C,h',w') and of their references (B*R,C,h',w')."""


class Aligner(nn.Module, ABC):
    """Finds where references show the pixels of a target.

    align_corners, known_mode: how references are sampled, see `align_along`.
    """

    align_corners: bool = True
    known_mode: str = "nearest"

    @abstractmethod
    def features(self, pixels: Tensor, holes: Tensor) -> Tensor:
        """Return what is compared of frames (N,3,h,w) with holes (N,1,h,w), whatever their pairs."""

    @abstractmethod
    def positions(self, views: Views, compared: Compared) -> Tensor:
        """Return positions (B,R,2,h,w) in the references, see `align_along`."""

    def compared(self, views: Views, references: Tensor | None = None) -> Compared:
        """Return the features of both; those of the references may be known already."""
        target = self.features(views.target, views.hole)
        if references is None:
            references = self.features(fold(views.references), fold(views.reference_holes))
        return target, references

    @torch.no_grad()
    def coords(
        self, frame: tuple[Tensor, Tensor], other: tuple[Tensor, Tensor], compared: Compared
    ) -> Tensor:
        """Return coordinates (1,2,h,w) for one pair of a shot; see `align.learned.PairAligner`."""
        views = Views(frame[0], 1 - frame[1], other[0][None], 1 - other[1][None])
        return to_pixels(self.positions(views, compared)[0], align_corners=self.align_corners)

    def align(self, views: Views, references: Tensor | None = None) -> Aligned:
        """Sample the references where they show the target; see `compared`."""
        positions = self.positions(views, self.compared(views, references))
        return align_along(
            views, positions, align_corners=self.align_corners, known_mode=self.known_mode
        )
