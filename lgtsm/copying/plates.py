"""Plates: clean plates and painted frames, aligned to every frame of a shot.

A plate is aligned with each frame directly, starting from where it was in the frame before and from
the links of the shot, so one serves a shot of any length without drift. Plates take precedence over
all candidates: they are what the editor decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ..align.flow import dense_flow
from ..align.homography import align, to_grey
from ..align.projective import move_coords
from ..align.sampling import KNOWN, sample_at, sample_known
from ..align.track import PLAIN_ERROR
from ..box import Box
from ..errors import ShapeError
from .consensus import masked_local_mean, match_exposure
from .coords import box_grid
from .shot import Shot

# set by hand, not swept
_MAX_ERROR = 0.10  # brightness difference (root mean square, known pixels) of a plate that fits
_MAX_CONTRAST_FRACTION = 0.6  # the same over the frame's contrast: dark scenes are all alike
_MAX_STRETCH = 1.02  # largest ratio between the aspect ratios of a plate and of the clip


@dataclass(frozen=True)
class Plate:
    """A picture of the scene as it should look in the hole.

    picture: (3,h,w) float in [0,1], framed as the clip.
    frame: number of the frame it belongs to, from 0; None to find it by its content.
    """

    picture: Tensor
    frame: int | None = None


def check_plate(plate: Plate, size: tuple[int, int]) -> None:
    """Check that a plate fits frames of a size (height, width).

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
    if not 1 / _MAX_STRETCH < stretch < _MAX_STRETCH:
        raise ShapeError(
            f"Expected a plate framed as the clip ({size[1]}x{size[0]}), got "
            f"{width}x{height}; crop or pad it to the clip's shape."
        )


def resized_picture(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize a picture (3,h,w) to (height, width)."""
    if tuple(picture.shape[1:]) == tuple(size):
        return picture
    resized = interpolate(picture[None], size=tuple(size), mode="bicubic", antialias=True)
    return resized[0].clamp(0, 1)


@dataclass(frozen=True)
class WarpedPlate:
    """A plate warped to a part of a frame.

    colour: (1,3,h,w); shown: (1,1,h,w) 1 = the plate shows this pixel; error: (1,1,h,w) local
    squared difference to the frame.
    """

    colour: Tensor
    shown: Tensor
    error: Tensor


class PlacedPlate:
    """One plate in one shot.

    Args:
        picture: (1,3,h,w) at the size of the shot's frames.
        frame: number of its frame in the shot; None is unknown.
    """

    def __init__(self, picture: Tensor, frame: int | None) -> None:
        self.picture, self.frame = picture, frame
        self._grey = to_grey(picture)
        self._known = torch.ones_like(self._grey)
        self._last: tuple[int, Tensor] | None = None

    def locate(self, shot: Shot, t: int) -> tuple[Tensor, float] | None:
        """Return the (1,3,3) homography from frame t to the plate, and its error.

        Call it in the order of frames: each result is where the next search starts.

        Returns:
            None where the plate does not fit.
        """
        eye = torch.eye(3, device=self.picture.device)
        if t == self.frame:
            self._last = (t, eye)
            return eye[None], 0.0
        start = torch.stack([eye, *self._starts(shot, t)])
        others = self._grey.expand(len(start), -1, -1, -1)
        others_known = self._known.expand(len(start), -1, -1, -1)
        grey, known = shot[t].grey, shot[t].known
        found = align(grey * known, known, others, others_known, start)
        best = int(found.error.argmin())
        error = float(found.error[best])
        limit = min(_MAX_ERROR, _MAX_CONTRAST_FRACTION * _contrast(grey, known))
        if error > max(limit, PLAIN_ERROR):
            return None
        self._last = (t, found.matrix[best])
        return found.matrix[best][None], error

    def _starts(self, shot: Shot, t: int) -> list[Tensor]:
        """Return homographies (3,3) from frame t to the plate, as known so far."""
        track = shot.track
        starts: list[Tensor] = []
        if self._last is not None:
            s, matrix = self._last
            if track.connects(t, s):
                matrix = matrix @ track.homography(t, s).to(matrix.device)
            if track.connects(t, s) or not track.with_camera:
                starts.append(matrix)
        if self.frame is not None and track.connects(t, self.frame):
            starts.append(track.homography(t, self.frame).to(self.picture.device))
        return starts

    def warp(self, shot: Shot, t: int, box: Box) -> WarpedPlate | None:
        """Warp the plate to a part of frame t; None where it does not fit."""
        found = self.locate(shot, t)
        if found is None:
            return None
        matrix, left = found
        part = (..., box.rows, box.columns)
        frame, known = shot[t].frame[part], shot[t].known[part]
        if t == self.frame:  # its own frame: nothing is resampled or matched
            return WarpedPlate(self.picture[part], torch.ones_like(known), torch.zeros_like(known))
        grid = box_grid(box, frame)
        coords = move_coords(matrix, grid, shot.size)
        if left > PLAIN_ERROR and shot.track.with_flow:
            warped, seen = sample_known(torch.cat([self._grey, self._known], 1), coords)
            grey = shot[t].grey[part]
            flow, _ = dense_flow(grey * known, known, warped, seen, torch.zeros_like(grid))
            # flow is in pixels of the frame: apply it before the homography
            coords = move_coords(matrix, grid + flow, shot.size)
        colour = sample_at(self.picture, coords, mode="bicubic").clamp(0, 1)
        shown = (sample_at(self._known, coords, padding="zeros") > KNOWN).to(frame.dtype)
        colour = match_exposure(colour, frame, shown * known)
        error = (frame - colour).square().mean(1, keepdim=True)
        return WarpedPlate(colour, shown, masked_local_mean(error, shown * known))


def _contrast(grey: Tensor, known: Tensor) -> float:
    """Return the standard deviation of a frame's brightness where it is known."""
    count = known.sum().clamp_min(1)
    mean = (grey * known).sum() / count
    return float((((grey - mean) * known).square().sum() / count).sqrt())


def blend_plates(plates: Sequence[PlacedPlate], shot: Shot, t: int, box: Box) -> WarpedPlate | None:
    """Combine plates on a part of frame t, pixel by pixel the best one; None where none fits."""
    warped = [view for plate in plates if (view := plate.warp(shot, t, box)) is not None]
    if not warped:
        return None
    colour, shown, error = warped[0].colour, warped[0].shown, warped[0].error
    for other in warped[1:]:
        better = (other.shown > 0) & ((shown == 0) | (other.error < error))
        colour = torch.where(better, other.colour, colour)
        error = torch.where(better, other.error, error)
        shown = torch.maximum(shown, other.shown)
    return WarpedPlate(colour, shown, error)
