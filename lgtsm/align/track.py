"""Motion of a shot, link by link, and where a far frame shows a pixel.

Every link joins neighbouring frames: a homography, and dense flow both ways where the homography
does not explain everything. Far frames are reached by chaining links; only coordinates are chained,
pixels are always sampled once, from the frame that shows them. A link depends on its two frames
alone, so a streamed shot and a whole one give the same coordinates; those of several frames are
measured together when one of them is first needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ..fills.averaging import local_mean, size_of
from ..fills.smooth import push_pull
from .flow import dense_flow
from .homography import MIN_SIDE, align, to_grey
from .planes import dominant_planes
from .projective import move_coords
from .pyramid import reduce_known
from .sampling import length, pixel_grid, sample_at, to_points

FLOW_SIDE = 480
"""Longer side, in pixels, at which flow is measured at most; full size follows by refinement."""
_LINK_PIXELS, _MOST_LINKS = 640_000, 8
"""Pixels and number of the frames whose links are measured together at most. Set by hand."""
# set by hand, not swept
HOMOGRAPHY_SUFFICES_ERROR = 0.012
"""Brightness difference (root mean square, about film grain) that a homography may leave."""
_ROUND_TRIP_PX = 1.0  # forward and backward flow that disagree by more than this mark an occlusion
_MIN_CONFIDENCE = 0.02  # confidence of flow that has no texture but is consistent both ways
_LEAST_GAIN = 0.25  # fraction of the homography's squared error that flow must remove to be used
_LEAST_REMOVED = 4e-6  # the same absolutely, in squared brightness: about half a level of 255
_GAIN_BLUR = 4  # repetitions of a 3x3 average of squared errors, and of the decision made on them


@dataclass(frozen=True)
class Link:
    """Motion between a frame and the next one.

    matrix: (3,3) homography from the frame to the next one, on normalised points, double precision.
    forward, backward: (1,2,h',w') displacement in pixels of that size to and from the next frame, as
        half floats (0.016 px at 32 px, and memory holds a hundred links); None where the homography
        suffices.
    """

    matrix: np.ndarray
    forward: Tensor | None = None
    backward: Tensor | None = None


FlowFunction = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
"""Arguments and results as of `flow.dense_flow`."""


class Track:
    """Motion of one shot, frame by frame.

    Args:
        size: (height, width) of the frames.
        with_camera: measure motion at all; without it there are no links.
        with_flow: keep dense flow, not only the homography fitted to it.
        measure: how flow is measured.
    """

    def __init__(
        self,
        size: tuple[int, int],
        *,
        with_camera: bool = True,
        with_flow: bool,
        measure: FlowFunction = dense_flow,
    ) -> None:
        self.size, self.with_camera, self.with_flow = size, with_camera, with_flow
        self.measure = measure
        self._links: dict[int, Link] = {}
        self._waiting: list[tuple[Tensor, Tensor]] = []  # the last frame measured, and later ones
        self._arrived = 0

    def push(self, frame: Tensor, hole: Tensor) -> None:
        """Add the next frame (1,3,h,w) in [0,1] and its hole (1,1,h,w), 1 = hole."""
        if not self.with_camera:
            return
        known = 1 - hole
        self._waiting.append(reduce_known(to_grey(frame) * known, known, FLOW_SIDE))
        self._arrived += 1
        if len(self._waiting) > links_together(size_of(self._waiting[0][0])):
            self._measure_waiting()

    def connects(self, t: int, s: int) -> bool:
        """Tell whether there are links all the way between two frames."""
        self._measure_waiting()
        return all(u in self._links for u in range(min(t, s), max(t, s)))

    def forget(self, before: int) -> None:
        """Drop the links of frames earlier than this."""
        for t in [t for t in self._links if t < before]:
            del self._links[t]

    def homographies(self, t: int, others: Sequence[int]) -> Tensor:
        """Return the chained (R,3,3) homographies from frame t to others, on normalised points."""
        self._measure_waiting()
        chained: dict[int, np.ndarray] = {t: np.eye(3)}
        for u in range(t, max(others, default=t)):
            chained[u + 1] = self._links[u].matrix @ chained[u]
        for u in range(t, min(others, default=t), -1):
            chained[u - 1] = np.linalg.solve(self._links[u - 1].matrix, chained[u])
        matrices = np.stack([chained[s] / chained[s][2, 2] for s in others])
        return torch.tensor(matrices, dtype=torch.float32)

    def follow(self, t: int, start: Tensor, step: int) -> Iterator[tuple[int, Tensor]]:
        """Follow pixels through the shot by dense flow.

        Args:
            t: frame to start from.
            start: (1,2,h,w) coordinates in frame t, in pixels.
            step: +1 to later frames, -1 to earlier ones.

        Yields:
            Frame number and coordinates (1,2,h,w) in it, as far as there are links.
        """
        self._measure_waiting()
        coords = start
        u = t if step > 0 else t - 1
        while u in self._links:
            link = self._links[u]
            flow = link.forward if step > 0 else link.backward
            if flow is None:
                matrix = link.matrix if step > 0 else np.linalg.inv(link.matrix)
                coords = move_coords(
                    torch.tensor(matrix[None], dtype=coords.dtype).to(coords.device),
                    coords,
                    self.size,
                )
            else:
                ratio = flow.shape[-1] / self.size[1]
                coords = coords + sample_at(flow.to(coords.dtype), coords * ratio) / ratio
            yield (u + 1 if step > 0 else u), coords
            u += step

    def _measure_waiting(self) -> None:
        """Measure the links between the frames that wait, all at once."""
        if len(self._waiting) < 2:
            return
        grey, known = (torch.cat(parts) for parts in zip(*self._waiting, strict=True))
        first = self._arrived - len(grey)
        self._waiting = self._waiting[-1:]
        for i, link in enumerate(self._measure(grey[:-1], known[:-1], grey[1:], known[1:])):
            self._links[first + i] = link

    def _measure(
        self, grey: Tensor, known: Tensor, others: Tensor, others_known: Tensor
    ) -> list[Link]:
        """Measure the motion from each of N frames to its next one, (N,1,h,w) each."""
        if min(size_of(grey)) < MIN_SIDE:
            return [Link(np.eye(3)) for _ in grey]
        found = align(grey, known, others, others_known)
        links = [Link(matrix) for matrix in found.matrix.cpu().double().numpy()]
        left = (found.error >= HOMOGRAPHY_SUFFICES_ERROR).nonzero()[:, 0]
        if len(left):
            dense = self._dense(
                grey[left], known[left], others[left], others_known[left], found.matrix[left]
            )
            for i, link in zip(left, dense, strict=True):
                links[int(i)] = link
        return links

    def _dense(
        self, grey: Tensor, known: Tensor, other: Tensor, other_known: Tensor, matrices: Tensor
    ) -> list[Link]:
        """Measure what the homographies (N,3,3) leave, both ways in one batch."""
        frames, frames_known = torch.cat([grey, other]), torch.cat([known, other_known])
        others, others_known = torch.cat([other, grey]), torch.cat([other_known, known])
        size, count = size_of(frames), len(grey)
        grid = pixel_grid(*size, grey)
        camera = _moved_both_ways(matrices, grid) - grid
        flow, confidence = self.measure(frames, frames_known, others, others_known, camera)
        round_trip = flow + sample_at(flow.roll(count, 0), grid + flow)
        consistent = (length(round_trip) < _ROUND_TRIP_PX).to(grey.dtype)
        trust = consistent * frames_known * confidence.clamp_min(_MIN_CONFIDENCE)
        moved = to_points(grid + flow[:count], size)
        points = to_points(grid, size)[0]  # (2,h,w)
        planes = dominant_planes(points, moved, trust[:count, 0], size, matrices)
        arrays = list(planes.cpu().double().numpy())
        if not self.with_flow:
            return [Link(array) for array in arrays]
        camera = _moved_both_ways(planes, grid) - grid
        known_in_both = frames_known * others_known
        useful = _usefulness(frames, others, known_in_both, camera + grid, flow + grid)
        # the residual is diffused into holes and occlusions
        whole = (camera + push_pull((flow - camera) * useful, trust)).half()
        return [
            Link(array, whole[i : i + 1], whole[count + i : count + i + 1])
            for i, array in enumerate(arrays)
        ]


def links_together(size: tuple[int, int]) -> int:
    """Return how many links are measured together at most, for frames reduced to a size."""
    return max(1, min(_MOST_LINKS, _LINK_PIXELS // (size[0] * size[1])))


def _moved_both_ways(matrices: Tensor, grid: Tensor) -> Tensor:
    """Move the pixels (1,2,h,w) of whole frames by homographies (N,3,3), and by their inverses."""
    return move_coords(torch.cat([matrices, torch.inverse(matrices)]), grid, size_of(grid))


def _usefulness(
    frames: Tensor, others: Tensor, known: Tensor, camera: Tensor, flow: Tensor
) -> Tensor:
    """Return (N,1,h,w) in [0,1] how much of the flow to use: 0 where it explains nothing.

    Noise in plain regions moves too; chained over many links it would become drift. Frames, others
    and what is known in both are (N,1,h,w), coordinates by homography and by flow (N,2,h,w).
    """
    before, after = (
        local_mean((sample_at(others, coords) - frames).square() * known, _GAIN_BLUR)
        for coords in (camera, flow)
    )
    is_useful = before - after > _LEAST_GAIN * before + _LEAST_REMOVED
    return local_mean(is_useful.to(frames.dtype), _GAIN_BLUR)
