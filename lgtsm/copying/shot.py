"""The frames of a shot that may still lend or need pixels, ready to be sampled."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..align.flow import dense_flow
from ..align.homography import to_grey
from ..align.track import FlowFunction, Track
from ..box import Box, hole_box
from ..fills.smooth import smooth_fill

GRID_PX = 16
"""Crops are aligned to this, so that pooled cells do not depend on the crop."""
SURROUND_PX = 40
"""What lies farther than this from a hole's box says nothing about its content."""


def hole_surroundings(hole: Tensor) -> Box | None:
    """Return the part of a frame that decides what is in its hole.

    Args:
        hole: (...,h,w) of the whole frame.

    Returns:
        The box, or None without a hole; it depends on nothing but the frame's own hole, so that
        streamed and whole clips get the same fill.
    """
    box = hole_box(hole)
    if box is None:
        return None
    return box.grow(SURROUND_PX).aligned(GRID_PX) & Box(0, 0, *hole.shape[-2:])


@dataclass(frozen=True)
class ShotFrame:
    """One frame of a shot.

    frame: (1,3,h,w) in [0,1], holes filled smoothly so that sampling next to them takes no rubbish.
    known: (1,1,h,w) 1 = not a hole.
    grey: (1,1,h,w).
    box: of the hole; crop: see `hole_surroundings`; both None without a hole.
    """

    frame: Tensor
    known: Tensor
    grey: Tensor
    box: Box | None
    crop: Box | None


class Shot:
    """Window over one shot: frames arrive in order and are forgotten in order.

    Args:
        size: (height, width) of the frames.
        device: where pixels are gathered.
        with_camera: follow the camera by homographies.
        with_flow: follow every pixel by dense flow.
        measure: what measures it.
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
        self.track = None
        if with_camera or with_flow:
            self.track = Track(size, with_flow=with_flow, measure=measure)
        self._frames: dict[int, ShotFrame] = {}
        self._arrived = 0

    def __contains__(self, t: int) -> bool:
        return t in self._frames

    def __getitem__(self, t: int) -> ShotFrame:
        return self._frames[t]

    def push(self, frame: Tensor, hole: Tensor) -> None:
        """Take in the next frame (1,3,h,w) in [0,1] and its hole (1,1,h,w), 1 = hole."""
        frame, hole = frame.to(self.device), hole.to(self.device)
        box, crop = hole_box(hole), hole_surroundings(hole)
        if crop is not None:
            part = (..., crop.rows, crop.columns)
            filled = frame.clone()
            filled[part] = smooth_fill(frame[part], hole[part])
            frame = filled
        self._frames[self._arrived] = ShotFrame(frame, 1 - hole, to_grey(frame), box, crop)
        if self.track is not None:
            self.track.push(frame, hole)
        self._arrived += 1

    def forget(self, before: int) -> None:
        """Drop the frames earlier than this."""
        for t in [t for t in self._frames if t < before]:
            del self._frames[t]
        if self.track is not None:
            self.track.forget(before)

    def drop(self, t: int) -> None:
        """Drop one frame's pixels; the motion that passes through it stays known."""
        self._frames.pop(t, None)

    def bytes_held(self) -> int:
        """Return what the frames take."""
        return sum(
            x.numel() * x.element_size()
            for e in self._frames.values()
            for x in (e.frame, e.known, e.grey)
        )
