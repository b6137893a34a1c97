"""One shot, frame by frame: candidate, then the network where there is one."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ..box import Box, hole_box
from ..copying.blending import BlendedFill, blend_frame, known_candidate, new_shot
from ..copying.candidates import Detail, Search
from ..copying.plates import PlacedPlate
from ..copying.shot import GRID_PX
from ..copying.steady import margin, steady_frame
from ..errors import DeviceError
from ..fills.candidate_fill import CandidateFill
from ..models.network import Network
from .features import FeatureBatch
from .hooks import Hooks
from .policy import Policy
from .recovery import advice, attempt, is_finite
from .splitting import Halves, SplitStream
from .stream import TrunkStream
from .windows import WindowStream, open_stream

_LOG = logging.getLogger(__name__)
QUANTUM_PX = 16
"""Hole boxes are widened to multiples of this, so that shapes change rarely while a hole moves."""
_SURE_CONFIDENCE = 0.98
_SURE_ERROR = 0.02
"""A copy that is nearly all of the fill and expected within 5 levels of 255 counts as known."""
_MAX_SPLITS = 2
"""Halvings of the region before giving up; each computes more of the surroundings again."""


@dataclass(frozen=True)
class Filled:
    """What goes into one frame's hole, at working size.

    index: number of the frame in its shot.
    box: box around the hole and its border, widened; None when the frame has no hole.
    pixels: (3,h,w) float32 in [0,1] covering `box`, equal to the frame where it is known.
    detail: which frames lend it what the working size lost; None where none does.
    """

    index: int
    box: Box | None
    pixels: Tensor | None
    detail: Detail | None = None


class ShotFiller:
    """Fills the holes of one shot from a stream of working frames.

    Args:
        network: the network, or None to take the copies and the smooth fill as they are.
        size: (height, width) of working frames, multiples of the network's step.
        policy: device, dtype, frames a chunk; more memory than there is lowers the chunk.
        search: where copies may come from.
        plates: reference pictures at working size.
        border_px: pixels around a hole that are put out with it; more than 0 where frames are
            reduced, so that detail is wanted.
        hooks: asked between layers.
    """

    def __init__(
        self,
        network: Network | None,
        size: tuple[int, int],
        *,
        policy: Policy,
        search: Search,
        plates: Sequence[PlacedPlate] = (),
        border_px: int,
        hooks: Hooks,
    ) -> None:
        self.network, self.size, self.policy, self.hooks = network, size, policy, hooks
        self.search, self.plates, self.border_px = search, plates, border_px
        self.chunk = policy.chunk
        self.notes: list[str] = []
        self._shot = new_shot(size, policy.device, search)
        self.source_fractions: tuple[float, ...] = ()
        self.blended = 0
        self._boxes: dict[int, Box | None] = {}
        self._blended: dict[int, BlendedFill | None] = {}
        self._candidate: dict[int, CandidateFill] = {}
        self._details: dict[int, Detail | None] = {}
        self._known: dict[int, tuple[Tensor, Tensor]] = {}
        self._arrived = self._begun = self._done = 0
        self._stream: TrunkStream | WindowStream | SplitStream | None = None
        self._splits = 0
        if network is not None:
            self._stream = open_stream(
                network.trunk,
                size,
                device=policy.device,
                dtype=policy.dtype,
                box_at=self._boxes.get,
                check=hooks.check,
            )
        reach = self._stream.reach[0][0] if self._stream else 0
        self._lookahead = max(search.window[1] + margin(search)[1], reach)

    def push(self, frame: Tensor, hole: Tensor) -> Iterator[Filled]:
        """Take in the next frame (3,h,w) and its hole (1,h,w); yield frames that are finished."""
        self._shot.push(frame[None], hole[None])
        box = hole_box(hole)
        if box is not None:
            box = box.grow(self.border_px).aligned(QUANTUM_PX) & Box(0, 0, *self.size)
        self._boxes[self._arrived] = box
        self._arrived += 1
        if self._arrived - self._begun >= self.chunk + self._lookahead:
            yield from self._begin(self.chunk)

    @property
    def dtype(self) -> torch.dtype:
        """What the network computes in; float32 once a half precision has overflowed."""
        return self._stream.dtype if self._stream else self.policy.dtype

    def finish(self) -> Iterator[Filled]:
        """Yield the frames that were waiting for later ones."""
        while self._begun < self._arrived:
            yield from self._begin(min(self.chunk, self._arrived - self._begun))
        if self._stream is not None:
            while not self._stream.finished:
                yield from self._advance(lambda: self._stream.finish(self.chunk))

    def _begin(self, count: int) -> Iterator[Filled]:
        """Feed the next `count` frames to the network, or put out their candidate fill."""
        first = self._begun
        if self._stream is None:
            for t in range(first, first + count):
                self.hooks.check()
                box = self._boxes[t]
                pixels = detail = None
                if box is not None:
                    frame, _ = self._part(t, box)
                    blended = self._blend(t)
                    pixels, detail = blended.on(frame, box).fill[0].cpu(), blended.detail
                yield Filled(t, box, pixels, detail)
            self._begun = self._done = first + count
            self._forget()
            return
        encoded = attempt(lambda: self._encode(first, count))
        if encoded is None:
            if count == 1:
                raise DeviceError(advice(self.size, self.policy))
            self._lower(count // 2)
            yield from self._begin(count // 2)
            yield from self._begin(count - count // 2)
            return
        values, box = encoded
        yield from self._advance(
            lambda: self._stream.push(values, box, count), (values, box, count)
        )
        self._begun += count
        self._forget()

    def _encode(self, first: int, count: int) -> tuple[Tensor | None, Box | None]:
        """Stack the trunk's input for the part of the frames that it reads."""
        box = self._stream.input_box(first, count)
        if box is None:
            return None, None
        box = box.aligned(GRID_PX) & Box(0, 0, *self.size)
        device, rows = self.policy.device, []
        for t in range(first, first + count):
            self.hooks.check()
            frame, hole = self._part(t, box)
            candidate = None
            blended = (
                self._blend(t)
                if self.network.spec.starts_from_fill or self.search.motions
                else None
            )
            if self.network.spec.starts_from_fill:
                candidate = known_candidate(frame) if blended is None else blended.on(frame, box)
            if blended is not None:
                self._details[t] = blended.detail
                self._candidate[t] = blended.on(self._part(t, self._boxes[t])[0], self._boxes[t])
                if candidate is None:
                    frame, hole = self._take_copies(t, frame, hole, box)
            rows.append(self.network.encode(frame.to(device), hole.to(device), candidate=candidate))
        return torch.cat(rows), box

    def _take_copies(self, t: int, frame: Tensor, hole: Tensor, box: Box) -> tuple[Tensor, Tensor]:
        """Make certain copies known: return the frame with them and what is left of the hole."""
        candidate, inside = self._candidate[t], self._boxes[t].within(box)
        own_hole = hole[..., inside[0], inside[1]].to(candidate.fill.device)
        sure = (candidate.confidence > _SURE_CONFIDENCE) & (candidate.error < _SURE_ERROR)
        left = torch.where(sure, torch.zeros_like(own_hole), own_hole)
        self._known[t] = (candidate.fill, left)
        frame, hole = frame.clone(), hole.clone()
        frame[..., inside[0], inside[1]] = candidate.fill.to(frame.device)
        hole[..., inside[0], inside[1]] = left.to(hole.device)
        return frame, hole

    def _part(self, t: int, box: Box) -> tuple[Tensor, Tensor]:
        """Return a part of a frame (1,3,h,w) and of its hole (1,1,h,w)."""
        shot_frame, part = self._shot[t], (..., box.rows, box.columns)
        return shot_frame.frame[part], 1 - shot_frame.known[part]

    def _blend(self, t: int) -> BlendedFill | None:
        """Gather what other frames show of the hole of frame t; None without a hole."""
        for s in [s for s in self._blended if s < t - margin(self.search)[0]]:
            del self._blended[s]
        blended = steady_frame(self._shot, t, self.search, self._blended_at)
        if blended is not None:
            sums = self.source_fractions or (0.0,) * len(blended.source_fractions)
            self.source_fractions = tuple(
                a + b for a, b in zip(sums, blended.source_fractions, strict=True)
            )
            self.blended += 1
        return blended

    def _blended_at(self, t: int) -> BlendedFill | None:
        """Gather the candidate of frame t alone, once."""
        if t not in self._blended:
            self.hooks.check()
            self._blended[t] = blend_frame(
                self._shot, t, self.search, self.plates, with_detail=self.border_px > 0
            )
        return self._blended[t]

    def _advance(
        self,
        run: Callable[[], FeatureBatch | Halves],
        pushed: tuple[Tensor | None, Box | None, int] | None = None,
    ) -> Iterator[Filled]:
        """Run one step of the stream; answer lost precision with float32, lost memory with less."""
        stream, before = self._stream, self._stream.state

        def step() -> tuple[FeatureBatch | Halves, Tensor | None]:
            batch = run()
            return batch, stream.outputs(batch)

        done = attempt(step)
        if done is None:
            stream.state = before
            if self.chunk == 1 if pushed is None else pushed[2] == 1:
                self._split()
                yield from self._advance(run, pushed)
            elif pushed is None:
                self._lower(self.chunk // 2)
                yield from self._advance(run)  # finishes as many frames as the chunk says by then
            else:
                yield from self._halve(*pushed)
            return
        batch, outputs = done
        if not is_finite(outputs, stream):
            if stream.dtype == torch.float32:
                raise DeviceError(
                    "Expected finite pixels from the network, got NaN or infinity in float32; "
                    "use another weight file."
                )
            self._note(f"{stream.dtype} overflowed: went on in float32 from frame {self._done}")
            stream.state = before
            stream.set_dtype(torch.float32)
            yield from self._advance(run, pushed)
            return
        yield from self._collect(batch, outputs)

    def _halve(self, values: Tensor | None, box: Box | None, count: int) -> Iterator[Filled]:
        """Push the same frames in two halves, and stay with the smaller chunk."""
        half = count // 2
        self._lower(half)
        for part in (slice(0, half), slice(half, count)):
            some = None if values is None else values[part]
            number = part.stop - part.start
            yield from self._advance(
                lambda v=some, n=number: self._stream.push(v, box, n), (some, box, number)
            )

    def _split(self) -> None:
        """Go on with every hole in two parts, or four, one after the other."""
        if self._splits == _MAX_SPLITS:
            raise DeviceError(advice(self.size, self.policy))
        self._splits += 1
        self._note(f"out of memory: went on with every hole in {2**self._splits} parts")
        self._stream = SplitStream(self._stream)

    def _lower(self, chunk: int) -> None:
        """Go on with fewer frames a chunk."""
        self.chunk = max(1, chunk)
        self._note(f"out of memory: went on with {self.chunk} frames a chunk")

    def _note(self, text: str) -> None:
        """Log a step down and keep it for the report."""
        _LOG.warning(text)
        self.notes.append(text)

    def _collect(self, batch: FeatureBatch | Halves, outputs: Tensor | None) -> Iterator[Filled]:
        """Turn finished frames of the trunk into pixels for their holes."""
        for i in range(batch.count):
            t = self._done
            self._done += 1
            box = self._boxes[t]
            if box is None:
                yield Filled(t, None, None)
                continue
            rows, columns = box.within(batch.box)
            candidate = self._candidate.pop(t, None)
            raw = self.network.decode(outputs[i : i + 1, :, rows, columns], candidate)
            if t in self._known:
                fill, left = self._known.pop(t)
                raw = torch.where(left > 0, raw, fill)
            frame, hole = self._part(t, box)
            pixels = torch.where(hole > 0, raw.clamp(0, 1), frame).cpu()
            yield Filled(t, box, pixels[0], self._details.pop(t, None))
        self._forget()

    def _forget(self) -> None:
        """Drop what no later frame needs."""
        oldest = min(self._begun - self.search.window[0] - margin(self.search)[0], self._done)
        self._shot.forget(oldest)
        reach = self._stream.reach[0] if self._stream else (0, 0)
        for t in [t for t in self._boxes if t < oldest - sum(reach)]:
            del self._boxes[t]
