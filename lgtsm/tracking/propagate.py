"""One step of a mask from a frame to its neighbour."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor
from torch.nn.functional import interpolate, max_pool2d

from ..align.sampling import pixel_grid, sample_at
from ..fills.averaging import enlarge, halve, local_mean, size_of
from .boundary import settle
from .camera import motion_evidence
from .features import Look
from .memory import Remembered, move, nearest, remember
from .motion import motion_between

_AGES = (1, 5, 15)
"""Frames before this one that are remembered, beside the painted ones."""
_BAND = 14  # around the object, in pixels of half the working size
_PULL = 0.075  # of position against features, a pixel of half the working size
_DECIDED = 0.15  # difference of distances that decides, in features
_SURE = 0.99  # most that a match decides
_PRIOR_BLUR = 6  # repetitions of a 3x3 average of the mask moved here
_PRIOR_SURE = 0.98
_EXPECTED = 0.3  # of the mask moved here, from which on the object is looked for
_CRUMB = 0.02  # of the mask's area: smaller separate parts are dropped


@dataclass(frozen=True)
class Step:
    """The mask in one frame and how sure it is.

    probability: (1,1,h,w) in [0,1] of the object, at working size.
    signals: figures of this step that confidence is predicted from.
    """

    probability: Tensor
    signals: tuple[float, ...]


@dataclass
class Walk:
    """A mask carried from frame to frame, always in one direction of time.

    look: the frame it has reached.
    probability: (1,1,h,w) of the object there.
    """

    look: Look
    probability: Tensor
    painted: set[int] = field(default_factory=set)
    number: int = 0
    memory: dict[int, Remembered] = field(default_factory=dict)
    generator: torch.Generator = field(default_factory=lambda: torch.Generator().manual_seed(0))

    def __post_init__(self) -> None:
        self.painted.add(0)
        self._keep()

    def step(self, look: Look) -> Step:
        """Carry the mask to the next frame."""
        onward, back = motion_between(self.look, look)
        self.number += 1
        self.memory = move(self.memory, onward)
        size = size_of(look.lab)
        coords = pixel_grid(*size, look.lab) + 2 * enlarge(back, 2, size)
        moved = sample_at((self.probability > 0.5).float(), coords)
        expected = halve(moved)
        self.look = look
        if not bool((expected > _EXPECTED).any()):
            self.probability = torch.zeros_like(moved)
            return Step(self.probability, ())
        near = around(expected > _EXPECTED, _BAND)
        rows, columns = _extent(near[0, 0])
        evidence = self._matches(look.features[..., rows, columns], rows, columns)
        evidence = evidence + motion_evidence(back, expected, near)[..., rows, columns]
        wide = (slice(2 * rows.start, 2 * rows.stop), slice(2 * columns.start, 2 * columns.stop))
        prior = local_mean(moved, _PRIOR_BLUR)[..., wide[0], wide[1]]
        prior = torch.logit(prior.clamp(1 - _PRIOR_SURE, _PRIOR_SURE))
        logits = prior + interpolate(evidence, scale_factor=2, mode="bilinear")
        probability = torch.zeros_like(moved)
        probability[..., wide[0], wide[1]] = settle(logits, look.lab[..., wide[0], wide[1]])
        self.probability = without_crumbs(probability)
        self._keep()
        return Step(self.probability, ())

    def _matches(self, features: Tensor, rows: slice, columns: slice) -> Tensor:
        """Return logits (1,1,h,w) by what the memory shows that looks most alike."""
        grid = pixel_grid(*size_of(self.look.features), features)[..., rows, columns]
        looks, places = (x.flatten(2)[0].T for x in (features, grid))
        votes = features.new_zeros(len(looks))
        ages = {self.number - age for age in _AGES}
        compared = [self.memory[n] for n in self.memory if n in ages or n in self.painted]
        for remembered in compared:
            inside, outside = nearest(looks, places, remembered, _PULL)
            votes += ((outside - inside) / _DECIDED).sigmoid()
        share = (votes / len(compared)).view(1, 1, *features.shape[-2:])
        return torch.logit(local_mean(share).clamp(1 - _SURE, _SURE))

    def _keep(self) -> None:
        """Remember this frame; forget what is neither painted nor of an age that counts."""
        mask = halve((self.probability > 0.5).float())
        near = around(mask > 0.5, _BAND)
        self.memory[self.number] = remember(self.look.features, mask, near, self.generator)
        for number in [n for n in self.memory if n not in self.painted]:
            if self.number + 1 - number > _AGES[-1]:
                del self.memory[number]


def around(mask: Tensor, radius: int) -> Tensor:
    """Grow a mask (1,1,h,w) by a square of a radius in pixels."""
    grown = max_pool2d(mask.float(), (2 * radius + 1, 1), 1, (radius, 0))
    return max_pool2d(grown, (1, 2 * radius + 1), 1, (0, radius))


def _extent(mask: Tensor) -> tuple[slice, slice]:
    """Return the rows and columns that hold a mask (h,w) with something in it."""
    rows, columns = (mask.amax(axis).nonzero()[:, 0] for axis in (1, 0))
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def without_crumbs(probability: Tensor) -> Tensor:
    """Drop separate parts of a mask (1,1,h,w) that are small against all of it."""
    labels, count = ndimage.label((probability[0, 0] > 0.5).numpy())
    if count < 2:
        return probability
    areas = np.bincount(labels.ravel())
    small = areas < _CRUMB * areas[1:].sum()
    small[0] = False
    return torch.where(torch.from_numpy(small[labels]), 0.0, probability)
