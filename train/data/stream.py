"""The batches of a run, in order: made by worker processes, or on the device itself."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from lgtsm.masks.draw.stroke_presets import find_preset

from ..process_group import ProcessGroup
from ..recipe import Recipe
from ..run import Run
from .batch import Batch, join
from .cached import CachedItems
from .crops import draw_crop
from .holes import MAX_HOLE_RATIO, choose_preset, draw_holes
from .sampling import (
    FIRST_VALIDATION_ITEM,
    Items,
    item_seed,
    make_item,
    num_sampled,
)
from .sources import Library
from .strokes import fill_strokes, plan_strokes

_PREFETCH = 4
"""Batches that every worker process keeps ready."""
_LIBRARY_RATIO = 0.5
"""Largest share of the free device memory for a resident library; the network needs the rest."""


def open_items(run: Run, library: Library) -> Items | CachedItems:
    """Return the items that a run trains on: cached ones, or new ones of its training clips."""
    return Items(library, run.recipe) if run.items is None else CachedItems(run.items, run.recipe)


def batches(
    run: Run, library: Library, first_step: int, device: torch.device, group: ProcessGroup
) -> Iterator[Batch]:
    """Yield this process's batches on the device, until the run's number of steps or without end.

    The first one is that of step `first_step`, counted from 0; the library holds training clips.
    """
    batch = run.recipe.stage(run.stage).batch
    group.local_batch(batch)  # refuses a batch that cannot be divided
    stop = FIRST_VALIDATION_ITEM // batch if run.steps is None else run.steps
    steps = range(first_step, stop)
    if run.items is None and not run.recipe.moves_pictures and fits_on(library, device):
        resident = ResidentItems(library, run.recipe, device, group)
        yield from (resident.batch(step, batch) for step in steps)
        return
    loader = DataLoader(
        open_items(run, library),
        batch_sampler=(list(local_numbers(step, batch, group)) for step in steps),
        collate_fn=join,
        num_workers=run.num_workers,
        prefetch_factor=_PREFETCH if run.num_workers else None,
    )
    for item in loader:
        yield item.to(device)


def local_numbers(step: int, batch: int, group: ProcessGroup) -> range:
    """Return the numbers of this process's items of a step."""
    return range(step * batch, (step + 1) * batch)[group.rank :: group.size]


def fits_on(library: Library, device: torch.device) -> bool:
    """Return whether a library may be resident on a device; never on a CPU, which maps the files."""
    if device.type != "cuda":
        return False
    paths = {clip.path for clip in library.clips}
    num_bytes = sum((library.root / path).stat().st_size for path in paths)
    free, _ = torch.cuda.mem_get_info(device)
    return num_bytes < _LIBRARY_RATIO * free


class ResidentItems:
    """Batches of a library that is resident on a device as uint8, made there without workers.

    Only the crops are drawn on the CPU, which takes microseconds; no pixel crosses the bus.
    """

    def __init__(
        self, library: Library, recipe: Recipe, device: torch.device, group: ProcessGroup
    ) -> None:
        library.require(recipe.data.num_frames)
        self.library, self.recipe, self.device, self.group = library, recipe, device, group
        self._other = recipe.data.without_published()
        self._pixels = {
            path: torch.from_numpy(np.load(library.root / path)).to(device)
            for path in library.sizes
        }

    def batch(self, step: int, size: int) -> Batch:
        """Make this process's items of a step that has `size` items over all processes."""
        recipe = self.recipe
        strokes = self._strokes(step, size)
        items = []
        for index, number in enumerate(local_numbers(step, size, self.group)):
            rng = np.random.default_rng(item_seed(number, recipe))
            crop = draw_crop(self.library, recipe.data, num_sampled(recipe), rng)
            pixels = self._pixels[crop.clip.path][crop.clip.first :]
            frames = crop.to_frames(crop.read(pixels), recipe.data.shape)
            if strokes is not None and rng.random() < recipe.data.published_ratio:
                holes = strokes[index, : len(frames)]
            else:
                holes = draw_holes(self.library, self._other, len(frames), rng)
            items.append(make_item(frames, holes.to(self.device), recipe))
        return join(items)

    def _strokes(self, step: int, size: int) -> Tensor | None:
        """Draw published strokes for this process's items of a step; (b,T,1,h,w).

        The control points of all processes' items are drawn from one seed, but only this process's
        are filled. Strokes are dropped, last first, from clips that are nearly all hole.
        """
        recipe = self.recipe
        if recipe.data.published_ratio <= 0:
            return None
        preset = find_preset(choose_preset(np.random.default_rng([recipe.seed, step, 1])))
        rng = torch.Generator(self.device)
        rng.manual_seed((recipe.seed << 32) + step)
        count = (size, num_sampled(recipe))
        strokes = plan_strokes(count, recipe.data.shape, preset, rng)
        strokes = strokes.rows(slice(self.group.rank, None, self.group.size))
        while True:
            holes = fill_strokes(strokes, recipe.data.shape, preset)
            too_large = holes.mean((1, 2, 3, 4)) > MAX_HOLE_RATIO
            if not too_large.any():
                return holes
            strokes = strokes.without_last(too_large)
