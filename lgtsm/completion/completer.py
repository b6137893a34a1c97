"""Complete masks frame by frame: the surroundings of the object are filled by copies and compared."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ..copying.blending import blend_frame
from ..copying.coords import Target
from ..copying.shot import Shot
from ..copying.source_frames import Search
from ..engine.cuts import CutDetector
from ..masks.morph import grow, shrink_to
from ..masks.regions import Flags, grown
from ..options import Motion
from .decision import Found, decide
from .evidence import Evidence, find_evidence
from .kinds import ALL, Addition
from .lit import LEAST_SOURCES, lit_part, lit_sources

_LONGEST = 288
"""Longer side of the working size in pixels: shadows are soft, and copies of a wide hole take time."""
_MULTIPLE = 4
_SURROUND = 0.14
"""Width of what is compared around an object, over the longer side."""
_REACH = 64
"""Frames before and after from which copies are taken."""
_SOURCES = 6
_OBJECT_EDGE = 2
"""Pixels around an object that may still show it."""
_AROUND = 2
"""Frames before and after in which an addition must be seen, too."""


@dataclass(frozen=True)
class Completed:
    """One frame; all (1,H,W) at the size of the frames, 0 or 1.

    mask: as given, with all additions.
    added: by kind, beside the mask as it was given.
    perhaps: what may belong to the object, too: reflections, and what no other frame shows clearly.
    """

    mask: Tensor
    added: dict[Addition, Tensor]
    perhaps: Tensor


class Completer:
    """Completes the masks of a clip, in memory that does not grow with its length.

    Frames arrive in order and come out complete `_REACH` frames later, or at the end of their shot.
    """

    def __init__(
        self,
        size: tuple[int, int],
        kinds: Sequence[Addition] = ALL,
        cuts: Sequence[int] | None = None,
    ) -> None:
        """Prepare for frames of a size.

        Args:
            size: (height, width) in pixels.
            kinds: what may be added.
            cuts: first frames of new shots; None detects them.
        """
        self._full, self._kinds, self._cuts = size, tuple(kinds), cuts
        ratio = min(1.0, _LONGEST / max(size))
        height, width = (max(_MULTIPLE, round(x * ratio / _MULTIPLE) * _MULTIPLE) for x in size)
        self._size = height, width
        self._search = Search.of(Motion.AUTO, (_REACH, _REACH), _SOURCES)
        self._detector, self._number = CutDetector(), 0
        self._begin()

    def _begin(self) -> None:
        """Begin a shot."""
        self._shot = Shot(self._size, torch.device("cpu"), self._search)
        self._given: deque[tuple[Tensor, Tensor, Tensor, Tensor]] = deque()
        self._pictures: dict[int, Tensor] = {}
        self._evidence: dict[int, Evidence] = {}
        self._before: Found | None = None
        self._pushed = self._judged = self._done = 0

    def push(self, frame: Tensor, mask: Tensor) -> Iterator[Completed]:
        """Take the next frame (3,H,W) in [0,1] and its mask (1,H,W), 1 = object; yield what is complete."""
        mask = (mask > 0.5).float()
        if self._is_cut(frame, mask):
            yield from self.finish()
        with torch.inference_mode():
            small = interpolate(frame[None], self._size, mode="bilinear", antialias=True)[0]
            object_ = shrink_to(mask[None], self._size)[0]
            hole = grow(object_, max(1, round(_SURROUND * max(self._size))))
            self._shot.push(small[None], hole[None])
            known = 1 - grow(object_, _OBJECT_EDGE)
            self._pictures[self._pushed] = torch.cat([small, known])[None]
        self._given.append((mask.to(torch.uint8), small, object_, hole))
        self._pushed += 1
        yield from self._ready(self._pushed - 1 - _REACH)

    def finish(self) -> Iterator[Completed]:
        """Yield the frames that were waiting for later ones."""
        yield from self._ready(self._pushed - 1, at_end=True)
        self._begin()

    def _is_cut(self, frame: Tensor, mask: Tensor) -> bool:
        number, self._number = self._number, self._number + 1
        if self._cuts is not None:
            return number in self._cuts
        return self._detector.is_cut(frame, mask)

    def _ready(self, last: int, *, at_end: bool = False) -> Iterator[Completed]:
        """Judge the frames up to one, and yield those whose neighbours are judged."""
        while self._judged <= last:
            self._evidence[self._judged] = self._judge(self._judged)
            self._judged += 1
            self._shot.forget(self._judged - _REACH)
            self._pictures.pop(self._judged - _REACH - 1, None)
        while self._done < self._judged - (0 if at_end else _AROUND):
            t = self._done
            others = [s for s in self._evidence if s != t and abs(s - t) <= _AROUND]
            around = [self._evidence[s] for s in others]
            found = decide(self._evidence[t], around, self._before, self._kinds)
            self._before, self._done = found, t + 1
            self._evidence.pop(t - _AROUND, None)
            given = self._given.popleft()
            yield self._completed(given[0].float(), given[2], found)

    def _judge(self, t: int) -> Evidence:
        """Compare one frame with the copies of the others."""
        _, frame, mask, hole = self._given[t - self._done]
        copies, share, error = frame.clone(), 1 - hole, torch.zeros_like(hole)
        with torch.inference_mode():
            blended = blend_frame(self._shot, t, self._search)
            if blended is not None:
                part, found = (..., blended.box.rows, blended.box.columns), blended.candidate
                # equal to the frame outside the hole
                copies[part], share[part] = found.plain[0], found.confidence[0]
                error[part] = found.error[0]
            evidence = find_evidence(frame, mask, hole, copies, share, error)
            return self._with_lit(t, evidence)

    def _with_lit(self, t: int, evidence: Evidence) -> Evidence:
        """Look for shadows, too, where there are no copies of what is that far from the object."""
        where, others = self._shot[t].hole, lit_sources(t, self._pictures)
        if where is None or len(others) < LEAST_SOURCES:
            return evidence
        _, frame, mask, hole = self._given[t - self._done]
        pictures = torch.cat([self._pictures[s] for s in others])
        lit = lit_part(Target(self._shot, t, where.context, others), pictures)
        part = (..., where.context.rows, where.context.columns)
        colours, known, error = frame.clone(), torch.zeros_like(hole), torch.zeros_like(hole)
        colours[part], known[part], error[part] = lit.colours, lit.share, lit.error
        return evidence.or_darker_than(find_evidence(frame, mask, hole, colours, known, error))

    def _completed(self, mask: Tensor, reduced: Tensor, found: Found) -> Completed:
        """Bring what was found at the working size, beside the reduced mask, to the size of the frames."""
        near, added = reduced[0].numpy() > 0, dict[Addition, Tensor]()
        whole = mask
        for kind, flags in found.added.items():
            # up to the mask, which covers less than the reduced one
            flags = flags | (grown(flags, 1) & near) if flags.any() else flags
            added[kind] = self._enlarged(flags) * (1 - whole)
            whole = whole + added[kind]
        return Completed(whole, added, self._enlarged(found.perhaps) * (1 - whole))

    def _enlarged(self, flags: Flags) -> Tensor:
        """Return (1,H,W), 0 or 1, of flags (h,w)."""
        values = torch.from_numpy(flags).float()[None, None]
        if self._size != self._full:
            values = interpolate(values, self._full, mode="bilinear", align_corners=False)
        return (values[0] > 0.5).float()
