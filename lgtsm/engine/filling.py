"""One shot, frame by frame: copies from other frames, then the network where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ..box import Box, hole_box
from ..copying.blending import SOURCES, BlendedFill, GatheredFill, blend_frame, gather_fills
from ..copying.candidates import CopySources, gathered_together
from ..copying.key_frames import Backdrop
from ..copying.shot import Shot
from ..copying.source_frames import Search
from ..copying.temporal_smoothing import smooth_in_time, smoothing_reach
from ..fills.candidate_fill import CandidateFill
from ..models.network import Network
from .painting import Painter, unsure
from .policy import Policy, open_stream
from .progress import ShotWork, Stage
from .recovery import RobustStream, attempt
from .stream import StreamOutput, StreamSetup

QUANTUM_PX = 16
"""Hole boxes are widened to multiples of this, so that shapes change rarely while a hole moves."""
_TOGETHER_PIXELS, _MOST_TOGETHER = 420_000, 4
"""Pixels and number of the frames whose candidates are gathered together at most. Set by hand: more
need more memory, and save nothing on a CPU."""
_SMALLER = 0.7
"""Part of the working size that an error about memory proposes: half of the pixels."""


@dataclass(frozen=True)
class Fill:
    """What goes into one frame's hole, at working size.

    box: around the hole and its border, widened.
    pixels: (3,h,w) float32 in [0,1] covering `box`, equal to the frame where it is known.
    sources: which frames lend it the detail that the working size lost; None where none does.
    key_frames: numbers of the frames whose detail later frames may still need.
    """

    box: Box
    pixels: Tensor
    sources: CopySources | None = None
    key_frames: tuple[int, ...] = ()


Filled = tuple[int, Fill | None]
"""Number of a frame in its shot, and its fill; None where it has no hole."""


@dataclass(frozen=True)
class _Copied:
    """What the copies give to one frame's hole, until the frame is finished.

    candidate: on the frame's box.
    to_paint: (1,1,h,w) what the network still paints, 1 = paint; None for families that start from the
        candidate.
    """

    candidate: CandidateFill
    to_paint: Tensor | None
    sources: CopySources | None
    source_fractions: tuple[float, ...]


@dataclass
class _Frame:
    """One frame of the shot.

    box: around the hole and its border, widened; None when there is no hole.
    gathered: together with those of its neighbours, until plates and key frames are added.
    blended: before temporal smoothing; kept while its neighbours need it.
    copied: set when encoded, cleared when finished.
    """

    box: Box | None
    gathered: GatheredFill | None = None
    blended: BlendedFill | None = None
    copied: _Copied | None = None


@dataclass(frozen=True)
class _Net:
    """A network and the stream that runs it."""

    network: Network
    stream: RobustStream


class ShotFiller:
    """Fills the holes of one shot from a stream of working frames.

    Args:
        network: the network, a painter, or None to use the copies and the smooth fill as they are.
        size: (height, width) of working frames, multiples of the network's.
        policy: device, dtype, frames per chunk.
        search: where copies may come from.
        backdrop: pictures at working size of what is behind the holes.
        border_px: pixels around a hole that are returned with it; more than 0 where frames are
            reduced, so that detail is wanted.
        work: asked between layers, and told of every frame that has passed a stage.

    source_fractions: sums over the `num_filled` frames with a hole that are finished; see
        `BlendedFill`.
    """

    def __init__(
        self,
        network: Network | Painter | None,
        size: tuple[int, int],
        *,
        policy: Policy,
        search: Search,
        backdrop: Backdrop,
        border_px: int,
        work: ShotWork,
    ) -> None:
        self.search, self.backdrop, self.border_px = search, backdrop, border_px
        self.policy, self.work = policy, work
        self.source_fractions = [0.0] * len(SOURCES)
        self.num_filled = 0
        self._frame_box = Box(0, 0, *size)
        self._painter = network if isinstance(network, Painter) else None
        # a painter reads other frames even where nothing is copied from them
        seen = self._painter.search if self._painter else search
        self._window = seen.window
        self._shot = Shot(size, policy.device, seen)
        self._frames: dict[int, _Frame] = {}
        self._num_pushed = self._num_begun = self._num_done = 0
        self._is_complete = False
        self._together = max(1, min(_MOST_TOGETHER, _TOGETHER_PIXELS // (size[0] * size[1])))
        self._net = net = self._open(network, size) if isinstance(network, Network) else None
        self._reach = net.stream.reach if net else (0, 0)
        # a pushed frame influences outputs up to `reach` frames later, whose holes must be known
        ahead = smoothing_reach(search)[1] + max(0, self._together - self.chunk)
        self._lookahead = max(self._window[1] + ahead, self._reach[0])

    def _open(self, network: Network, size: tuple[int, int]) -> _Net:
        policy = self.policy
        setup = StreamSetup(size, policy.device, policy.dtype, self._box_at, self.work.check)
        stream = open_stream(network.trunk, setup)
        smaller = max(64, int(max(size) * _SMALLER) // 16 * 16)
        too_large = (
            f"Expected enough memory on {policy.device} for one frame of {size[1]}x{size[0]}, "
            f"got too little; lower max_side to {smaller} or less, or use another device."
        )
        return _Net(network, RobustStream(stream, policy.chunk, too_large))

    def _box_at(self, t: int) -> Box | None:
        frame = self._frames.get(t)
        return None if frame is None else frame.box

    @property
    def chunk(self) -> int:
        """Frames computed together, fewer than at first where memory ran out."""
        return self._net.stream.chunk if self._net else self.policy.chunk

    @property
    def dtype(self) -> torch.dtype:
        """What the network computes in; float32 once a half precision has overflowed."""
        return self._net.stream.dtype if self._net else self.policy.dtype

    @property
    def makes_key_frames(self) -> bool:
        """Whether there has been a key frame so far."""
        return bool(self._key_frames)

    @property
    def _key_frames(self) -> tuple[int, ...]:
        return self.backdrop.key_frames.numbers if self.backdrop.key_frames else ()

    @property
    def notes(self) -> list[str]:
        """One for every fallback of the network's stream."""
        return self._net.stream.notes if self._net else []

    def push(self, frame: Tensor, hole: Tensor) -> Iterator[Filled]:
        """Add the next frame (3,h,w) and its hole (1,h,w); yield frames that are finished."""
        self._shot.push(frame[None], hole[None])
        box = hole_box(hole)
        if box is not None:
            box = box.grow(self.border_px).aligned(QUANTUM_PX) & self._frame_box
        self._frames[self._num_pushed] = _Frame(box)
        self.work.passed(Stage.READ, self._num_pushed)
        self._num_pushed += 1
        if self._num_pushed - self._num_begun >= self.chunk + self._lookahead:
            yield from self._begin(self.chunk)

    def finish(self) -> Iterator[Filled]:
        """Yield the frames that were waiting for later ones."""
        self._is_complete = True
        while self._num_begun < self._num_pushed:
            yield from self._begin(min(self.chunk, self._num_pushed - self._num_begun))
        if self._net is not None:
            for output in self._net.stream.finish():
                yield from self._decode(self._net.network, output)

    def _begin(self, count: int) -> Iterator[Filled]:
        """Fill the next `count` frames from copies, or feed them to the network."""
        if self._net is None:
            for t in range(self._num_begun, self._num_begun + count):
                yield self._from_copies(t)
                self.work.passed(Stage.COPY, t)
            self._num_begun = self._num_done = self._num_begun + count
        else:
            yield from self._feed(self._net, count)
        self._forget()

    def _from_copies(self, t: int) -> Filled:
        """Fill one frame without a network."""
        self.work.check()
        box, blended = self._frames[t].box, self._smoothed(t)
        if box is None or blended is None:
            return t, None
        frame, _ = self._part(t, box)
        self._count(blended.source_fractions)
        copied, sources = blended.on(frame, box), blended.sources
        pixels = copied.fill
        if self._painter is not None:
            pixels, to_paint = self._painter.paint(self._shot, t, box, copied)
            sources = sources and sources.outside(to_paint, box)
        return t, Fill(box, pixels[0].cpu(), sources, self._key_frames)

    def _feed(self, net: _Net, count: int) -> Iterator[Filled]:
        """Encode `count` frames and push them, in as many pieces as memory allows."""
        end = self._num_begun + count
        while self._num_begun < end:
            first, number = self._num_begun, min(net.stream.chunk, end - self._num_begun)
            encoded = attempt(lambda f=first, n=number: self._encode(net, f, n))
            if encoded is None:
                net.stream.halve_chunk(number)
                continue
            values, box = encoded
            for output in net.stream.push(values, box, number):
                yield from self._decode(net.network, output)
            self._num_begun += number
            self.work.passed(Stage.COPY, self._num_begun - 1)

    def _encode(self, net: _Net, first: int, count: int) -> tuple[Tensor | None, Box | None]:
        """Return the network's input, (count,C,h,w), on the part of the frames that it reads."""
        box = net.stream.input_box(first, count)
        if box is None:
            return None, None
        box = box.aligned(QUANTUM_PX) & self._frame_box
        inputs: list[Tensor] = []
        for t in range(first, first + count):
            self.work.check()
            inputs.append(self._encode_frame(net.network, t, box))
        return torch.cat(inputs), box

    def _encode_frame(self, network: Network, t: int, box: Box) -> Tensor:
        """Return the network's input (1,C,h,w) on a part of one frame, with what copies give."""
        state, (frame, hole) = self._frames[t], self._part(t, box)
        from_fill = network.spec.starts_from_fill
        blended = self._smoothed(t) if from_fill or self.search.motions else None
        candidate, to_paint = None, None
        if from_fill:
            candidate = CandidateFill.of_known(frame) if blended is None else blended.on(frame, box)
        if blended is not None and state.box is not None:
            own, own_hole = self._part(t, state.box)
            copied, sources = blended.on(own, state.box), blended.sources
            if not from_fill:
                to_paint = unsure(copied, own_hole)
                frame, hole, inside = frame.clone(), hole.clone(), state.box.within(box)
                frame[..., inside[0], inside[1]] = copied.fill
                hole[..., inside[0], inside[1]] = to_paint
                # what the network paints has no detail of a source
                sources = sources and sources.outside(to_paint, state.box)
            state.copied = _Copied(copied, to_paint, sources, blended.source_fractions)
        return network.encode(frame, hole, candidate=candidate)

    def _decode(self, network: Network, output: StreamOutput) -> Iterator[Filled]:
        """Turn finished frames of the network into pixels for their holes."""
        for i in range(output.count):
            t, self._num_done = self._num_done, self._num_done + 1
            state = self._frames[t]
            copied, state.copied = state.copied, None
            if copied is not None:
                self._count(copied.source_fractions)
            if state.box is None or output.box is None or output.pixels is None:
                yield t, None
                continue
            rows, columns = state.box.within(output.box)
            raw = network.decode(
                output.pixels[i : i + 1, :, rows, columns], copied.candidate if copied else None
            )
            if copied is not None and copied.to_paint is not None:
                raw = torch.where(copied.to_paint > 0, raw, copied.candidate.fill)
            frame, hole = self._part(t, state.box)
            pixels = torch.where(hole > 0, raw.clamp(0, 1), frame).cpu()
            sources = copied.sources if copied else None
            yield t, Fill(state.box, pixels[0], sources, self._key_frames)
        self._forget()

    def _part(self, t: int, box: Box) -> tuple[Tensor, Tensor]:
        """Return a part of a frame (1,3,h,w) and of its hole (1,1,h,w)."""
        pixels, known = self._shot[t].part(box)
        return pixels, 1 - known

    def _smoothed(self, t: int) -> BlendedFill | None:
        """Return the blended fill of frame t, smoothed in time; None without a hole."""
        oldest = t - smoothing_reach(self.search)[0]
        for s, frame in self._frames.items():
            if s < oldest:
                frame.blended = None
        return smooth_in_time(self._shot, t, self.search, self._blended)

    def _blended(self, t: int) -> BlendedFill | None:
        """Return the blended fill of frame t alone, made once."""
        frame = self._frames[t]
        if frame.box is not None and frame.blended is None:
            self.work.check()
            if frame.gathered is None:
                self._gather(t)
            kept, frame.gathered = frame.gathered, None
            frame.blended = blend_frame(self._shot, t, self.search, self.backdrop, gathered=kept)
            self.work.passed(Stage.COPY, t)
        return frame.blended

    def _gather(self, t: int) -> None:
        """Gather the candidates of frame t, and of the next ones whose windows have arrived."""
        end = self._num_pushed if self._is_complete else self._num_pushed - self._window[1]
        wanted = gathered_together(self._shot, range(t, max(t + 1, min(t + self._together, end))))
        with_sources = self.border_px > 0  # needed only where frames are reduced
        found = gather_fills(
            self._shot, wanted, self.search, self.work.check, with_sources=with_sources
        )
        for s, gathered in found.items():
            self._frames[s].gathered = gathered

    def _count(self, fractions: tuple[float, ...]) -> None:
        """Add up where the pixels of one frame came from."""
        self.source_fractions = [sum(x) for x in zip(self.source_fractions, fractions, strict=True)]
        self.num_filled += 1

    def _forget(self) -> None:
        """Drop what no later frame needs."""
        behind = self._window[0] + smoothing_reach(self.search)[0]
        oldest = min(self._num_begun - behind, self._num_done)
        self._shot.forget(oldest)
        for t in [t for t in self._frames if t < oldest - sum(self._reach)]:
            del self._frames[t]
