"""One key frame: a completed frame, kept around the place that was synthesised, and warped to other frames."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..align.sampling import sample_at
from ..box import Box, hole_box
from ..fills.averaging import size_of
from .consensus import match_to_frame
from .moving_texture import CELL_PX, Texture, moved_detail
from .oversampling import coords_in_twice, twice
from .plates import PlacedPlate
from .shot import Shot
from .surroundings import judge

# set by hand, not swept
_LEAST_FITTING = 0.5  # part of a place that must fit for its key frame to count as fitting
_AROUND_PX = 64  # beside a place, in which a key frame is compared with other frames
_CORNER_PX = 4 * CELL_PX  # parts of key frames begin at multiples of this, whatever moves in cells


@dataclass(frozen=True)
class Warped:
    """A key frame on a part of a frame, (1,C,h,w) each.

    colour: its colours.
    whole: its place along the motion; place: as far as it fits the frame.
    coords: of the sources.
    """

    number: int
    colour: Tensor
    whole: Tensor
    place: Tensor
    coords: Tensor

    def follows(self, wanted: Tensor) -> bool:
        """Tell whether at least half of what is wanted (1,1,h,w) of its place fits."""
        fitting, whole = (float((wanted * x).sum()) for x in (self.place, self.whole))
        return fitting >= _LEAST_FITTING * whole


@dataclass(frozen=True)
class KeyFrame:
    """A completed frame.

    box: the part around its place of which all else is; outside it nothing is carried.
    fine: (1,3,2h,2w) its picture, to be sampled.
    place: (1,1,h,w) what was synthesised, 1 = synthesised.
    shift: (1,2,h,w) from such a pixel to the one it was taken from, in pixels, x then y.
    motion: (1,1,h,w) in [0,1], how far the texture around it moves by itself.
    detail: (1,3,h,w) of the picture, where something moves; see `Texture`.
    """

    plate: PlacedPlate
    box: Box
    fine: Tensor
    place: Tensor
    shift: Tensor
    motion: Tensor
    detail: Tensor | None = None

    @classmethod
    def of(
        cls,
        plate: PlacedPlate,
        place: Tensor,
        shift: Tensor,
        motion: Tensor,
        detail: Tensor | None = None,
    ) -> KeyFrame:
        """Keep what is needed of whole frames, (1,C,h,w) each."""
        frame = Box(0, 0, *size_of(place))
        box = ((hole_box(place) or frame).grow(_AROUND_PX) & frame).aligned(_CORNER_PX) & frame
        picture, place, shift, motion = (
            x[..., box.rows, box.columns].clone() for x in (plate.picture, place, shift, motion)
        )
        detail = None if detail is None else detail[..., box.rows, box.columns].clone()
        return cls(plate, box, twice(picture), place, shift, motion, detail)

    def warp(self, shot: Shot, t: int, box: Box, clear: Tensor) -> Warped | None:
        """Warp the key frame to a part of frame t; None where it does not fit.

        Args:
            shot: holds the frame.
            t: the frame.
            box: the part.
            clear: (1,1,h,w) 1 = compared, of the part: known, and not darkened by what the hole hides.
        """
        number, coords = self.plate.frame, self.plate.coords_from(shot, t, box)
        if coords is None or number is None:
            return None
        inside = coords - self._corner
        masks = torch.cat([torch.ones_like(self.place), self.place], 1)
        coverage, place = sample_at(masks, inside, padding="zeros").chunk(2, 1)
        from_pixel = coords + sample_at(self.shift, inside, mode="nearest")
        if t == number:
            colour = self._moved(self.plate.picture[..., box.rows, box.columns], shot, t, inside)
            place = (place > 0.5).to(place.dtype)
            return Warped(number, colour, place, place, from_pixel)
        colour = sample_at(self.fine, coords_in_twice(inside), mode="bicubic")
        colour, (frame, _) = self._moved(colour, shot, t, inside), shot[t].part(box)
        matched = match_to_frame(colour, coverage, frame, clear)
        fits = judge(matched, frame, clear).fits
        place = torch.where(place > 0.5, matched.shown, 0)
        return Warped(number, matched.colour, place, place * fits, from_pixel)

    def _moved(self, colour: Tensor, shot: Shot, t: int, inside: Tensor) -> Tensor:
        """Return colours (1,3,h,w) with their detail, where that moves, as it is in frame t.

        `inside` is where they are in `box`, (1,2,h,w).
        """
        if self.detail is None:
            return colour
        now = Texture.of(shot[t].pixels, shot[t].known)

        def to_now(coords: Tensor) -> Tensor:
            return self.plate.coords_back(shot, coords + self._corner)

        still = sample_at(self.detail, inside, mode="bicubic")
        moved = moved_detail(still, self.shift, inside, now, to_now)
        weight = sample_at(self.motion * self.place, inside, padding="zeros")
        return (colour + weight * (moved - still)).clamp(0, 1)

    @property
    def _corner(self) -> Tensor:
        """Coordinates (2,1,1) in the frame of the corner of `box`."""
        return self.shift.new_tensor([self.box.left, self.box.top])[:, None, None]
