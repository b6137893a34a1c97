"""Reference pictures: a clean plate or a painted frame, brought to every frame of a shot.

A picture is aligned with each frame directly, starting from where it lay in the frame before and
from the links of the shot, so it serves a shot of any length without drift. What it shows goes
before everything else: it is what the editor decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ..align.flow import dense_flow, sample_at
from ..align.homography import align, to_grey
from ..align.projective import apply_homography
from ..align.track import to_coords, to_points
from ..box import Box
from ..errors import ShapeError
from .consensus import match_exposure, spread_cells
from .coords import crop_grid
from .shot import Shot

_MOST_ERROR = 0.10
"""Brightness difference (root mean square on known pixels) above which a picture does not fit."""
_MOST_SHARE = 0.6
"""The same as a share of the frame's own contrast: any two dark scenes are alike in brightness."""
_PLAIN_ERROR = 0.012
_MOST_STRETCH = 1.02


@dataclass(frozen=True)
class Plate:
    """A picture of the scene as it should look in the hole.

    picture: (3,h,w) float in [0,1], framed as the clip.
    frame: number of the frame it belongs to, from 0; None where it is to be found by its content.
    """

    picture: Tensor
    frame: int | None = None


def check_plate(plate: Plate, size: tuple[int, int]) -> None:
    """Check that a picture can stand for frames of a size (height, width).

    Raises:
        ShapeError: not a picture, or of another shape than the frames.
    """
    picture = plate.picture
    if picture.dim() != 3 or picture.shape[0] != 3 or not picture.is_floating_point():
        raise ShapeError(
            f"Expected a plate (3,h,w) as floats in 0..1, got {tuple(picture.shape)} "
            f"of {picture.dtype}; convert it to RGB floats."
        )
    height, width = picture.shape[1:]
    stretch = (width / height) / (size[1] / size[0])
    if not 1 / _MOST_STRETCH < stretch < _MOST_STRETCH:
        raise ShapeError(
            f"Expected a plate framed as the clip ({size[1]}x{size[0]}), got "
            f"{width}x{height}; crop or pad it to the clip's shape."
        )


def resized_picture(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """Bring a picture (3,h,w) to another size (height, width)."""
    if tuple(picture.shape[1:]) == tuple(size):
        return picture
    return interpolate(picture[None], size=tuple(size), mode="bicubic", antialias=True)[0].clamp(
        0, 1
    )


class PlacedPlate:
    """One reference picture in one shot.

    Args:
        picture: (1,3,h,w) at the size of the shot's frames.
        frame: number of its frame in the shot; None is unknown.
    """

    def __init__(self, picture: Tensor, frame: int | None) -> None:
        self.picture, self.frame = picture, frame
        self._grey = to_grey(picture)
        self._known = torch.ones_like(self._grey)
        self._last: tuple[int, Tensor] | None = None

    def find(self, shot: Shot, t: int) -> tuple[Tensor, float] | None:
        """Return the (1,3,3) homography from frame t to the picture and what it leaves; or None.

        Call it frame by frame, in order: each answer is where the next search begins.
        """
        shot_frame = shot[t]
        eye = torch.eye(3, device=self.picture.device)
        if t == self.frame:
            self._last = (t, eye)
            return eye[None], 0.0
        starts = [eye]
        if self._last is not None and shot.track is not None:
            s, matrix = self._last
            if shot.track.joins(t, s):
                starts.append(matrix @ shot.track.homography(t, s).to(eye.device))
        elif self._last is not None:
            starts.append(self._last[1])
        if self.frame is not None and shot.track is not None and shot.track.joins(t, self.frame):
            starts.append(shot.track.homography(t, self.frame).to(eye.device))
        start = torch.stack(starts)
        others = self._grey.expand(len(starts), -1, -1, -1)
        known = self._known.expand(len(starts), -1, -1, -1)
        found = align(shot_frame.grey * shot_frame.known, shot_frame.known, others, known, start)
        best = int(found.error.argmin())
        error = float(found.error[best])
        limit = min(_MOST_ERROR, _MOST_SHARE * _contrast(shot_frame.grey, shot_frame.known))
        if error > max(limit, _PLAIN_ERROR):
            return None
        self._last = (t, found.matrix[best])
        return found.matrix[best][None], error

    def show(self, shot: Shot, t: int, box: Box) -> tuple[Tensor, Tensor, Tensor] | None:
        """Bring the picture to a part of frame t.

        Returns:
            colour (1,3,h,w), shown (1,1,h,w) and squared error around here (1,1,h,w); None where
            the picture does not fit.
        """
        found = self.find(shot, t)
        if found is None:
            return None
        matrix, left = found
        part = (..., box.rows, box.columns)
        frame, known = shot[t].frame[part], shot[t].known[part]
        if t == self.frame:  # the very picture: nothing is resampled or matched
            return self.picture[part], torch.ones_like(known), torch.zeros_like(known)
        grid = crop_grid(box, frame)
        points = to_points(grid, shot.size)
        moved = apply_homography(matrix, points.flatten(1, 2)).view_as(points)
        coords = to_coords(moved, shot.size)
        inside = torch.cat([self._grey, self._known], 1)
        if left > _PLAIN_ERROR and shot.track is not None and shot.track.with_flow:
            warped = sample_at(inside, coords, padding="zeros")
            seen = (warped[:, 1:] > 0.99).to(frame.dtype)
            grey = shot[t].grey[part]
            rest, _ = dense_flow(grey * known, known, warped[:, :1], seen, torch.zeros_like(grid))
            # the rest motion is in pixels of the frame: follow it before the homography
            points = to_points(grid + rest, shot.size)
            moved = apply_homography(matrix, points.flatten(1, 2)).view_as(points)
            coords = to_coords(moved, shot.size)
        colour = sample_at(self.picture, coords, mode="bicubic").clamp(0, 1)
        shown = (sample_at(self._known, coords, padding="zeros") > 0.99).to(frame.dtype)
        colour = match_exposure(colour, frame, shown * known)
        error = (frame - colour).square().mean(1, keepdim=True)
        return colour, shown, spread_cells(error, shown * known)


def _contrast(grey: Tensor, known: Tensor) -> float:
    """Return the standard deviation of a frame's brightness where it is known."""
    count = known.sum().clamp_min(1)
    mean = (grey * known).sum() / count
    return float((((grey - mean) * known).square().sum() / count).sqrt())


def show_best(
    plates: Sequence[PlacedPlate], shot: Shot, t: int, box: Box
) -> tuple[Tensor, Tensor, Tensor] | None:
    """Return what the best fitting pictures show of a part of frame t; see `Plate.show`."""
    views = [view for plate in plates if (view := plate.show(shot, t, box)) is not None]
    if not views:
        return None
    colour, shown, error = views[0]
    for other_colour, other_shown, other_error in views[1:]:
        better = (other_shown > 0) & ((shown == 0) | (other_error < error))
        colour = torch.where(better, other_colour, colour)
        error = torch.where(better, other_error, error)
        shown = torch.maximum(shown, other_shown)
    return colour, shown, error
