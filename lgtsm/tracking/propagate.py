"""One step of a mask from a frame to its neighbour."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ..align.sampling import length, pixel_grid, sample_at
from ..fills.averaging import enlarge, halve, local_mean, size_of
from ..masks.regions import regions
from .again import find_again
from .between import Path
from .boundary import settle
from .camera import composed, motion_evidence
from .confidence import overlap
from .features import Look
from .memory import BAND, Remembered, around, move, nearest, remember_object
from .motion import motion_between

_AGES = (1, 5, 15)
"""Frames before this one that are remembered, beside the painted ones."""
_PULL = 0.075  # of position against features, a pixel of half the working size
_RECENT = 0.25
"""Weight of a frame tracked before, against 2 of both painted ones together: what went wrong there must not
spread. Tried with 1, 0.5, 0.25 and 0.1 on stretches of five clips."""
_DECIDED = 0.15  # difference of distances that decides, in features
_SURE = 0.99  # most that a match decides
_PRIOR_BLUR = 6  # repetitions of a 3x3 average of the mask moved here
_PRIOR_SURE = 0.98
_EXPECTED = 0.3  # of the mask moved here, from which on the object is looked for
_LONG = 5  # frames over which motion is compared, beside a single step
_EDGE = 4.0  # pixels of half the working size in which an object may enter
_UNCOVERED = -0.7  # prior logit where the two flows disagree: what an object uncovers is background
_DISAGREES = 1.5  # pixels of half the working size, beside a share of the motion
_GONE = 0.01  # of the painted area, up to which an object is lost
_CRUMB = 0.02  # of the mask's area: smaller separate parts are dropped


@dataclass(frozen=True)
class Step:
    """The mask in one frame and how sure it is.

    probability: (1,1,h,w) in [0,1] of the object, at working size.
    kept: overlap of the mask with the one that motion alone brings here, 0 to 1; 0 where the object is
        lost, or was just found again.
    """

    probability: Tensor
    kept: float


class Walk:
    """A mask carried from frame to frame, always in one direction of time."""

    def __init__(self, look: Look, mask: Tensor, path: Path | None = None) -> None:
        """Begin at a painted frame.

        Args:
            look: the frame.
            mask: (1,1,h,w), 1 = object.
            path: the way to the painted frame ahead; None where there is none.
        """
        self.look, self.probability = look, mask
        self._generator = torch.Generator().manual_seed(0)
        self._number = 0
        self._memory: dict[int, Remembered] = {}
        self._flows: list[Tensor] = []
        self._motion: tuple[Tensor, Tensor] | None = None
        self._path = path
        self._keep()
        self._painted, self._area = self._memory[0], float(halve(mask).sum())

    def step(self, look: Look, ahead: Look | None = None) -> Step:
        """Carry the mask to the next frame.

        Args:
            look: the next frame.
            ahead: the one after it: what the object uncovers is seen to move like the rest there.
        """
        self._number += 1
        onward, back = self._motion or self._measured(self._number, self.look, look)
        self._motion = None if ahead is None else self._measured(self._number + 1, look, ahead)
        self._memory = move(self._memory, onward)
        size = size_of(look.lab)
        coords = pixel_grid(*size, look.lab) + 2 * enlarge(back, 2, size)
        moved = sample_at((self.probability > 0.5).float(), coords)
        expected = halve(moved)
        likely = expected > _EXPECTED
        self.look = look
        if float(likely.sum()) <= _GONE * self._area:
            return self._looked_for()
        near = around(likely, BAND)
        rows, columns = _extent(near[0, 0])
        evidence = self._matches(look.features[..., rows, columns], rows, columns)
        self._flows = [back, *self._flows][:_LONG]
        moving = motion_evidence(back, expected, near)
        if len(self._flows) == _LONG:
            moving = moving + motion_evidence(composed(self._flows), expected, near)
        if self._motion is not None:
            moving = moving + motion_evidence(self._motion[0], expected, near)
        evidence = evidence + moving[..., rows, columns]
        wide = (slice(2 * rows.start, 2 * rows.stop), slice(2 * columns.start, 2 * columns.stop))
        prior = local_mean(moved, _PRIOR_BLUR)[..., wide[0], wide[1]]
        prior = torch.logit(prior.clamp(1 - _PRIOR_SURE, _PRIOR_SURE))
        lost = enlarge(_disagreement(onward, back), 2, size)[..., wide[0], wide[1]]
        prior = torch.lerp(prior, prior.new_tensor(_UNCOVERED), lost)
        logits = prior + interpolate(evidence, scale_factor=2, mode="bilinear")
        probability = torch.zeros_like(moved)
        probability[..., wide[0], wide[1]] = settle(logits, look.lab[..., wide[0], wide[1]])
        self.probability = _without_crumbs(probability)
        self._keep()
        mask = (self.probability > 0.5).float()
        return Step(self.probability, overlap(mask, (moved > 0.5).float()))

    def _measured(self, number: int, look: Look, onto: Look) -> tuple[Tensor, Tensor]:
        """Return the motion (1,2,h,w) of a step and back."""
        if self._path is None:
            return motion_between(look, onto)
        return self._path.motion(number)

    def _looked_for(self) -> Step:
        """Return the mask of a frame before which the object was lost."""
        self.probability = torch.zeros_like(self.look.lab[:, :1])
        found = find_again(self.look.features, self._painted, self._area) if self._area else None
        if found is None:
            return Step(self.probability, 0.0)
        logits = torch.logit(found.clamp(1 - _SURE, _SURE))
        logits = interpolate(logits, scale_factor=2, mode="bilinear")
        self.probability = settle(logits, self.look.lab)
        centre = (found[0, 0] > 0.5).nonzero().float().mean(0).flip(0) + 0.5
        self._memory, self._flows = {0: _centred(self._painted, centre)}, []
        self._keep()
        return Step(self.probability, 0.0)

    def _matches(self, features: Tensor, rows: slice, columns: slice) -> Tensor:
        """Return logits (1,1,h,w) by what looks most alike in memory."""
        grid = pixel_grid(*size_of(self.look.features), features)[..., rows, columns]
        looks, places = (x.flatten(2)[0].T for x in (features, grid))
        ages = {self._number - age for age in _AGES} - {0}
        lately = [n for n in self._memory if n == 0 or n in ages]
        memory, weights = [self._memory[n] for n in lately], [1.0] * len(lately)
        if self._path is not None and (far := self._path.far(self._number)).objects:
            share = self._path.far_share(self._number)
            weights = [2 * (1 - share) if n == 0 else _RECENT for n in lately] + [2 * share]
            memory.append(far)
        votes = torch.stack([self._vote(looks, places, one) for one in memory])
        share = looks.new_tensor(weights) @ votes / sum(weights)
        shape = 1, 1, *features.shape[-2:]
        share = local_mean(share.view(shape))
        return torch.logit(share.clamp(1 - _SURE, _SURE))

    @staticmethod
    def _vote(looks: Tensor, places: Tensor, remembered: Remembered) -> Tensor:
        """Return the probability (N,) that places belong to the object, by one frame's memory."""
        inside, outside = nearest(looks, places, remembered, _PULL)
        return ((outside - inside) / _DECIDED).sigmoid()

    def _keep(self) -> None:
        """Remember this frame; forget what is neither painted nor of an age that counts."""
        self._memory[self._number] = self._remembered(self.look, self.probability)
        old = self._number - _AGES[-1]
        if old > 0:
            self._memory.pop(old, None)

    def _remembered(self, look: Look, probability: Tensor) -> Remembered:
        return remember_object(look.features, probability, self._generator)


