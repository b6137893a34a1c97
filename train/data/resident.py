"""Every decoded clip on the accelerator as uint8; items are cut, hidden and changed there.

What an item is cut from is decided on the CPU by its number (`plan`), a few microseconds; no pixel
crosses the bus and no worker process is needed.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from lgtsm.masks.draw.stroke_presets import find_preset

from ..process_group import ProcessGroup
from ..recipe import Recipe
from .holes import MOST_HOLE, choose_preset, draw_holes
from .plan import cut, plan_item
from .sampling import Batch, join, kept_number, num_wanted, sizes_of, with_candidates
from .sources import Library
from .strokes import fill_strokes, plan_strokes

_SHARE = 0.5
"""Part of the free memory that clips may take; the rest is the network's."""


def library_bytes(library: Library) -> int:
    """Return how many bytes the decoded files of a library take."""
    paths = {clip.path for clip in library.clips}
    return sum((library.root / path).stat().st_size for path in paths)


def fits_on(library: Library, device: torch.device) -> bool:
    """Tell whether a library may be held on a device; never on a CPU, which maps the files."""
    if device.type != "cuda":
        return False
    free, _ = torch.cuda.mem_get_info(device)
    return library_bytes(library) < _SHARE * free


class ResidentItems:
    """Batches of a library that is held whole on a device.

    Args:
        library: where the pixels come from.
        recipe: what is drawn.
        device: where everything stays.
        group: which items of a step are this process's.
    """

    def __init__(
        self, library: Library, recipe: Recipe, device: torch.device, group: ProcessGroup
    ) -> None:
        library.require(recipe.data.num_frames)
        self.library, self.recipe, self.device, self.group = library, recipe, device, group
        self._other = recipe.data.without_published()
        self._sizes = sizes_of(library)
        paths = sorted({clip.path for clip in library.clips})
        self._pixels = {
            path: torch.from_numpy(np.load(library.root / path)).to(device) for path in paths
        }

    def batch(self, step: int, size: int) -> Batch:
        """Make this process's items of a step.

        Args:
            step: number of the step.
            size: items of the step over all processes.
        """
        recipe, wanted = self.recipe, num_wanted(self.recipe)
        numbers = range(step * size, (step + 1) * size)[self.group.rank :: self.group.size]
        strokes = self._strokes(step, size)
        parts = []
        for index, number in enumerate(numbers):
            rng = np.random.default_rng([recipe.seed, kept_number(number, recipe)])
            plan = plan_item(self.library, self._sizes, recipe.data, wanted, rng)
            pixels = self._pixels[plan.clip.path][plan.clip.first :]
            frames = cut(plan, plan.read(pixels), recipe.data.shape)
            if strokes is not None and rng.random() < recipe.data.published_ratio:
                holes = strokes[index, : len(frames)]
            else:
                holes = draw_holes(self.library, self._other, len(frames), rng)
            parts.append(with_candidates(frames, holes.to(self.device), recipe))
        return join(parts)

    def _strokes(self, step: int, size: int) -> Tensor | None:
        """Draw published strokes for all items of a step that are this process's.

        The control points of all processes' items are drawn from one seed, the pixels of this one's
        alone are filled; strokes that hide nearly everything are dropped.
        """
        recipe = self.recipe
        if recipe.data.published_ratio <= 0:
            return None
        preset = find_preset(choose_preset(np.random.default_rng([recipe.seed, step, 1])))
        rng = torch.Generator(self.device)
        rng.manual_seed((recipe.seed << 32) + step)
        count = (size, num_wanted(recipe))
        planned = plan_strokes(count, recipe.data.shape, preset, rng)
        mine = planned.rows(slice(self.group.rank, None, self.group.size))
        while True:
            holes = fill_strokes(mine, recipe.data.shape, preset)
            too_many = holes.mean((1, 2, 3, 4)) > MOST_HOLE
            if not too_many.any():
                return holes
            fewer = mine.drawn & ~(too_many[:, None] & _last_drawn(mine.drawn))
            mine = type(mine)(mine.points, mine.num_points, mine.brush, fewer)


def _last_drawn(drawn: Tensor) -> Tensor:
    """Mark the last stroke of each clip that is drawn; (B,S)."""
    later = drawn.flip(1).long().cumsum(1).flip(1)
    return drawn & (later == 1)
