"""Feature maps of consecutive frames, each known inside a box of its own."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..box import Box


@dataclass(frozen=True)
class FeatureMap:
    """Some channels of one frame: values (C,h,w) covering `box`; None where nothing is needed."""

    values: Tensor | None
    box: Box | None
    num_channels: int

    def to(self, dtype: torch.dtype) -> FeatureMap:
        """Return the map in another dtype."""
        values = None if self.values is None else self.values.to(dtype)
        return FeatureMap(values, self.box, self.num_channels)


def _dense(values: Tensor) -> Tensor:
    """Copy some channels (C,h,w) of a channels-last frame, channels-last again."""
    # clone() of a slice would turn it channels-first, and every later paste would transpose
    return values.permute(1, 2, 0).clone(memory_format=torch.contiguous_format).permute(2, 0, 1)


FrameFeatures = tuple[FeatureMap, ...]
"""One frame: maps stacked along channels (a decoder's own features, then an encoder's)."""


def paste(frame: FrameFeatures, target: Tensor, origin: Box) -> None:
    """Copy a frame into a buffer.

    Args:
        frame: its maps; where they do not reach, the target keeps its values.
        target: (C',h',w') covering `origin`; C' may be fewer than the frame's channels.
        origin: box of the target.
    """
    start = 0
    for part in frame:
        stop = min(start + part.num_channels, target.shape[0])
        if part.values is not None and part.box is not None and stop > start:
            common = part.box & origin
            if common.height > 0 and common.width > 0:
                to, of = common.within(origin), common.within(part.box)
                target[start:stop, to[0], to[1]] = part.values[: stop - start, of[0], of[1]]
        start += part.num_channels


def covers(frame: FrameFeatures, box: Box) -> bool:
    """Tell whether all maps of a frame are known in all of a box."""
    return all(p.box is not None and p.values is not None and (p.box & box) == box for p in frame)


def leading(frame: FrameFeatures, num_channels: int) -> FrameFeatures:
    """Return the leading channels of a frame, as copies that do not hold the rest alive."""
    maps: list[FeatureMap] = []
    for part in frame:
        count = min(num_channels - sum(m.num_channels for m in maps), part.num_channels)
        if count > 0:
            values = None if part.values is None else _dense(part.values[:count])
            maps.append(FeatureMap(values, part.box, count))
    return tuple(maps)


@dataclass(frozen=True)
class FeatureBatch:
    """Consecutive new frames on their way into a layer.

    factors: one or two tensors (N,C,h,w) whose product is the features: a layer passes on its
        feature and gate branches, so that their product is written straight to where it is read;
        empty where nothing is needed.
    box: what the factors cover, or None.
    count: N.
    num_channels: C.
    skips: maps of an encoder layer for the same frames, stacked after the channels; or empty.
    """

    factors: tuple[Tensor, ...]
    box: Box | None
    count: int
    num_channels: int
    skips: tuple[FeatureMap, ...] = ()

    def frame(self, index: int, num_channels: int | None = None) -> FrameFeatures:
        """Return one frame, or its leading channels, computed anew."""
        limit = self.num_channels if num_channels is None else min(num_channels, self.num_channels)
        values = None
        if self.factors:
            parts = [factor[index, :limit] for factor in self.factors]
            values = parts[0] * parts[1] if len(parts) > 1 else _dense(parts[0])
        maps = (FeatureMap(values, self.box, limit),)
        skips = self.skips[index : index + 1]
        return maps + (skips if num_channels is None else leading(skips, num_channels - limit))

    def product(self) -> Tensor:
        """Return the features (N,C,h,w) of all frames; only where there are factors."""
        return math.prod(self.factors[1:], start=self.factors[0])

    def split(self, count: int) -> tuple[FeatureBatch, FeatureBatch]:
        """Return the first `count` frames and the others."""

        def cut(part: slice) -> FeatureBatch:
            factors = tuple(factor[part] for factor in self.factors)
            return replace(
                self, factors=factors, count=part.stop - part.start, skips=self.skips[part]
            )

        return cut(slice(0, count)), cut(slice(count, self.count))

    def to(self, dtype: torch.dtype) -> FeatureBatch:
        """Return the frames in another dtype."""
        factors = tuple(factor.to(dtype) for factor in self.factors)
        return replace(self, factors=factors, skips=tuple(p.to(dtype) for p in self.skips))

    def covers(self, box: Box) -> bool:
        """Tell whether every channel of every frame is known in all of a box."""
        boxes = [self.box if self.factors else None, *(part.box for part in self.skips)]
        return all(b is not None and (b & box) == box for b in boxes)

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
        for index, part in enumerate(self.skips):
            paste((part,), target[index, self.num_channels :], origin)
