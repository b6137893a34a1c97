"""The frames of a shot that still lend or need pixels, ready to be sampled."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..align.flow import dense_flow
from ..align.homography import to_grey
from ..align.track import FlowFunction, Track
from ..box import Box, hole_box
from ..fills.averaging import size_of
from ..fills.smooth import smooth_fill

GRID_PX = 16
"""Contexts are aligned to this, so that pooled cells do not depend on where they start."""
SURROUND_PX = 40
"""Pixels farther than this from a hole's box do not influence its fill. Set by hand, not swept."""


@dataclass(frozen=True)
class HoleArea:
    """Where the hole of a frame is.

    box: bounding box of the hole; context: the part of the frame that decides what is filled in. It
    depends on the frame's own hole alone, so that streamed and whole clips get the same fill.
    """

    box: Box
    context: Box


def find_hole(hole: Tensor) -> HoleArea | None:
    """Return where the hole (...,h,w) of a whole frame is; None without a hole."""
    box = hole_box(hole)
    if box is None:
        return None
    return HoleArea(box, box.grow(SURROUND_PX).aligned(GRID_PX) & Box(0, 0, *size_of(hole)))


@dataclass(frozen=True)
class ShotFrame:
    """One frame of a shot.

    frame: (1,3,h,w) in [0,1], holes filled smoothly, so that sampling next to them stays plausible.
    known: (1,1,h,w) 1 = not a hole.
    grey: (1,1,h,w).
    hole: where the hole is; None without one.
    """

    frame: Tensor
    known: Tensor
    grey: Tensor
    hole: HoleArea | None


class Shot:
    """Window over one shot: frames arrive in order and are forgotten in order.

    Args:
        size: (height, width) of the frames.
        device: where pixels are gathered.
        with_camera: follow the camera by homographies.
        with_flow: follow every pixel by dense flow too; needs `with_camera`.
        measure: how flow is measured.
    """

    def __init__(
        self,
        size: tuple[int, int],
        device: torch.device,
        *,
        with_camera: bool,
        with_flow: bool,
        measure: FlowFunction = dense_flow,
    ) -> None:
        self.size, self.device = size, device
        self.track = Track(size, with_camera=with_camera, with_flow=with_flow, measure=measure)
        self._frames: dict[int, ShotFrame] = {}
        self._arrived = 0

    def __contains__(self, t: int) -> bool:
        return t in self._frames

    def __getitem__(self, t: int) -> ShotFrame:
        return self._frames[t]

    def push(self, frame: Tensor, hole: Tensor) -> None:
        """Add the next frame (1,3,h,w) in [0,1] and its hole (1,1,h,w), 1 = hole."""
        frame, hole = frame.to(self.device), hole.to(self.device)
        area = find_hole(hole)
        if area is not None:
            part = (..., area.context.rows, area.context.columns)
            filled = frame.clone()
            filled[part] = smooth_fill(frame[part], hole[part])
            frame = filled
        self._frames[self._arrived] = ShotFrame(frame, 1 - hole, to_grey(frame), area)
        self.track.push(frame, hole)
        self._arrived += 1

    def forget(self, before: int) -> None:
        """Drop the frames earlier than this."""
        for t in [t for t in self._frames if t < before]:
            del self._frames[t]
        self.track.forget(before)

    def drop(self, t: int) -> None:
        """Drop one frame's pixels; the motion through it is kept."""
        self._frames.pop(t, None)
