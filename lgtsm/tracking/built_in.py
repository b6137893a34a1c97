"""The built-in tracker as a walker: no weights, on the CPU."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, pairwise

import torch
from torch import Tensor

from .begin import mask_at_points, mask_in_box
from .between import Between
from .clip import reduced, working_size
from .confidence import Trust
from .features import look_at
from .prompts import Prompt, box_region
from .propagate import Walk
from .walker import Painted


class BuiltIn:
    """Carries masks by motion, memory and the boundaries of the picture."""

    name = "built-in"

    def size(self, frame_size: tuple[int, int]) -> tuple[int, int]:
        """Return the working size; see `Walker`."""
        return working_size(frame_size)

    def mark(self, frame: Tensor, prompt: Prompt, frame_size: tuple[int, int]) -> Tensor:
        """Return the mask that a box or points stand for; see `Walker`."""
        size, look = self.size(frame_size), look_at(frame)
        if prompt.box is not None:
            return mask_in_box(look, reduced(box_region(prompt.box, frame_size), size)[None])
        ratio = torch.tensor([size[1] / frame_size[1], size[0] / frame_size[0]])
        on, beside = (
            (torch.tensor(points).view(-1, 2) + 0.5) * ratio
            for points in (prompt.points, prompt.not_points)
        )
        return mask_at_points(look, on, beside)

    def prepare(self, before: Painted, after: Painted, frames: Iterable[Tensor]) -> Between:
        """Measure the motion through a stretch; see `Walker`."""
        return Between(before, after, frames)

    def walk(
        self,
        start: Painted,
        other: Painted | None,
        frames: Iterable[Tensor],
        shared: Between | None = None,
    ) -> Iterator[tuple[Tensor, float]]:
        """Carry a mask from frame to frame; see `Walker`."""
        path = None if shared is None else shared.path(onward=start is shared.before)
        walk, trust = Walk(look_at(start.frame), start.mask, path), Trust()
        for look, ahead in pairwise(chain(map(look_at, frames), [None])):
            assert look is not None
            step = walk.step(look, ahead)
            yield step.probability, trust.after(step.kept)
