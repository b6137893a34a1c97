"""Batches of a run, in order, from worker processes or from the device itself."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch.utils.data import DataLoader

from ..process_group import ProcessGroup
from ..recipe import Recipe
from ..run import Run
from .kept import KeptItems
from .resident import ResidentItems, fits_on
from .sampling import FIRST_ITEM_OF_VALIDATION, Batch, Items, join
from .sources import Library

_PREFETCH = 4
"""Batches that every worker process keeps ready."""


class _Numbers:
    """The item numbers of this process, a list a step, from one step on."""

    def __init__(self, first_step: int, num_steps: int, batch: int, group: ProcessGroup) -> None:
        self.steps = range(first_step, first_step + num_steps)
        self.batch, self.group = batch, group

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[list[int]]:
        for step in self.steps:
            numbers = range(step * self.batch, (step + 1) * self.batch)
            yield list(numbers[self.group.rank :: self.group.size])


def batches(
    library: Library,
    recipe: Recipe,
    batch: int,
    *,
    steps: tuple[int, int | None],
    device: torch.device,
    run: Run,
    group: ProcessGroup,
) -> Iterator[Batch]:
    """Yield this process's batches on the device.

    Args:
        library: training clips.
        recipe: what is drawn.
        batch: items of a step over all processes.
        steps: (first, stop); None goes on without end.
        device: where the network is.
        run: how many processes make items where the clips do not fit on the device, or where kept
            items are.
        group: which items are this process's.
    """
    group.share(batch)
    if run.items is None and fits_on(library, device):
        items = ResidentItems(library, recipe, device, group)
        step = steps[0]
        while steps[1] is None or step < steps[1]:
            yield items.batch(step, batch)
            step += 1
        return
    last = FIRST_ITEM_OF_VALIDATION // batch if steps[1] is None else steps[1]
    loader = DataLoader(
        Items(library, recipe) if run.items is None else KeptItems(run.items, recipe),
        batch_sampler=_Numbers(steps[0], max(0, last - steps[0]), batch, group),
        collate_fn=join,
        num_workers=run.num_workers,
        prefetch_factor=_PREFETCH if run.num_workers else None,
    )
    for item in loader:
        yield item.to(device)
