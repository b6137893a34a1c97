"""Camera and pixel motion of a shot, link by link, and where a pixel lies in a far frame.

Every link joins neighbouring frames: a homography, and dense flow both ways where the homography
leaves something unexplained. Far frames are reached by following the links; only coords are
chained, pixels are always sampled once, from the frame that shows them. A link depends on its two
frames alone, so a streamed shot and a whole one give the same coords.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ..fills.averaging import halve, local_mean
from ..fills.smooth import push_pull
from .flow import dense_flow, length, pixel_grid, sample_at
from .homography import MIN_SIDE, align, to_grey
from .plane import dominant_plane
from .projective import apply_homography, normalised_grid

FLOW_SIDE = 480
"""Links measure flow at most at this size; coords are refined at full size afterwards."""
_PLAIN_ERROR = 0.012
"""Brightness difference (root mean square, about grain) a homography may leave without flow."""
_ROUND_TRIP_PX = 1.0
"""Forward and backward flow that disagree by more than this hide something from each other."""


@dataclass(frozen=True)
class Link:
    """Motion between a frame and the next one.

    matrix: (3,3) homography from the frame to the next one, normalised coordinates.
    error: root-mean-square difference that it leaves.
    forward, backward: (1,2,h',w') displacement in pixels of that size to and from the next frame;
        None where the homography explains all there is.
    """

    matrix: Tensor
    error: float
    forward: Tensor | None
    backward: Tensor | None


def to_coords(points: Tensor, size: tuple[int, int]) -> Tensor:
    """Turn normalised points (N,h,w,2) into pixel coords (N,2,h,w) of frames of a size."""
    height, width = size
    side = max(height, width)
    half = points.new_tensor([width / 2, height / 2])
    return (points * (side / 2) + half).permute(0, 3, 1, 2)


def to_points(coords: Tensor, size: tuple[int, int]) -> Tensor:
    """Turn pixel coords (N,2,h,w) of frames of a size into normalised points (N,h,w,2)."""
    height, width = size
    half = coords.new_tensor([width / 2, height / 2])
    return (coords.permute(0, 2, 3, 1) - half) * (2 / max(height, width))


FlowFunction = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
"""Frames, what is known of them, others, what is known of those, where to start."""


class Track:
    """Motion of one shot, frame by frame.

    Args:
        size: (height, width) of the frames.
        with_flow: keep dense flow, not only the homography that it leads to.
        measure: what measures it; see `flow.dense_flow`.
    """

    def __init__(
        self, size: tuple[int, int], *, with_flow: bool, measure: FlowFunction = dense_flow
    ) -> None:
        self.size, self.with_flow, self.measure = size, with_flow, measure
        self._links: dict[int, Link] = {}
        self._last: tuple[Tensor, Tensor] | None = None
        self._arrived = 0

    def push(self, frame: Tensor, hole: Tensor) -> None:
        """Take in the next frame (1,3,h,w) in [0,1] and its hole (1,1,h,w)."""
        known = 1 - hole
        grey = to_grey(frame) * known
        if self._last is not None:
            self._links[self._arrived - 1] = self._join(*self._last, grey, known)
        self._last = (grey, known)
        self._arrived += 1

    def link(self, t: int) -> Link:
        """Return the link from frame t to frame t + 1."""
        return self._links[t]

    def joins(self, t: int, s: int) -> bool:
        """Tell whether there are links all the way between two frames."""
        return all(u in self._links for u in range(min(t, s), max(t, s)))

    def forget(self, before: int) -> None:
        """Drop the links of frames earlier than this."""
        for t in [t for t in self._links if t < before]:
            del self._links[t]

    def homography(self, t: int, s: int) -> Tensor:
        """Return the chained (3,3) homography from frame t to frame s, normalised coordinates."""
        matrix = torch.eye(3, dtype=torch.float64)
        for u in range(min(t, s), max(t, s)):
            matrix = self._links[u].matrix.cpu().double() @ matrix
        if s < t:
            matrix = torch.linalg.inv(matrix)
        return (matrix / matrix[2, 2]).float()

    def coords(self, t: int, start: Tensor, step: int) -> Iterator[tuple[int, Tensor]]:
        """Follow pixels through the shot by dense flow.

        Args:
            t: frame to start from.
            start: (1,2,h,w) coords in frame t, in pixels.
            step: +1 to later frames, -1 to earlier ones.

        Yields:
            Frame number and coords (1,2,h,w) in it, as far as there are links.
        """
        here = start
        u = t if step > 0 else t - 1
        while u in self._links:
            link = self._links[u]
            flow = link.forward if step > 0 else link.backward
            if flow is None:
                matrix = link.matrix if step > 0 else torch.linalg.inv(link.matrix)
                here = self._by_homography(matrix, here)
            else:
                ratio = flow.shape[-1] / self.size[1]
                here = here + sample_at(flow, here * ratio) / ratio
            yield (u + 1 if step > 0 else u), here
            u += step

    def _by_homography(self, matrix: Tensor, coords: Tensor) -> Tensor:
        points = to_points(coords, self.size)
        moved = apply_homography(matrix[None], points.flatten(1, 2)).view_as(points)
        return to_coords(moved, self.size)

    def _join(self, grey: Tensor, known: Tensor, other: Tensor, other_known: Tensor) -> Link:
        """Measure the motion between two frames."""
        if min(self.size) < MIN_SIDE:
            return Link(torch.eye(3, device=grey.device), 0.0, None, None)
        found = align(grey, known, other, other_known)
        error = float(found.error)
        if error < _PLAIN_ERROR:
            return Link(found.matrix[0], error, None, None)
        ours, theirs = self._reduced(grey, known), self._reduced(other, other_known)
        size = ours[0].shape[-2:]
        grid = pixel_grid(*size, grey)
        points = normalised_grid(*size, grey)[None]
        camera = self._camera(found.matrix[0], points, size) - grid
        # both directions in one batch
        flow, sure = self.measure(
            torch.cat([ours[0], theirs[0]]),
            torch.cat([ours[1], theirs[1]]),
            torch.cat([theirs[0], ours[0]]),
            torch.cat([theirs[1], ours[1]]),
            camera,
        )
        back = flow + sample_at(flow.flip(0), grid + flow)
        agree = (length(back) < _ROUND_TRIP_PX).to(grey.dtype)
        trust = agree * torch.cat([ours[1], theirs[1]]) * sure.clamp_min(0.02)
        moved = to_points(grid + flow[:1], size)[0]
        plane = dominant_plane(points[0], moved, trust[0, 0], size, found.matrix[0])
        if not self.with_flow:
            return Link(plane, error, None, None)
        camera = self._camera(plane, points, size) - grid
        # inside holes and where the two directions differ, the rest motion is continued smoothly
        rest = (flow - camera) * self._share(ours, theirs, camera + grid, flow + grid)
        whole = camera + push_pull(rest, trust)
        return Link(plane, error, whole[:1], whole[1:])

    @staticmethod
    def _camera(matrix: Tensor, points: Tensor, size: tuple[int, int]) -> Tensor:
        """Return coords (2,2,h,w): forward by a homography, backward by its inverse."""
        both = torch.stack([matrix, torch.linalg.inv(matrix)])
        moved = apply_homography(both, points.flatten(1, 2).expand(2, -1, -1))
        return to_coords(moved.view(2, *points.shape[1:]), size)

    @staticmethod
    def _share(
        ours: tuple[Tensor, Tensor], theirs: tuple[Tensor, Tensor], camera: Tensor, flow: Tensor
    ) -> Tensor:
        """Return (2,1,h,w) how much of the rest motion to believe: none where it explains nothing.

        Noise in plain regions moves too; chained over many links it would become drift.
        """
        frames = torch.cat([ours[0], theirs[0]])
        others = torch.cat([theirs[0], ours[0]])
        known = torch.cat([ours[1], theirs[1]]) * torch.cat([theirs[1], ours[1]])
        left = []
        for coords in (camera, flow):
            difference = (sample_at(others, coords) - frames).square() * known
            left.append(local_mean(difference, 4))
        gain = left[0] - left[1]
        return local_mean((gain > 0.25 * left[0] + 4e-6).to(frames.dtype), 4)

    def _reduced(self, grey: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
        """Bring a frame to the size at which flow is measured."""
        while max(grey.shape[-2:]) > FLOW_SIDE:
            height, width = (side // 2 * 2 for side in grey.shape[-2:])
            grey, known = grey[..., :height, :width], known[..., :height, :width]
            mass = halve(known)
            grey = halve(grey * known) / mass.clamp_min(1e-6)
            known = (mass > 0.9).to(grey.dtype)
        return grey, known
