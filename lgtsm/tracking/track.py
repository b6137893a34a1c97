"""Track an object from painted frames through a clip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ..engine.cuts import CutDetector
from ..engine.hooks import Hooks
from .begin import mask_at_points, mask_in_box
from .clip import Clip, in_order, reduced, working_size
from .confidence import Trust, fused
from .features import look_at
from .kept import Kept, Packed, name_of
from .prompts import Prompt, box_region, check_inside, check_prompts, painted_mask
from .propagate import Walk
from .spans import Span, spans


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
    kept: stretches tracked before; only those are computed whose painted frames changed.
    notes: receives what the user should know.
    """

    clip: Clip
    prompts: Sequence[Prompt]
    cuts: Sequence[int] | None = None
    hooks: Hooks = field(default_factory=Hooks)
    kept: Kept = field(default_factory=dict[str, list[Packed]])
    part: range | None = None
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
    def _part(self) -> range:
        return range(self.clip.count) if self.part is None else self.part

    def _cuts(self) -> list[int]:
        """Read the part once and return the first frames of new shots."""
        detector, cuts, part = CutDetector(), list[int](), self._part
        for number, frame in self.hooks.checked(in_order(self.clip, part.start, part.stop)):
            if detector.is_cut(frame, torch.zeros_like(frame[:1])):
                cuts.append(number)
            self.hooks.report(0, len(part), "looking for cuts")
        return cuts

    def _begun(self, prompt: Prompt) -> Tensor:
        """Return the mask (1,H,W) that a box or points stand for."""
        size = working_size(self.clip.size)
        look = look_at(self._frame(prompt.frame))
        if prompt.box is not None:
            region = reduced(box_region(prompt.box, self.clip.size), size)[None]
            mask = mask_in_box(look, region)
        else:
            ratio = torch.tensor([size[1] / self.clip.size[1], size[0] / self.clip.size[0]])
            on, beside = (
                (torch.tensor(points).view(-1, 2) + 0.5) * ratio
                for points in (prompt.points, prompt.not_points)
            )
            mask = mask_at_points(look, on, beside)
        if not mask.any():
            self.notes.append(
                f"nothing was found on frame {prompt.frame}: paint the object there instead"
            )
        return self._enlarged(mask)

    def _frame(self, number: int) -> Tensor:
        """Return one frame (3,h,w) at working size."""
        return next(in_order(self.clip, number, number + 1))[1]

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
        size = working_size(self.clip.size)
        masks = {number: reduced(painted[number], size)[None] for number in sides}
        runs = [self._run(span, number, masks) for number in sides]
        for number, found in enumerate(zip(*runs, strict=True), span.start):
            way = (number - span.start + 1) / (span.end - span.start + 1)
            probability, confidence = fused(found, way)
            yield Tracked(self._enlarged(probability), confidence)

    def _run(self, span: Span, start: int, masks: dict[int, Tensor]) -> list[Packed]:
        """Track through a stretch from the painted frame on one side; return its frames in order."""
        onward = start < span.start
        look = look_at(self._frame(start))
        others = {
            number: (look_at(self._frame(number)), mask)
            for number, mask in masks.items()
            if number != start
        }
        name = name_of(
            (span.start, span.end, onward),
            look.lab,
            *(one.lab for one, _ in others.values()),
            *masks.values(),
        )
        if name not in self.kept:
            walk = Walk(look, masks[start], tuple(others.values()))
            order = (span.start, span.end) if onward else (span.end - 1, span.start - 1)
            trust, found = Trust(), list[Packed]()
            numbered = in_order(self.clip, *order)
            looks = chain(((number, look_at(frame)) for number, frame in numbered), [None])
            for now, ahead in self.hooks.checked(pairwise(looks)):
                assert now is not None
                number, step = now[0], walk.step(now[1], ahead[1] if ahead else None)
                found.append(Packed.of(step.probability, trust.after(step.signals)))
                self._taken += 1
                done = len(self._part) * self._taken // self._steps
                self.hooks.report(done, len(self._part), f"tracking, frame {number}")
            self.kept[name] = found if onward else found[::-1]
        return self.kept[name]