def _centred(remembered: Remembered, centre: Tensor) -> Remembered:
    """Return a memory with its object moved to a centre (2,)."""
    middle = remembered.positions[: remembered.objects].mean(0)
    return replace(remembered, positions=remembered.positions + (centre - middle))


def _disagreement(onward: Tensor, back: Tensor) -> Tensor:
    """Return (1,1,h,w) in [0,1): how far the flow back and the one onward fail to return."""
    grid = pixel_grid(*size_of(back), back)
    from_where = grid + back
    error = length(back + sample_at(onward, from_where)).square()
    edge = from_where.new_tensor([back.shape[3], back.shape[2]]).view(1, 2, 1, 1)
    entered = ((from_where < _EDGE) | (from_where > edge - _EDGE)).any(1, keepdim=True)
    error = error.masked_fill(entered, 0)  # nobody knows what was beyond the frame
    return error / (error + (_DISAGREES + 0.1 * length(back)).square())


def _extent(mask: Tensor) -> tuple[slice, slice]:
    """Return the rows and columns that hold a mask (h,w) with something in it."""
    rows, columns = (mask.amax(axis).nonzero()[:, 0] for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _without_crumbs(probability: Tensor) -> Tensor:
    """Drop separate parts of a mask (1,1,h,w) that are small against all of it."""
    numbers, count = regions((probability[0, 0] > 0.5).numpy(), corners=False)
    if count < 2:
        return probability
    areas = np.bincount(numbers.ravel())
    small = areas < _CRUMB * areas[1:].sum()
    small[0] = False
    return torch.where(torch.from_numpy(small[numbers]), 0.0, probability)
