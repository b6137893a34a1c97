"""Training items: a short clip, its holes and its candidate fill; seeded per item.

Item number i of a run with seed s is always the same, whichever process makes it and however often
the run was resumed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch import Tensor
from torch.utils.data import Dataset

from lgtsm.copying.clip import clip_candidates

from ..recipe import DataRecipe, Recipe
from .batch import Batch
from .crops import draw_crop
from .holes import draw_holes
from .moved import moved_item
from .sources import Library

FIRST_VALIDATION_ITEM = 1_000_000_000
"""Validation items are numbered from here, so that they never coincide with training ones."""


def item_seed(number: int, recipe: Recipe) -> list[int]:
    """Return the seed of item `number`; numbers repeat in recipes with `num_items`."""
    count = recipe.data.num_items
    repeats = count and number < FIRST_VALIDATION_ITEM
    return [recipe.seed, number % count if repeats else number]


def num_sampled(recipe: Recipe) -> int:
    """Return the number of frames of an item, context frames included."""
    reach = max(recipe.filler.window) if recipe.filler.starts_from_fill else 0
    return recipe.data.num_frames + 2 * min(recipe.data.num_context, reach)


def make_item(frames: Tensor, holes: Tensor, recipe: Recipe) -> Batch:
    """Make an item of the middle of a clip; frames around it may serve as source frames.

    Args:
        frames: (T',3,h,w), T' at least the recipe's number of frames.
        holes: (T',1,h,w), 1 = hole.
        recipe: number of frames; window and number of source frames.

    Returns:
        A batch of one item.
    """
    count = recipe.data.num_frames
    first = (len(frames) - count) // 2
    middle = slice(first, first + count)
    candidate, network = None, recipe.filler
    if network.starts_from_fill:
        candidate = clip_candidates(
            frames,
            holes,
            network.window,
            network.source_frames,
            recipe.data.motion,
            only=range(first, first + count),
        )
    return Batch(frames[None, middle], holes[None, middle], candidate)


@dataclass(frozen=True)
class Sample:
    """A clip with its holes: source, frames (T,3,h,w) in [0,1], holes (T,1,h,w), 1 = hole."""

    source: str
    frames: Tensor
    holes: Tensor


def draw_sample(
    library: Library, data: DataRecipe, num_frames: int, rng: np.random.Generator
) -> Sample:
    """Draw a clip of at most `num_frames` frames, see `draw_crop`, and its holes, on the CPU."""
    crop = draw_crop(library, data, num_frames, rng)
    frames = crop.load(library.root, data.shape)
    return Sample(crop.clip.source, frames, draw_holes(library, data, len(frames), rng))


class Items(Dataset):
    """All items of a run; each is made on demand."""

    def __init__(self, library: Library, recipe: Recipe) -> None:
        library.require(recipe.data.num_frames)
        self.library, self.recipe = library, recipe

    def __getitem__(self, number: int) -> Batch:
        """Return item `number` as a batch of one."""
        recipe = self.recipe
        rng = np.random.default_rng(item_seed(number, recipe))
        if recipe.moves_pictures:
            return moved_item(self.library, recipe.data, rng)
        sample = draw_sample(self.library, recipe.data, num_sampled(recipe), rng)
        return make_item(sample.frames, sample.holes, recipe)
