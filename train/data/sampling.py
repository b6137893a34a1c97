"""Training items: a short clip, its holes, and the candidate around them; seeded per item.

Item number i of a run with seed s is always the same, whichever process makes it and however often
the run was resumed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from lgtsm.copying.clip import clip_candidates
from lgtsm.fills.candidate_fill import CandidateFill, join_candidates

from ..recipe import Recipe
from .holes import draw_holes
from .plan import cut, plan_item
from .sources import Library

FIRST_ITEM_OF_VALIDATION = 1_000_000_000
"""Validation items are numbered from here, so that they never coincide with training ones."""


@dataclass(frozen=True)
class Batch:
    """Items of equal size.

    truth: (B,T,3,h,w) in [0,1]; holes: (B,T,1,h,w), 1 = hole; candidate: of the B*T frames, None
    where the network starts from black holes.
    """

    truth: Tensor
    holes: Tensor
    candidate: CandidateFill | None = None

    def __len__(self) -> int:
        """Return how many items there are."""
        return len(self.truth)

    def to(self, device: torch.device) -> Batch:
        """Return the batch on a device."""
        return self._each(lambda value: value.to(device, non_blocking=True))

    def part(self, first: int, stop: int) -> Batch:
        """Return some of the items."""
        num_frames = self.truth.shape[1]
        candidate = None
        if self.candidate is not None:
            frames = slice(first * num_frames, stop * num_frames)
            candidate = CandidateFill(*(value[frames] for value in vars(self.candidate).values()))
        return Batch(self.truth[first:stop], self.holes[first:stop], candidate)

    def _each(self, change) -> Batch:
        candidate = self.candidate
        if candidate is not None:
            candidate = CandidateFill(*(change(value) for value in vars(candidate).values()))
        return Batch(change(self.truth), change(self.holes), candidate)


def join(batches: Sequence[Batch]) -> Batch:
    """Put batches behind each other."""
    candidate = None
    if batches[0].candidate is not None:
        candidate = join_candidates([b.candidate for b in batches])
    truth, holes = (torch.cat([getattr(b, k) for b in batches]) for k in ("truth", "holes"))
    return Batch(truth, holes, candidate)


def kept_number(number: int, recipe: Recipe) -> int:
    """Return the item that stands for `number` where a run has few of them."""
    few = recipe.data.num_items
    return number % few if few and number < FIRST_ITEM_OF_VALIDATION else number


def num_wanted(recipe: Recipe) -> int:
    """Return how many frames an item is cut with, references included."""
    reach = max(recipe.network.window) if recipe.network.starts_from_fill else 0
    return recipe.data.num_frames + 2 * min(recipe.data.num_around, reach)


def with_candidates(frames: Tensor, holes: Tensor, recipe: Recipe) -> Batch:
    """Keep the middle of an item, with what the frames around it show.

    Args:
        frames: (T',3,h,w), T' at least the recipe's number of frames.
        holes: (T',1,h,w), 1 = hole.
        recipe: how many frames are kept, and how many lend pixels.

    Returns:
        A batch of one item.
    """
    count = recipe.data.num_frames
    first = (len(frames) - count) // 2
    kept = slice(first, first + count)
    if not recipe.network.starts_from_fill:
        return Batch(frames[None, kept], holes[None, kept])
    candidate = clip_candidates(
        frames,
        holes,
        recipe.network.window,
        recipe.network.source_frames,
        recipe.data.motion,
        only=range(first, first + count),
    )
    return Batch(frames[None, kept], holes[None, kept], candidate)


def sizes_of(library: Library) -> dict[str, tuple[int, int]]:
    """Return (height, width) of every file of a library; reads their headers only."""
    found: dict[str, tuple[int, int]] = {}
    for clip in library.clips:
        if clip.path not in found:
            shape = np.load(library.root / clip.path, mmap_mode="r").shape
            found[clip.path] = (shape[1], shape[2])
    return found


class Items(Dataset):
    """All items of a run; number i is made on demand, whichever process asks.

    Args:
        library: where the pixels come from.
        recipe: what is drawn.
    """

    def __init__(self, library: Library, recipe: Recipe) -> None:
        library.require(recipe.data.num_frames)
        self.library, self.recipe = library, recipe
        self._sizes = sizes_of(library)

    def __getitem__(self, number: int) -> Batch:
        """Return item `number` as a batch of one."""
        recipe = self.recipe
        rng = np.random.default_rng([recipe.seed, kept_number(number, recipe)])
        plan = plan_item(self.library, self._sizes, recipe.data, num_wanted(recipe), rng)
        pixels = torch.from_numpy(np.array(plan.read(plan.clip.array(self.library.root))))
        frames = cut(plan, pixels, recipe.data.shape)
        holes = draw_holes(self.library, recipe.data, len(frames), rng)
        return with_candidates(frames, holes, recipe)
