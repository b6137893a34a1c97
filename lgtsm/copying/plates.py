"""Plates: clean plates and painted frames, aligned to every frame of a shot.

A plate is aligned with each frame directly, starting from where it was in the frame before and from
the links of the shot, so one serves a shot of any length without drift. Plates take precedence over
all candidates: they are what the editor decided.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from numbers import Integral

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ..align.flow import dense_flow
from ..align.homography import align, to_grey
from ..align.projective import move_coords
from ..align.sampling import sample_at, sample_known
from ..align.track import HOMOGRAPHY_SUFFICES_ERROR
from ..box import Box
from ..clip_tensors import describe, is_clip_tensor, is_mask_tensor
from ..errors import ShapeError, shown
from ..fills.candidate_fill import map_tensors
from .consensus import WarpedPixels, match_to_frame
from .coords import Target, box_grid, flow_beyond_camera
from .shot import Shot

# set by hand, not swept
_MAX_ERROR = 0.10  # brightness difference (root mean square, known pixels) of a plate that fits
_MAX_CONTRAST_FRACTION = 0.6  # the same over the frame's contrast: dark scenes are all alike
_GAINS = (0.85, 1.2)  # limits of a plate's contrast against a frame's; more is other content
_MAX_STRETCH = 1.02  # largest ratio between the aspect ratios of a plate and of the clip


@dataclass(frozen=True)
class Plate:
    """A picture of the scene as it should look in the hole.

    picture: (3,h,w) float in [0,1], framed as the clip.
    frame: number of the frame it belongs to, from 0; None to find it by its content.
    mask: (1,h,w) in [0,1], above 0.5 = the part that goes into holes, framed as the clip, of any
        size; None is all of it.
    """

    picture: Tensor
    frame: int | None = None
    mask: Tensor | None = None


def check_plate(plate: Plate, size: tuple[int, int]) -> None:
    """Check that a plate fits frames of a size (height, width).

    Raises:
        ShapeError: not a picture, or of another shape than the frames.
    """
    picture = plate.picture
    is_picture = is_clip_tensor(picture) and picture.dim() == 3 and picture.shape[0] == 3
    if not is_picture or not picture.numel() or not torch.isfinite(picture).all():
        raise ShapeError(
            f"Expected a plate (3,h,w) as finite floats in 0..1, got {describe(picture)}; convert "
            "it to RGB floats."
        )
    number: object = plate.frame
    if number is not None and not isinstance(number, Integral):
        raise ShapeError(
            f"Expected the frame number of a plate, got {shown(number)}; count from 0."
        )
    mask = plate.mask
    if mask is not None:
        is_mask = is_mask_tensor(mask) and mask.dim() == 3 and mask.shape[0] == 1
        if not is_mask or not mask.numel() or not torch.isfinite(mask).all():
            raise ShapeError(
                f"Expected the mask of a plate (1,h,w) in 0..1, got {describe(mask)}; convert it, or "
                "leave it out."
            )
    for name, part in (("a plate", picture), ("the mask of a plate", mask)):
        if part is None:
            continue
        height, width = part.shape[1:]
        stretch = (width / height) / (size[1] / size[0])
        if not 1 / _MAX_STRETCH < stretch < _MAX_STRETCH:
            raise ShapeError(
                f"Expected {name} framed as the clip ({size[1]}x{size[0]}), got "
                f"{width}x{height}; crop or pad it to the clip's shape."
            )


def resize_picture(picture: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize a picture or mask (C,h,w) to (height, width)."""
    if tuple(picture.shape[1:]) == tuple(size):
        return picture
    resized = interpolate(picture[None], size=tuple(size), mode="bicubic", antialias=True)
    return resized[0].clamp(0, 1)


