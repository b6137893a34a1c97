"""The frames of a shot still needed as sources or targets."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ..align.flow import dense_flow
from ..align.learned import LearnedMotion
from ..align.track import FlowFunction, Track
from ..box import Box, hole_box
from ..fills.averaging import size_of
from ..fills.smooth import smooth_fill
from ..options import FlowMethod, Motion
from .source_frames import Search

GRID_PX = 16
"""Contexts are aligned to this, so that pooled cells do not depend on where they start."""
SURROUND_PX = 40
"""Pixels around a hole's box in which copies are compared, before alignment to `GRID_PX`. Set by
hand, not swept."""

_STEPS = 256 * 255
"""Steps between black and white in which pixels are kept, from the middle: whole levels of 255 stay exact,
others change by 1/512 of one at most."""
_SMALL_PIXELS = 100_000  # up to this, frames wait as they come: a hundred of them take little
_SIZE_STEP_PX = 32  # sides of contexts are multiples of this, where the frame is large enough
_REDUCED_SIDE = 256  # longer side, in pixels, of what is known when sources are chosen


@dataclass(frozen=True)
class HoleArea:
    """Where the hole of a frame is.

    box: bounding box of the hole.
    near: what lies around it: planes that extrapolate motion into it are fitted there.
    context: the part of the frame in which copies are compared, `near` and more. It depends on the
        frame's own hole alone, so that streamed and whole clips get the same fill.
    """

    box: Box
    near: Box
    context: Box


def find_hole(hole: Tensor) -> HoleArea | None:
    """Return where the hole (...,h,w) of a whole frame is; None without a hole."""
    box = hole_box(hole)
    if box is None:
        return None
    wide, (height, width) = box.grow(SURROUND_PX).aligned(GRID_PX), size_of(hole)
    top, bottom = _reached(wide.top, wide.bottom, height)
    left, right = _reached(wide.left, wide.right, width)
    return HoleArea(box, wide & Box(0, 0, height, width), Box(top, left, bottom, right))


def _reached(start: int, stop: int, side: int) -> tuple[int, int]:
    """Return rows or columns of a frame around those from start to stop.

    Contexts of one size are registered together, so it should change rarely: it is a multiple of 32, and
    at the frame's borders a context moves inwards instead of becoming smaller.
    """
    length = stop - start + (start - stop) % _SIZE_STEP_PX
    start = max(0, min(start, -((length - side) // GRID_PX) * GRID_PX))
    return start, min(start + length, side)


@dataclass(frozen=True)
class ShotFrame:
    """One frame of a shot.

    A window holds a hundred of them, so only what cannot be computed from the rest is kept.

    kept: (1,3,h,w) int16, the pixels in `_STEPS`, half as large as floats; or these, see `packs`.
    is_known: (1,1,h,w) bool, not a hole.
    reduced_known: (1,1,h',w') its average over cells, no side above 256.
    hole: where the hole is; None without one.
    """

    kept: Tensor
    is_known: Tensor
    reduced_known: Tensor
    hole: HoleArea | None

    @property
    def pixels(self) -> Tensor:
        """(1,3,h,w) in [0,1], hole filled smoothly, so that sampling next to it stays plausible."""
        return to_pixels(self.kept)

    @property
    def known(self) -> Tensor:
        """(1,1,h,w) 1 = not a hole."""
        return self.is_known.to(self._dtype)

    def part(self, box: Box) -> tuple[Tensor, Tensor]:
        """Return `pixels` and `known` of a part of the frame."""
        part = (..., box.rows, box.columns)
        return to_pixels(self.kept[part]), self.is_known[part].to(self._dtype)

    @property
    def _dtype(self) -> torch.dtype:
        return self.kept.dtype if self.kept.is_floating_point() else torch.float32


def to_pixels(kept: Tensor) -> Tensor:
    """Return pixels in [0,1] from what a `ShotFrame` keeps of them."""
    return kept if kept.is_floating_point() else kept.float().add_(_STEPS // 2).div_(_STEPS)


def packs(size: tuple[int, int], *, copies: bool) -> bool:
    """Tell whether a shot packs frames of a size: where many wait to be copied from, and are not small."""
    return copies and size[0] * size[1] > _SMALL_PIXELS


class Shot:
    """Window over one shot: frames arrive in order and are forgotten in order.

    Args:
        size: (height, width) of the frames.
        device: where pixels are gathered.
        search: only the motion that it needs is measured.

    Raises:
        DeviceError: RAFT is chosen, and torchvision is missing or does not fit torch. A missing
            OpenCV raises it only when flow is first measured.
        WeightsError: RAFT is chosen, and its weights are missing or are not those published.
    """

    def __init__(self, size: tuple[int, int], device: torch.device, search: Search) -> None:
        self.size, self.device = size, device
        self._packs = packs(size, copies=bool(search.motions))
        self.learned = None if search.aligner is None else LearnedMotion(search.aligner)
        # with a network in its place no flow is kept; plates and key frames follow the camera
        with_flow = Motion.FLOW in search.motions and self.learned is None
        with_camera = Motion.FLOW in search.motions or Motion.PLANAR in search.motions
        measure = _flow_function(search.flow, device) if with_camera else dense_flow
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
        where = find_hole(hole)
        if where is not None:
            part = (..., where.context.rows, where.context.columns)
            filled = frame.clone()
            filled[part] = smooth_fill(frame[part], hole[part])
            frame = filled
        kept = frame
        if self._packs:
            kept = frame.clamp(0, 1).mul_(_STEPS).sub_(_STEPS // 2).round_().to(torch.int16)
        known, side = 1 - hole, -(-max(self.size) // _REDUCED_SIDE)
        reduced = known if side == 1 else avg_pool2d(known, side, ceil_mode=True)
        self._frames[self._arrived] = ShotFrame(kept, known > 0, reduced, where)
        self.track.push(frame, hole)
        self._arrived += 1

    def forget(self, before: int) -> None:
        """Drop the frames earlier than this."""
        for t in [t for t in self._frames if t < before]:
            del self._frames[t]
        self.track.forget(before)
        if self.learned is not None:
            self.learned.forget(before)

    def drop(self, t: int) -> None:
        """Drop one frame's pixels; the motion through it is kept."""
        self._frames.pop(t, None)


@functools.lru_cache(maxsize=4)
def _flow_function(method: FlowMethod, device: torch.device) -> FlowFunction:
    if method is FlowMethod.DIS:
        from ..align.opencv_flow import dis_flow_with_holes

        return dis_flow_with_holes
    if method is FlowMethod.RAFT:
        from ..align.raft_flow import load_raft

        return load_raft(device)
    return dense_flow
