"""Motion of a shot, link by link, and where a far frame shows a pixel.

Every link joins neighbouring frames: a homography, and dense flow both ways where the homography
does not explain everything. Far frames are reached by chaining links; only coordinates are chained,
pixels are always sampled once, from the frame that shows them. A link depends on its two frames
alone, so a streamed shot and a whole one give the same coordinates.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ..fills.averaging import local_mean, size_of
from ..fills.smooth import push_pull
from .flow import dense_flow
from .homography import MIN_SIDE, align, to_grey
from .planes import dominant_plane
from .projective import apply_homography, move_coords
from .pyramid import reduce_known
from .sampling import length, normalised_grid, pixel_grid, sample_at, to_coords, to_points

FLOW_SIDE = 480
"""Longer side, in pixels, at which flow is measured at most; full size follows by refinement."""
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

    matrix: (3,3) homography from the frame to the next one, on normalised points.
    forward, backward: (1,2,h',w') displacement in pixels of that size to and from the next frame;
        None where the homography suffices.
    """

    matrix: Tensor
    forward: Tensor | None
    backward: Tensor | None


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
        self._last: tuple[Tensor, Tensor] | None = None
        self._arrived = 0

    def push(self, frame: Tensor, hole: Tensor) -> None:
        """Add the next frame (1,3,h,w) in [0,1] and its hole (1,1,h,w), 1 = hole."""
        if not self.with_camera:
            return
        known = 1 - hole
        grey = to_grey(frame) * known
        if self._last is not None:
            self._links[self._arrived - 1] = self._measure_link(*self._last, grey, known)
        self._last = (grey, known)
        self._arrived += 1

    def connects(self, t: int, s: int) -> bool:
        """Tell whether there are links all the way between two frames."""
        return all(u in self._links for u in range(min(t, s), max(t, s)))

    def forget(self, before: int) -> None:
        """Drop the links of frames earlier than this."""
        for t in [t for t in self._links if t < before]:
            del self._links[t]

    def homography(self, t: int, s: int) -> Tensor:
        """Return the chained (3,3) homography from frame t to frame s, on normalised points."""
        matrix = torch.eye(3, dtype=torch.float64)
        for u in range(min(t, s), max(t, s)):
            matrix = self._links[u].matrix.cpu().double() @ matrix
        if s < t:
            matrix = torch.inverse(matrix)
        return (matrix / matrix[2, 2]).float()

    def follow(self, t: int, start: Tensor, step: int) -> Iterator[tuple[int, Tensor]]:
        """Follow pixels through the shot by dense flow.

        Args:
            t: frame to start from.
            start: (1,2,h,w) coordinates in frame t, in pixels.
            step: +1 to later frames, -1 to earlier ones.

        Yields:
            Frame number and coordinates (1,2,h,w) in it, as far as there are links.
        """
        coords = start
        u = t if step > 0 else t - 1
        while u in self._links:
            link = self._links[u]
            flow = link.forward if step > 0 else link.backward
            if flow is None:
                matrix = link.matrix if step > 0 else torch.inverse(link.matrix)
                coords = move_coords(matrix[None], coords, self.size)
            else:
                ratio = flow.shape[-1] / self.size[1]
                coords = coords + sample_at(flow, coords * ratio) / ratio
            yield (u + 1 if step > 0 else u), coords
            u += step

    def _measure_link(
        self, grey: Tensor, known: Tensor, other: Tensor, other_known: Tensor
    ) -> Link:
        """Measure the motion between two frames."""
        if min(self.size) < MIN_SIDE:
            return Link(torch.eye(3, device=grey.device), None, None)
        found = align(grey, known, other, other_known)
        if float(found.error) < HOMOGRAPHY_SUFFICES_ERROR:
            return Link(found.matrix[0], None, None)
        first = reduce_known(grey, known, FLOW_SIDE)
        second = reduce_known(other, other_known, FLOW_SIDE)
        # both directions in one batch
        frames, frames_known = torch.cat([first[0], second[0]]), torch.cat([first[1], second[1]])
        others, others_known = torch.cat([second[0], first[0]]), torch.cat([second[1], first[1]])
        size = size_of(frames)
        grid = pixel_grid(*size, grey)
        points = normalised_grid(*size, grey)[None]
        camera = _moved_both_ways(found.matrix[0], points, size) - grid
        flow, confidence = self.measure(frames, frames_known, others, others_known, camera)
        round_trip = flow + sample_at(flow.flip(0), grid + flow)
        consistent = (length(round_trip) < _ROUND_TRIP_PX).to(grey.dtype)
        trust = consistent * frames_known * confidence.clamp_min(_MIN_CONFIDENCE)
        moved = to_points(grid + flow[:1], size)[0]
        plane = dominant_plane(points[0], moved, trust[0, 0], size, found.matrix[0])
        if not self.with_flow:
            return Link(plane, None, None)
        camera = _moved_both_ways(plane, points, size) - grid
        known_in_both = frames_known * others_known
        useful = _usefulness(frames, others, known_in_both, camera + grid, flow + grid)
        # the residual is diffused into holes and occlusions
        whole = camera + push_pull((flow - camera) * useful, trust)
        return Link(plane, whole[:1], whole[1:])


def _moved_both_ways(matrix: Tensor, points: Tensor, size: tuple[int, int]) -> Tensor:
    """Return coordinates (2,2,h,w) of points: by a homography (3,3), and by its inverse."""
    both = torch.stack([matrix, torch.inverse(matrix)])
    moved = apply_homography(both, points.flatten(1, 2).expand(2, -1, -1))
    return to_coords(moved.view(2, *points.shape[1:]), size)


def _usefulness(
    frames: Tensor, others: Tensor, known: Tensor, camera: Tensor, flow: Tensor
) -> Tensor:
    """Return (2,1,h,w) in [0,1] how much of the flow to use: 0 where it explains nothing.

    Noise in plain regions moves too; chained over many links it would become drift. Frames, others
    and what is known in both are (2,1,h,w), coordinates by homography and by flow (2,2,h,w).
    """
    before, after = (
        local_mean((sample_at(others, coords) - frames).square() * known, _GAIN_BLUR)
        for coords in (camera, flow)
    )
    is_useful = before - after > _LEAST_GAIN * before + _LEAST_REMOVED
    return local_mean(is_useful.to(frames.dtype), _GAIN_BLUR)
