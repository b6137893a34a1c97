"""Quality of a fill without any truth: seam, flicker, sharpness and what is left of the object.

All measures are ours. Each compares the hole with the known pixels around it, so that what both
share (texture, motion, fades) cancels, and takes one frame at a time in constant memory.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from ..box import Box, hole_box

RING_PX = 8
"""Width of the ring of known pixels that flicker is compared with; set by hand, not swept."""
SEAM_RING_PX = 4
"""Width of the ring that the seam is compared with; set by hand, not swept."""
SHARP_RING_PX, SHARP_MARGIN_PX = (6, 24), 2
"""Distances between which sharpness around a hole is measured, and the margin inside it that is not;
set by hand, not swept."""
ONE_LEVEL = 1 / 255
"""Added to both terms of a ratio: differences below one level of 255 are invisible."""


def widen(hole: Tensor, px: int) -> Tensor:
    """Dilate a hole by a square of side 2 px + 1.

    Args:
        hole: (1,H,W) or (N,1,H,W) floating point, 0 or 1.
        px: 0 or more.

    Returns:
        The same shape, 0 or 1.
    """
    if px == 0:
        return hole
    tall = max_pool2d(hole, (2 * px + 1, 1), 1, (px, 0))
    return max_pool2d(tall, (1, 2 * px + 1), 1, (0, px))


def ring(hole: Tensor, px: int = RING_PX) -> Tensor:
    """Return the known pixels at most `px` rows and columns away from a hole, as `widen`."""
    return widen(hole, px) - hole


@dataclass
class RunningMean:
    """Sum and number of values, in double precision for clips of any length."""

    total: float = 0.0
    count: int = 0

    def add(self, values: Tensor) -> None:
        """Add values of any shape."""
        self.total += float(values.double().sum())
        self.count += values.numel()

    @property
    def mean(self) -> float | None:
        """The mean; None of nothing."""
        return self.total / self.count if self.count else None

    def relative_to(self, other: RunningMean) -> float | None:
        """Return (mean + 1/255) / (other mean + 1/255); None where either is empty."""
        if not (self.count and other.count):
            return None
        return (self.total / self.count + ONE_LEVEL) / (other.total / other.count + ONE_LEVEL)


class SeamContrast:
    """Mean absolute step between neighbouring pixels across the hole's border, over that beside it.

    1: the border looks like its surroundings; above: it shows. A hole around a sharp object on smooth
    ground scores high on the original frames, too.
    """

    def __init__(self) -> None:
        self._across, self._beside = RunningMean(), RunningMean()

    def add(self, frame: Tensor, hole: Tensor) -> None:
        """Add a frame.

        Args:
            frame: (3,H,W) in [0,1], filled.
            hole: (1,H,W) 0 or 1, 1 = hole.
        """
        box = hole_box(hole)
        if box is None:
            return
        part = box.grow(SEAM_RING_PX + 1) & Box(0, 0, *hole.shape[-2:])
        frame, hole = (x[:, part.rows, part.columns] for x in (frame, hole))
        inside = hole[0] > 0
        near = (widen(hole, SEAM_RING_PX)[0] > 0) & ~inside
        for dim in (-2, -1):
            size = frame.shape[dim] - 1
            step = (frame.narrow(dim, 1, size) - frame.narrow(dim, 0, size)).abs()
            first, second = inside.narrow(dim, 0, size), inside.narrow(dim, 1, size)
            self._across.add(step[:, first != second])
            self._beside.add(step[:, near.narrow(dim, 0, size) & near.narrow(dim, 1, size)])

    @property
    def value(self) -> float | None:
        """The ratio; None where no hole had a border."""
        return self._across.relative_to(self._beside)


class Flicker:
    """Mean absolute change between consecutive frames inside the hole, over that in a ring around it.

    1: as steady as the surroundings; above: restless; well below: frozen or blurred. Keeps one frame.
    """

    def __init__(self) -> None:
        self._inside, self._around = RunningMean(), RunningMean()
        self._before: tuple[Tensor, Tensor, Tensor, Box] | None = None

    def add(self, frame: Tensor, hole: Tensor) -> None:
        """Add the next frame; arguments as `SeamContrast.add`."""
        box = hole_box(hole) or Box(0, 0, 0, 0)
        box = box.grow(RING_PX) & Box(0, 0, *hole.shape[-2:])
        inside, around = hole[0] > 0, torch.zeros_like(hole[0], dtype=torch.bool)
        around[box.rows, box.columns] = ring(hole[:, box.rows, box.columns])[0] > 0
        if self._before is not None:
            frame_before, inside_before, around_before, box_before = self._before
            both = box & box_before  # nothing outside is in both holes or both rings
            if min(both.height, both.width) > 0:
                part = (..., both.rows, both.columns)
                change = (frame[part] - frame_before[part]).abs()
                self._inside.add(change[:, inside[part] & inside_before[part]])
                self._around.add(change[:, around[part] & around_before[part]])
        self._before = frame, inside, around, box

    @property
    def value(self) -> float | None:
        """The ratio; None where no two consecutive frames share hole and ring."""
        return self._inside.relative_to(self._around)


def clip_flicker(frames: Tensor, holes: Tensor) -> float | None:
    """Return the flicker of a clip in memory: frames (T,3,H,W), holes (T,1,H,W)."""
    flicker = Flicker()
    for frame, hole in zip(frames, holes, strict=True):
        flicker.add(frame, hole)
    return flicker.value


class Sharpness:
    """Mean absolute Laplacian inside the hole, over that of known pixels around it.

    1: as sharp as the surroundings; a smooth fill is near 0. Two pixels inside the border and six
    outside are left out, since a seam or a soft edge would count as detail.
    """

    def __init__(self) -> None:
        self._inside, self._around = RunningMean(), RunningMean()

    def add(self, frame: Tensor, hole: Tensor) -> None:
        """Add a frame; arguments as `SeamContrast.add`."""
        box = hole_box(hole)
        if box is None:
            return
        part = box.grow(SHARP_RING_PX[1] + 1) & Box(0, 0, *hole.shape[-2:])
        frame, hole = (x[:, part.rows, part.columns] for x in (frame, hole))
        if min(frame.shape[-2:]) < 3:
            return
        centre = 4 * frame[:, 1:-1, 1:-1]
        beside = frame[:, 1:-1, :-2] + frame[:, 1:-1, 2:] + frame[:, :-2, 1:-1] + frame[:, 2:, 1:-1]
        detail = (centre - beside).abs()
        inner = 1 - widen(1 - hole, SHARP_MARGIN_PX)
        near, far = (widen(hole, px) for px in SHARP_RING_PX)
        self._inside.add(detail[:, inner[0, 1:-1, 1:-1] > 0])
        self._around.add(detail[:, (far - near)[0, 1:-1, 1:-1] > 0])

    @property
    def value(self) -> float | None:
        """The ratio; None where no hole has an inside and surroundings."""
        return self._inside.relative_to(self._around)

    def relative_to(self, other: Sharpness) -> float | None:
        """Return the sharpness inside over that of other frames; None where no hole has an inside."""
        return self._inside.relative_to(other._inside)


def clip_sharpness(frames: Tensor, holes: Tensor) -> Sharpness:
    """Return the sharpness of a clip in memory: frames (T,3,H,W), holes (T,1,H,W)."""
    sharpness = Sharpness()
    for frame, hole in zip(frames, holes, strict=True):
        sharpness.add(frame, hole)
    return sharpness


class Residual:
    """Fraction of the removed object's contrast that is still visible in the fill.

    The least-squares coefficient of the result's gradients on the original's, inside the hole. 1: the
    object is untouched; 0.5: a ghost of half its contrast; 0: no trace. True background within the
    mask's margin raises it a little.
    """

    def __init__(self) -> None:
        self._common = self._object = 0.0

    def add(self, original: Tensor, result: Tensor, hole: Tensor) -> None:
        """Add a frame.

        Args:
            original: (3,H,W) in [0,1], with the object.
            result: (3,H,W) in [0,1], filled.
            hole: (1,H,W) 0 or 1, 1 = hole.
        """
        box = hole_box(hole)
        if box is None:
            return
        original, result, hole = (x[:, box.rows, box.columns] for x in (original, result, hole))
        inside = hole[0] > 0
        for dim in (-2, -1):
            size = original.shape[dim] - 1
            pairs = inside.narrow(dim, 0, size) & inside.narrow(dim, 1, size)
            before, after = (
                (x.narrow(dim, 1, size) - x.narrow(dim, 0, size))[:, pairs].double()
                for x in (original, result)
            )
            self._common += float((before * after).sum())
            self._object += float(before.square().sum())

    @property
    def value(self) -> float | None:
        """The fraction; None where the original is flat inside the hole or there is no hole."""
        return self._common / self._object if self._object > 0 else None
