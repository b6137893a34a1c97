"""Track an object from painted frames through a clip."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ..engine.cuts import CutDetector
from ..engine.hooks import Hooks
from .built_in import BuiltIn
from .clip import Clip, in_order, reduced, working_size
from .confidence import fused, shown
from .kept import Kept, Packed, name_of
from .prompts import Prompt, check_inside, check_prompts, painted_mask
from .spans import Span, spans
from .walker import Painted, Walker


@dataclass(frozen=True)
class Tracked:
    """One frame.

    mask: (1,H,W), 0 or 1, 1 = object, at the size of the frames.
    confidence: predicted intersection over union with the true mask, 0 to 1.
    """

    mask: Tensor
    confidence: float


@dataclass
class Tracker:
    """Tracks through one clip; masks come out in order, in memory that does not grow with its length.

    What grows is a few kilobytes for every frame of the longest stretch between painted frames.

    clip: the frames.
    prompts: what is known of the object in some of them.
    cuts: first frames of new shots; None detects them.
    hooks: progress and cancellation.
    part: frames to track, those of all prompts among them; None is the whole clip.
    kept: stretches tracked before, of which only those are computed whose painted frames changed; filled
        with the others.
    walker: what carries masks.
    notes: receives what the user should know.
    """

    clip: Clip
    prompts: Sequence[Prompt]
    cuts: Sequence[int] | None = None
    hooks: Hooks = field(default_factory=Hooks)
    kept: Kept | None = None
    part: range | None = None
    walker: Walker = field(default_factory=BuiltIn)
    notes: list[str] = field(default_factory=list[str])
    _steps: int = field(default=0, init=False)
    _taken: int = field(default=0, init=False)

    def run(self) -> Iterator[Tracked]:
        """Yield one mask for every frame of the part.

        Raises:
            OptionError, ShapeError: prompts that cannot be used; Cancelled.
        """
        prompts = check_prompts(self.prompts, self.clip.count)
        size = self.clip.size
        for prompt in prompts:
            check_inside(prompt, size)
        painted = {
            p.frame: painted_mask(p, size, self.notes) for p in prompts if p.mask is not None
        }
        cuts = self._cuts() if self.cuts is None else self.cuts
        for prompt in prompts:
            if prompt.mask is None:
                painted[prompt.frame] = self._begun(prompt)
        done = self._part.start
        planned = list(spans(sorted(painted), cuts, self._part))
        self._steps = sum((span.end - span.start) * len(span.sides) for span in planned)
        for span in planned:
            yield from (Tracked(painted[number], 1.0) for number in range(done, span.start))
            yield from self._span(span, painted)
            done = span.end
        yield from (Tracked(painted[number], 1.0) for number in range(done, self._part.stop))

    @property
    def _size(self) -> tuple[int, int]:
        return self.walker.size(self.clip.size)

    @property
    def _part(self) -> range:
        return range(self.clip.count) if self.part is None else self.part

    def _cuts(self) -> list[int]:
        """Read the part once and return the first frames of new shots."""
        detector, cuts, part = CutDetector(), list[int](), self._part
        numbered = in_order(self.clip, part.start, part.stop, working_size(self.clip.size))
        for number, frame in self.hooks.checked(numbered):
            if detector.is_cut(frame, torch.zeros_like(frame[:1])):
                cuts.append(number)
            self.hooks.report(0, len(part), "looking for cuts")
        return cuts

    def _begun(self, prompt: Prompt) -> Tensor:
        """Return the mask (1,H,W) that a box or points stand for."""
        mask = self.walker.mark(self._frame(prompt.frame), prompt, self.clip.size)
        if not mask.any():
            self.notes.append(
                f"nothing was found on frame {prompt.frame}: paint the object there instead"
            )
        return self._enlarged(mask)

    def _frame(self, number: int) -> Tensor:
        """Return one frame (3,h,w) at the walker's size."""
        return next(in_order(self.clip, number, number + 1, self._size))[1]

    def _enlarged(self, probability: Tensor) -> Tensor:
        """Return the mask (1,H,W) of a probability (1,1,h,w)."""
        height, width = self.clip.size
        fine = interpolate(probability, (height, width), mode="bilinear", align_corners=False)
        return (fine[0] > 0.5).float()

    def _span(self, span: Span, painted: dict[int, Tensor]) -> Iterator[Tracked]:
        """Track one stretch both ways and yield its frames in order."""
        sides = span.sides
        if not sides:
            self.notes.append(
                f"no frame is painted between the cuts at {span.start} and {span.end}: the mask is "
                "empty there"
            )
            empty = torch.zeros(1, *self.clip.size)
            yield from (Tracked(empty, 0.0) for _ in range(span.start, span.end))
            return
        known = {
            number: Painted(self._frame(number), reduced(painted[number], self._size)[None])
            for number in sides
        }
        shared = cache(lambda: self._shared(span, known))  # only where something is not kept
        runs = [self._run(span, number, known, shared) for number in sides]
        masks = [one.mask for one in known.values()]
        shares = shown(masks[0], masks[-1]), shown(masks[-1], masks[0])
        for number, found in enumerate(zip(*runs, strict=True), span.start):
            way = (number - span.start + 1) / (span.end - span.start + 1)
            probability, confidence = fused(found, way, shares)
            yield Tracked(self._enlarged(probability), confidence)

    def _shared(self, span: Span, painted: dict[int, Painted]) -> Any:
        """Return what both walks through a stretch share; None where there is only one."""
        if len(painted) == 1:
            return None
        numbered = in_order(self.clip, span.start, span.end, self._size)
        frames = (frame for _, frame in self.hooks.checked(numbered))
        before, after = (painted[number] for number in span.sides)
        return self.walker.prepare(before, after, frames)

    def _run(
        self, span: Span, start: int, painted: dict[int, Painted], shared: Callable[[], Any]
    ) -> list[Packed]:
        """Track through a stretch from the painted frame on one side; return its frames in order."""
        onward = start < span.start
        begin, other = painted[start], None
        for number, one in painted.items():
            if number != start:
                other = replace(one, steps=span.end - span.start + 1)
        pictures = (x for one in painted.values() for x in (one.frame, one.mask))
        name = name_of((span.start, span.end, onward, self.walker.name), *pictures)
        if self.kept is not None and (known := self.kept.get(name)) is not None:
            return known
        order = (span.start, span.end) if onward else (span.end - 1, span.start - 1)
        numbered = in_order(self.clip, *order, self._size)
        frames = (frame for _, frame in self.hooks.checked(numbered))
        found = list[Packed]()
        for probability, trust in self.walker.walk(begin, other, frames, shared()):
            number = order[0] + len(found) * (1 if onward else -1)
            found.append(Packed.of(probability, trust))
            self._taken += 1
            done = len(self._part) * self._taken // self._steps
            self.hooks.report(done, len(self._part), f"tracking, frame {number}")
        found = found if onward else found[::-1]
        if self.kept is not None:
            self.kept[name] = found
        return found
