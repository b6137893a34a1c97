"""Feature frames that arrive at a layer, each known inside a box of its own."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..box import Box


@dataclass(frozen=True)
class Plane:
    """Some channels of one frame: values (C,h,w) covering `box`; None where nothing is needed."""

    values: Tensor | None
    box: Box | None
    num_channels: int

    def first(self, num_channels: int) -> Plane:
        """Return the leading channels, as a copy that does not hold the rest alive."""
        values = None if self.values is None else self.values[:num_channels].clone()
        return Plane(values, self.box, num_channels)

    def to(self, dtype: torch.dtype) -> Plane:
        """Return the plane in another dtype."""
        values = None if self.values is None else self.values.to(dtype)
        return Plane(values, self.box, self.num_channels)


FramePlanes = tuple[Plane, ...]
"""One frame: planes stacked along channels (a decoder's own features, then an encoder's)."""


def paste(frame: FramePlanes, target: Tensor, origin: Box) -> None:
    """Copy a frame into a buffer.

    Args:
        frame: its planes; where they do not reach, the target keeps what it has.
        target: (C',h',w') covering `origin`; C' may be fewer than the frame's channels.
        origin: box of the target.
    """
    start = 0
    for plane in frame:
        stop = min(start + plane.num_channels, target.shape[0])
        if plane.values is not None and stop > start:
            common = plane.box & origin
            if common.height > 0 and common.width > 0:
                to, of = common.within(origin), common.within(plane.box)
                target[start:stop, to[0], to[1]] = plane.values[: stop - start, of[0], of[1]]
        start += plane.num_channels


def leading(frame: FramePlanes, num_channels: int) -> FramePlanes:
    """Return the leading channels of a frame."""
    planes = []
    for plane in frame:
        if num_channels <= 0:
            break
        planes.append(plane.first(min(num_channels, plane.num_channels)))
        num_channels -= plane.num_channels
    return tuple(planes)


@dataclass(frozen=True)
class Arrival:
    """Consecutive new frames at a layer.

    factors: one or two tensors (N,C,h,w) whose product are the features (a layer hands over its
        feature and gate branches, so that their product is written where it is needed at once);
        empty where nothing is needed.
    box: what the factors cover, or None.
    count: N.
    num_channels: C.
    skips: planes of an encoder layer for the same frames, stacked after the channels; or empty.
    """

    factors: tuple[Tensor, ...]
    box: Box | None
    count: int
    num_channels: int
    skips: tuple[Plane, ...] = ()

    def frame(self, index: int) -> FramePlanes:
        """Return one frame, computed anew."""
        values = None
        if self.factors:
            values = self.factors[0][index]
            values = values * self.factors[1][index] if len(self.factors) > 1 else values.clone()
        plane = Plane(values, self.box, self.num_channels)
        return (plane, self.skips[index]) if self.skips else (plane,)

    def write(self, target: Tensor, origin: Box) -> None:
        """Write all frames into a buffer (N,C',h',w') covering `origin`."""
        if self.factors and self.box is not None:
            common = self.box & origin
            if common.height > 0 and common.width > 0:
                to, of = common.within(origin), common.within(self.box)
                view = target[:, : self.num_channels, to[0], to[1]]
                parts = [factor[:, :, of[0], of[1]] for factor in self.factors]
                if len(parts) > 1:
                    torch.mul(parts[0], parts[1], out=view)
                else:
                    view.copy_(parts[0])
        for index, plane in enumerate(self.skips):
            paste((plane,), target[index, self.num_channels :], origin)