class PlacedPlate:
    """One plate in one shot.

    Args:
        picture: (1,3,h,w) at the size of the shot's frames.
        frame: number of its frame in the shot; None is unknown.
        known: (1,1,h,w) 1 = frames are aligned with this pixel; None is all of them.
        part: (1,1,h,w) 0 or 1, 1 = goes into holes; None is all of it.
    """

    def __init__(
        self,
        picture: Tensor,
        frame: int | None,
        known: Tensor | None = None,
        part: Tensor | None = None,
    ) -> None:
        self.picture, self.frame = picture, frame
        grey = to_grey(picture)
        self._known = torch.ones_like(grey) if known is None else known
        # what is not known must not reach its neighbours where they are sampled
        self._grey = grey * self._known
        everywhere = grey.new_ones(1, 1, 1, 1).expand_as(grey)  # takes no memory
        self._part = everywhere if part is None else part
        self._last: tuple[int, Tensor] | None = None
        self._flow: tuple[int, Box, Tensor] | None = None

    def _locate(self, shot: Shot, t: int) -> Tensor | None:
        """Return the (1,3,3) homography from frame t to the plate, or None: no fit."""
        identity = torch.eye(3, device=self.picture.device)
        if t == self.frame:
            self._last = (t, identity)
            return identity[None]
        start = torch.stack([identity, *self._starts(shot, t)])
        others = self._grey.expand(len(start), -1, -1, -1)
        others_known = self._known.expand(len(start), -1, -1, -1)
        known, grey = shot[t].known, to_grey(shot[t].pixels)
        found = align(grey * known, known, others, others_known, start)
        best = int(found.error.argmin())
        error = float(found.error[best])
        limit = min(_MAX_ERROR, _MAX_CONTRAST_FRACTION * _contrast(grey, known))
        if error > max(limit, HOMOGRAPHY_SUFFICES_ERROR):
            return None
        self._last = (t, found.matrix[best])
        return found.matrix[best][None]

    def _starts(self, shot: Shot, t: int) -> list[Tensor]:
        """Return homographies (3,3) from frame t to the plate, as known so far."""
        track = shot.track
        starts: list[Tensor] = []
        if self._last is not None:
            s, matrix = self._last
            if track.connects(t, s):
                starts.append(matrix @ track.homographies(t, [s])[0].to(matrix))
            elif not track.with_camera:
                starts.append(matrix)
        if self.frame is not None and track.connects(t, self.frame):
            starts.append(track.homographies(t, [self.frame])[0].to(self.picture))
        return starts

    def coords_from(self, shot: Shot, t: int, box: Box) -> Tensor | None:
        """Return where the pixels of a part of frame t are in the plate, (1,2,h,w); None: no fit.

        Call it in the order of frames: each result is where the next search starts.
        """
        found = self._locate(shot, t)
        if found is None:
            return None
        grid = box_grid(box, self.picture)
        if t == self.frame:
            return grid
        coords = move_coords(found, grid, shot.size)
        if not shot.track.with_flow:
            return coords
        # things that move by themselves beside a hole take what is behind it along
        warped, warped_known = sample_known(torch.cat([self._grey, self._known], 1), coords)
        frame, known = shot[t].part(box)
        grey = to_grey(frame)
        both = warped_known * known
        warped = _brightness_matched(warped, grey, both) * warped_known
        error = float((both * (grey - warped).square()).sum() / both.sum().clamp_min(1)) ** 0.5
        if error > HOMOGRAPHY_SUFFICES_ERROR:
            start = self._start_of_flow(shot, t, box, grid)
            flow, _ = dense_flow(grey * known, known, warped, warped_known, start)
            self._flow = t, box, flow
            # flow is in pixels of the frame: apply it before the homography
            coords = move_coords(found, grid + flow, shot.size)
        return coords

    def coords_back(self, shot: Shot, coords: Tensor) -> Tensor:
        """Return where pixels of the plate are in the frame that was aligned last, by the camera alone.

        Args:
            shot: of the frame.
            coords: (1,2,h,w) in the plate.
        """
        if self._last is None:
            return coords
        return move_coords(torch.inverse(self._last[1])[None], coords, shot.size)

    def _start_of_flow(self, shot: Shot, t: int, box: Box, grid: Tensor) -> Tensor:
        """Return flow (1,2,h,w) on a part of frame t, of pixels `grid`, as far as it is known.

        Along the links of the shot; where these do not reach so far, the flow of the frame before.
        """
        if self.frame is not None and self.frame in shot and shot.track.connects(t, self.frame):
            target = Target(shot, t, box, [self.frame])
            return flow_beyond_camera(target)
        flow = torch.zeros_like(grid)
        if self._flow is not None:
            s, before, values = self._flow
            common = before & box
            if s == t - 1 and min(common.height, common.width) > 0:
                flow[(..., *common.within(box))] = values[(..., *common.within(before))]
        return flow

    def warp(self, shot: Shot, t: int, box: Box) -> WarpedPixels | None:
        """Warp the plate to a part of frame t; None where it does not fit."""
        coords = self.coords_from(shot, t, box)
        if coords is None:
            return None
        part = (..., box.rows, box.columns)
        frame, known = shot[t].part(box)
        if t == self.frame:  # its own frame: nothing is resampled or matched
            return WarpedPixels(self.picture[part], self._part[part], torch.zeros_like(known))
        colour = sample_at(self.picture, coords, mode="bicubic")
        masks = torch.cat([torch.ones_like(self._part), self._part], 1)
        coverage, wanted = sample_at(masks, coords, padding="zeros").chunk(2, 1)
        warped = match_to_frame(colour, coverage, frame, known)
        return replace(warped, shown=warped.shown * (wanted > 0.5))


def _brightness_matched(values: Tensor, wanted: Tensor, both: Tensor) -> Tensor:
    """Return grey values (1,1,h,w) with the gain and offset that fit them to others by least squares.

    Args:
        values: (1,1,h,w).
        wanted: (1,1,h,w).
        both: (1,1,h,w) 1 = known in both.
    """
    count = both.sum().clamp_min(1)
    mean, wanted_mean = (values * both).sum() / count, (wanted * both).sum() / count
    from_mean = (values - mean) * both
    variance = from_mean.square().sum().clamp_min(1e-6)
    gain = ((from_mean * (wanted - wanted_mean)).sum() / variance).clamp(*_GAINS)
    return gain * (values - mean) + wanted_mean


def _contrast(grey: Tensor, known: Tensor) -> float:
    """Return the standard deviation of a frame's brightness where it is known."""
    count = known.sum().clamp_min(1)
    mean = (grey * known).sum() / count
    return float((((grey - mean) * known).square().sum() / count).sqrt())


def best_of_plates(
    plates: Sequence[PlacedPlate], shot: Shot, t: int, box: Box
) -> WarpedPixels | None:
    """Return the best plate of each pixel on a part of frame t; None where none fits."""
    warped = [x for plate in plates if (x := plate.warp(shot, t, box)) is not None]
    if not warped:
        return None
    best = warped[0]
    for other in warped[1:]:
        better = (other.shown > 0) & ((best.shown == 0) | (other.error < best.error))
        best = map_tensors(functools.partial(torch.where, better), other, best)
    return best
