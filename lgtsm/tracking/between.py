"""What both walks between two painted frames share: the motion, measured once, and both painted objects."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from tempfile import SpooledTemporaryFile

import numpy as np
import torch
from torch import Tensor

from .confidence import far_share, shown
from .features import look_at
from .memory import Remembered, moved, remember_object
from .motion import motion_between
from .walker import Painted

_IN_MEMORY = 2**25
"""Bytes of motion that stay in memory; what is more lies in a temporary file."""
_PER_PX = 64
"""Steps of a remembered place, a pixel of half the working size."""


class Between:
    """Motion through a stretch, and where the places remembered of its painted frames are in each frame."""

    def __init__(self, before: Painted, after: Painted, frames: Iterable[Tensor]) -> None:
        """Measure the motion through the frames (3,h,w) between two painted ones."""
        self.before = before
        self.shares = shown(before.mask, after.mask), shown(after.mask, before.mask)
        generator = torch.Generator().manual_seed(0)
        first, last = look_at(before.frame), look_at(after.frame)
        self._ends = tuple(
            remember_object(look.features, painted.mask, generator)
            for look, painted in ((first, before), (last, after))
        )
        self._file = SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  lives as long as this
        self._flow = first.grey.new_zeros(2, 2, *first.grey.shape[2:])  # both ways
        self.count = 0
        places = self._ends[0].positions
        self._places = [_packed(places)], list[Tensor]()
        for one, other in pairwise(chain([first], map(look_at, frames), [last])):
            flow = torch.cat(motion_between(one, other))
            self._file.write(flow.half().numpy().tobytes())
            self.count += 1
            places = moved(places, flow[:1])
            self._places[0].append(_packed(places))
        places = self._ends[1].positions
        found = [_packed(places)]
        for number in range(self.count)[::-1]:
            places = moved(places, self._motion(number)[1])
            found.append(_packed(places))
        self._places[1].extend(found[::-1])

    def path(self, *, onward: bool) -> Path:
        """Return the way of a walk from the first painted frame, or back from the other one."""
        return Path(self, onward=onward)

    def _motion(self, number: int) -> tuple[Tensor, Tensor]:
        """Return the displacements (1,2,h,w) from frame `number` to the next, and back."""
        size = 2 * self._flow.numel()
        self._file.seek(number * size)
        flow = np.frombuffer(self._file.read(size), np.float16).astype(np.float32)
        onward, back = torch.from_numpy(flow).view_as(self._flow).split(1)
        return onward, back

    def motion(self, number: int, *, onward: bool) -> tuple[Tensor, Tensor]:
        """Return the displacements (1,2,h,w) of a step and back.

        Args:
            number: of the step in the direction of the walk, from 1 on.
            onward: whether the walk goes on in time.
        """
        if onward:
            return self._motion(number - 1)
        later, earlier = self._motion(self.count - number)
        return earlier, later

    def far(self, number: int, *, onward: bool) -> Remembered:
        """Return what is remembered of the painted frame ahead, its places as of a step; as `motion`."""
        frame = number if onward else self.count - number
        places = self._places[onward][frame].float() / _PER_PX
        return replace(self._ends[onward], positions=places)


@dataclass(frozen=True)
class Path:
    """A stretch as one walk goes through it; steps are numbered from 1 on."""

    between: Between
    onward: bool

    def motion(self, number: int) -> tuple[Tensor, Tensor]:
        """Return the displacements (1,2,h,w) of a step and back."""
        return self.between.motion(number, onward=self.onward)

    def far_share(self, number: int) -> float:
        """Return how much the painted frame ahead counts after a step; see `confidence.far_share`."""
        before, after = self.between.shares
        shares = (before, after) if self.onward else (after, before)
        return far_share(number / self.between.count, shares)

    def far(self, number: int) -> Remembered:
        """Return what is remembered of the painted frame ahead, its places as of a step."""
        return self.between.far(number, onward=self.onward)


def _packed(places: Tensor) -> Tensor:
    return (places * _PER_PX).round().clamp(-(2**15), 2**15 - 1).to(torch.int16)
