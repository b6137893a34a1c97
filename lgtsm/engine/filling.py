"""One shot, frame by frame: copies from other frames, then the network where there is one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from operator import itemgetter

import torch
from torch import Tensor

from ..box import Box, hole_box
from ..copying.blending import SOURCES, BlendedFill
from ..copying.candidates import CopySources
from ..copying.key_frames import Backdrop
from ..copying.shot import Shot
from ..copying.source_frames import Search
from ..fills.candidate_fill import CandidateFill, map_tensors
from ..models.network import Network
from .painting import Painter, doubtful, unsure
from .policy import Policy, open_stream
from .progress import ShotWork, Stage
from .recovery import RobustStream, attempt
from .shot_copies import ShotCopies
from .stream import StreamOutput, StreamSetup

QUANTUM_PX = 16
"""Hole boxes are widened to multiples of this, so that shapes change rarely while a hole moves."""
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

    blended: smoothed in time, on the frame's box at least.
    to_paint: (1,1,h,w) what of it the network computes, 1 = compute.
    key_frames: numbers of the key frames when it was copied: some may be gone when it is finished.
    """

    blended: BlendedFill
    to_paint: Tensor
    key_frames: tuple[int, ...]


@dataclass
class _Frame:
    """One frame of the shot.

    box: around the hole and its border, widened; None when there is no hole.
    wanted: the part of it that the network computes, smaller once the frame is copied; None for none.
    copied: set when pixels of other frames are copied into it, cleared when finished.
    """

    box: Box | None
    wanted: Box | None
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
        self._copies = ShotCopies(
            self._shot, search, backdrop, with_sources=border_px > 0, work=work
        )
        self._frames: dict[int, _Frame] = {}
        self._num_pushed = self._num_copied = self._num_begun = self._num_done = 0
        self._is_complete = False
        self._net = net = self._open(network, size) if isinstance(network, Network) else None
        self._reach = net.stream.reach if net else (0, 0)
        # a pushed frame influences outputs up to `reach` frames later: what copies leave of their holes
        # must be known
        window = max(self._window[1], self._copies.window[1])
        self._lookahead = self._reach[0] + window + max(0, self._copies.together - self.chunk)

    def _open(self, network: Network, size: tuple[int, int]) -> _Net:
        # no method of this object: it would keep the shot until cycles are collected
        def wanted_at(t: int, frames: dict[int, _Frame] = self._frames) -> Box | None:
            return frames[t].wanted if t in frames else None

        setup = StreamSetup(size, self.policy.device, self.policy.dtype, wanted_at, self.work.check)
        stream = open_stream(network.trunk, setup)
        smaller = max(64, int(max(size) * _SMALLER) // 16 * 16)
        too_large = (
            f"Expected enough memory on {self.policy.device} for one frame of {size[1]}x{size[0]}, "
            f"got too little; lower max_side to {smaller} or less, or use another device."
        )
        return _Net(network, RobustStream(stream, self.policy.chunk, too_large))

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
        self._frames[self._num_pushed] = _Frame(box, box)
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
            self._num_copied = self._num_begun = self._num_done = self._num_begun + count
        else:
            yield from self._feed(self._net, count)
        self._forget()

    def _from_copies(self, t: int) -> Filled:
        """Fill one frame without a network."""
        self.work.check()
        box, blended = self._frames[t].box, self._copied_at(t)
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
        last = min(first + count + self._reach[0], self._num_pushed)
        for t in range(self._num_copied, last):
            self._copy(net.network, t)
            self._num_copied = t + 1
        box = net.stream.input_box(first, count)
        if box is None:
            return None, None
        box = box.aligned(QUANTUM_PX) & self._frame_box
        self.work.check()
        inputs = [self._encode_frame(net.network, t, box) for t in range(first, first + count)]
        return torch.cat(inputs), box

    def _copy(self, network: Network, t: int) -> None:
        """Copy pixels of other frames into one frame, and note what they leave to the network."""
        self.work.check()
        state, from_fill = self._frames[t], network.spec.starts_from_fill
        if state.box is None or not (from_fill or self.search.motions):
            return
        blended = self._copied_at(t)
        if blended is None:
            return
        area = blended.box | state.box
        frame, hole = self._part(t, area)
        # in memory of its own: views would keep what the neighbours were blended from
        candidate, to_paint = blended.on(frame, area), hole
        if self.search.motions:
            to_paint = doubtful(candidate, hole) if from_fill else unsure(candidate, hole)
            found = hole_box(to_paint)
            if found is not None:
                found = found.moved(area.top, area.left).aligned(QUANTUM_PX) & state.box
            state.wanted = found
        blended = replace(blended, box=area, candidate=candidate)
        state.copied = _Copied(blended, to_paint, self._key_frames)

    def _encode_frame(self, network: Network, t: int, box: Box) -> Tensor:
        """Return the network's input (1,C,h,w) on a part of one frame, with what copies give."""
        state, (frame, hole) = self._frames[t], self._part(t, box)
        copied = state.copied
        if network.spec.starts_from_fill:
            found = (
                CandidateFill.of_known(frame) if copied is None else copied.blended.on(frame, box)
            )
            return network.encode(frame, hole, candidate=found)
        if copied is not None:
            area = copied.blended.box
            frame, hole, common = copied.blended.on(frame, box).fill, hole.clone(), area & box
            if not common.is_empty:
                inside, own = common.within(box), common.within(area)
                hole[(..., *inside)] = copied.to_paint[(..., *own)]
        return network.encode(frame, hole)

    def _decode(self, network: Network, output: StreamOutput) -> Iterator[Filled]:
        """Turn finished frames of the network into pixels for their holes."""
        for i in range(output.count):
            t, self._num_done = self._num_done, self._num_done + 1
            pixels = None if output.pixels is None else output.pixels[i : i + 1]
            yield t, self._finished(network, t, pixels, output.box)
        self._forget()

    def _finished(
        self, network: Network, t: int, output: Tensor | None, box: Box | None
    ) -> Fill | None:
        """Return the fill of one frame from the network's output (1,C,h,w) on a part of it."""
        state = self._frames[t]
        copied, state.copied = state.copied, None
        if state.box is None:
            return None
        pixels, to_paint = self._part(t, state.box)
        sources, candidate, key_frames = None, None, ()
        if copied is not None:
            blended, own = copied.blended, (..., *state.box.within(copied.blended.box))
            self._count(blended.source_fractions)
            candidate = map_tensors(itemgetter(own), blended.candidate)
            pixels, to_paint = candidate.fill, copied.to_paint[own]
            sources, key_frames = blended.sources, copied.key_frames
        if state.wanted is not None and output is not None and box is not None:
            inside = (..., *state.wanted.within(state.box))
            start = candidate and map_tensors(itemgetter(inside), candidate)
            rows, columns = state.wanted.within(box)
            painted = network.decode(output[..., rows, columns], start).clamp(0, 1)
            pixels = pixels.clone()
            pixels[inside] = torch.where(to_paint[inside] > 0, painted, pixels[inside])
            if sources is not None and not network.spec.starts_from_fill:
                sources = sources.outside(to_paint, state.box)  # paint has no detail of a source
        return Fill(state.box, pixels[0].cpu(), sources, key_frames)

    def _part(self, t: int, box: Box) -> tuple[Tensor, Tensor]:
        """Return a part of a frame (1,3,h,w) and of its hole (1,1,h,w)."""
        pixels, known = self._shot[t].part(box)
        return pixels, 1 - known

    def _copied_at(self, t: int) -> BlendedFill | None:
        """Return what other frames give to frame t; None without a hole."""
        end = self._num_pushed if self._is_complete else self._num_pushed - self._window[1]
        return self._copies.at(t, end)

    def _count(self, fractions: tuple[float, ...]) -> None:
        """Add up where the pixels of one frame came from."""
        self.source_fractions = [sum(x) for x in zip(self.source_fractions, fractions, strict=True)]
        self.num_filled += 1

    def _forget(self) -> None:
        """Drop what no later frame needs."""
        behind = max(self._window[0], self._copies.window[0])
        oldest = min(self._num_copied - behind, self._num_done)
        self._shot.forget(oldest)
        for t in [t for t in self._frames if t < oldest - sum(self._reach)]:
            del self._frames[t]
