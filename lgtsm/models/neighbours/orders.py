"""The three published orders in which CHN goes through a clip.

Source: Alvarez 2020 (thesis, ETH). In every step one reference is aligned to a frame and the network
paints the frame; where the reference showed what is behind the hole the result becomes known,
everywhere else it is dropped again. Nothing given is changed: the published code wrote into its input,
so that what it called the third order returned the result of the second.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .chn import Chn
from .frames import Aligned, Views, mean_fill

Align = Callable[[Views], Aligned]
"""`Aligner.align`, or anything with the same shapes."""


@dataclass(frozen=True)
class Reference:
    """Another frame (1,3,h,w), its hole (1,1,h,w), and what brings it to the target."""

    frame: Tensor
    hole: Tensor
    align: Align


def nearest_frames(t: int, num_frames: int, *, spacing: int = 1, distance: int = 20) -> list[int]:
    """Return the other frames up to a distance, at multiples of a spacing, nearest first."""
    others = (s for s in range(num_frames) if s != t)
    kept = (s for s in others if abs(s - t) <= distance and abs(s - t) % spacing == 0)
    return sorted(kept, key=lambda s: (abs(s - t), s))


def middle_out(num_frames: int) -> list[int]:
    """Return frame numbers from the middle of a clip to its ends."""
    return sorted(range(num_frames), key=lambda t: abs(t - num_frames // 2))


def finished_first(finished: Sequence[int], near: Sequence[int]) -> list[int]:
    """Return finished frames, the latest first, then the others of `near`."""
    return [*reversed(finished), *(s for s in near if s not in finished)]


class _Canvas:
    """Frames and holes of a clip while they are filled: lists of (1,3,h,w) and (1,1,h,w)."""

    def __init__(self, network: Chn, frames: Tensor, holes: Tensor) -> None:
        self.network = network
        self.frames, self.holes = list(torch.split(frames, 1)), list(torch.split(holes, 1))

    def reference(self, t: int, align: Align) -> Reference:
        """Return a frame as it is now."""
        return Reference(self.frames[t], self.holes[t], align)

    def percent_left(self, t: int) -> float:
        """Return how much of a frame is still hole."""
        return 100 * float(self.holes[t].mean())

    def step(self, t: int, reference: Reference) -> Tensor:
        """Fill what a reference shows of frame t; return the whole painted frame (1,3,h,w)."""
        views = Views(self.frames[t], self.holes[t], reference.frame[None], reference.hole[None])
        aligned = reference.align(views)
        painted = self.network(views, aligned).composed[:, 0]
        self.holes[t] = self.holes[t] - aligned.gained[:, 0]
        self.frames[t] = mean_fill(painted, self.holes[t])
        return painted

    def fill(self, t: int, references: Iterable[Reference], enough: float) -> Tensor:
        """Go through references until enough is filled; return the last painted frame.

        Without any, the frame stands for its own reference; the published code stops with an error.
        """
        painted = None
        for reference in references:
            painted = self.step(t, reference)
            if self.percent_left(t) <= enough:
                break
        return self.step(t, self.reference(t, unmoved)) if painted is None else painted

    def finish(self, t: int, painted: Tensor) -> None:
        """Take a painted frame as known everywhere."""
        self.frames[t], self.holes[t] = painted, torch.zeros_like(self.holes[t])


def unmoved(views: Views) -> Aligned:
    """Return references as they are, for a camera that stands still."""
    return Aligned.of_samples(views.filled()[1], 1 - views.reference_holes, views.hole)


@torch.no_grad()
def paint_frame(
    network: Chn,
    frame: Tensor,
    hole: Tensor,
    references: Iterable[Reference],
    *,
    enough: float = 1.0,
) -> Tensor:
    """Fill one frame from others, which are never changed: a step of `frame_by_frame`.

    Args:
        network: in eval mode.
        frame: (1,3,h,w) in [0,1]; h and w multiples of 4.
        hole: (1,1,h,w), 1 = hole.
        references: of the same size, asked for one by one until enough is filled.
        enough: percent of the frame that may be left to the network's imagination.

    Returns:
        (1,3,h,w) in [0,1], the target where it is known.
    """
    return _Canvas(network, frame, hole).fill(0, references, enough)


def frame_by_frame(
    network: Chn,
    align: Align,
    frames: Tensor,
    holes: Tensor,
    *,
    spacing: int = 1,
    distance: int = 20,
    enough: float = 1.0,
) -> Tensor:
    """Fill every frame from the original ones ("ff"). It streams: see `paint_frame`.

    Args:
        network: in eval mode.
        align: brings a reference to the target.
        frames: (T,3,h,w) in [0,1]; h and w multiples of 4.
        holes: (T,1,h,w), 1 = hole.
        spacing: of the references, in frames; see `nearest_frames`.
        distance: of the farthest, in frames.
        enough: percent of a frame that may be left to the network's imagination.

    Returns:
        (T,3,h,w) in [0,1].
    """
    given, filled = _Canvas(network, frames, holes), list[Tensor]()
    for t in range(len(frames)):
        near = nearest_frames(t, len(frames), spacing=spacing, distance=distance)
        references = (given.reference(s, align) for s in near)
        frame, hole = given.frames[t], given.holes[t]
        filled.append(paint_frame(network, frame, hole, references, enough=enough))
    return torch.cat(filled)


@torch.no_grad()
def inpaint_and_propagate(
    network: Chn,
    align: Align,
    frames: Tensor,
    holes: Tensor,
    *,
    spacing: int = 1,
    distance: int = 20,
    enough: float = 1.0,
) -> Tensor:
    """Fill from the middle to both ends, from finished frames first, the latest first ("ip").

    Arguments and result as of `frame_by_frame`; the limits do not hold for finished frames.
    """
    canvas, finished = _Canvas(network, frames, holes), list[int]()
    for t in middle_out(len(frames)):
        near = nearest_frames(t, len(frames), spacing=spacing, distance=distance)
        references = (canvas.reference(s, align) for s in finished_first(finished, near))
        canvas.finish(t, canvas.fill(t, references, enough))
        finished.append(t)
    return torch.cat(canvas.frames)


@torch.no_grad()
def copy_and_propagate(
    network: Chn,
    align: Align,
    frames: Tensor,
    holes: Tensor,
    *,
    sweeps: int = 20,
    spacing: int = 1,
    enough: float = 1.0,
) -> Tensor:
    """Sweep over the clip, every other group of frames in turn, copying from neighbours ("cp").

    Arguments and result as of `frame_by_frame`; the last two of all sweeps keep everything that was
    painted, and the spacing is the distance of the neighbours and the size of the groups, in frames.

    As published, only two of every `spacing` groups are visited from a spacing of 3 on: the others
    keep the mean colour in their holes.
    """
    canvas, num_groups = _Canvas(network, frames, holes), max(2, spacing)
    canvas.frames = [mean_fill(f, h) for f, h in zip(canvas.frames, canvas.holes, strict=True)]
    for i in range(sweeps):
        for t in range(len(frames)):
            if t // spacing % num_groups != i % 2 or not canvas.holes[t].any():
                continue
            for s in (t - spacing, t + spacing):
                if not 0 <= s < len(frames):
                    continue
                painted = canvas.step(t, canvas.reference(s, align))
                if canvas.percent_left(t) < enough or i >= sweeps - 2:
                    canvas.finish(t, painted)
    return torch.cat(canvas.frames)
