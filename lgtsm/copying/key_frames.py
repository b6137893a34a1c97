"""Key frames: what no frame of a shot shows is synthesised once and carried along the motion.

The first frame in which such a place appears becomes a key frame: the place is completed from the
rest of that picture, and later frames copy it from there, aligned with the key frame directly, so that
one place has one texture for the whole shot and does not drift. A copy of real pixels always wins.
Before, neighbouring frames tell what can be carried at all (`surroundings`), and which texture moves by
itself (`moving_texture`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache, partial

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from ..align.sampling import pixel_grid
from ..box import Box
from ..fills.averaging import local_mean
from ..fills.depth import depth_in
from ..synthesis.complete import complete
from ..synthesis.synthesiser import Synthesiser
from .candidates import CopySources
from .fringe import dark_fringe
from .key_frame import KeyFrame, Warped
from .moving_texture import Texture
from .plates import PlacedPlate
from .shot import Shot
from .surroundings import Surroundings, judge_by_neighbours

# set by hand on eight removals of 432x240, not swept
_SURE, _UNSURE = 0.7, 0.4  # weight of copies from which none, and all of a pixel is synthesised
_TRUSTED = 0.9  # weight of copies from which a pixel of a hole may be copied from in turn
_MARGIN_PX = 2  # by which a synthesised place reaches under the copies around it
_THIN_PX = 3  # a place is worth a key frame where it is wider than twice this,
_LEAST_PART = 3e-4  # and what is left of it then is at least this fraction of the frame
_MOST = 6  # key frames that are kept
_SCRAP_PX = 2  # what is left of a place is dropped where it is no wider than twice this
_MOST_IN_VAIN = 2  # key frames of the last frames that do not fit, after which no more are made,
_RECENT = 24  # and how many frames these are: noise and strobes cannot be followed
_BEYOND_PX = 16  # beside a part of a frame, in which is looked for what is beyond its shadows
_EDGE_BLUR = 2  # repetitions of a 3x3 average that soften the edge of a synthesised place


@dataclass(frozen=True)
class Layer:
    """Synthesised pixels on a part of a frame.

    colour: (1,3,h,w) in [0,1].
    weight: (1,1,h,w) in [0,1], their part of a pixel.
    sources: key frames and where in them the pixels were taken from.
    """

    colour: Tensor
    weight: Tensor
    sources: CopySources


Carrier = Callable[[Tensor, Tensor, Sequence[Tensor], Sequence[Tensor]], Tensor]
"""A frame (1,3,h,w), its hole, key frames and displacements (1,2,h,w) to them; returns a frame."""


class KeyFrames:
    """The key frames of one shot, at most six.

    Args:
        first: number of the first frame that may be one.
        window: how many frames before and after a key frame may be read.
        synthesise_all: synthesise places of any size and on anything, not only those that would show and
            can be followed.
        seed: of the synthesis.
        found: told of every key frame and its place (1,1,h,w), 1 = shown by no frame; nothing is
            synthesised then, and the place keeps its fill. The choice of key frames is the same.
        synthesiser: completes the key frames.
        carry: paints a frame from them; None copies their pixels along the motion.
    """

    def __init__(
        self,
        first: int = 0,
        *,
        window: tuple[int, int] = (0, 0),
        synthesise_all: bool = False,
        seed: int = 0,
        found: Callable[[int, Tensor], None] | None = None,
        synthesiser: Synthesiser = complete,
        carry: Carrier | None = None,
    ) -> None:
        self.first, self.window, self.seed = first, window, seed
        self.synthesise_all = synthesise_all
        self.found, self.synthesiser, self.carry = found, synthesiser, carry
        self._kept: list[KeyFrame] = []

    def layer(self, shot: Shot, t: int, box: Box, fill: Tensor, confidence: Tensor) -> Layer | None:
        """Return what is synthesised in a part of frame t, making a key frame of it where due.

        Call it once for every frame with a hole, in order.

        Args:
            shot: holds the frame.
            t: the frame.
            box: the part.
            fill: (1,3,h,w) its fill without synthesis.
            confidence: (1,1,h,w) weight of the copies in it, 0..1.
        """
        part = (..., box.rows, box.columns)
        hole = 1 - shot[t].known[part]
        wanted = hole * ((_SURE - confidence) / (_SURE - _UNSURE)).clamp(0, 1)
        if not bool((wanted > 0).any()):
            return None
        clear = cache(partial(_without_fringe, shot, t, box))  # most frames need none
        warped = [x for key in self._kept if (x := key.warp(shot, t, box, clear())) is not None]
        colour, places = _stack(warped, fill)
        shown = places.sum(0, keepdim=True)
        missing = (wanted > 0.5) & (shown == 0)
        fitting = {x.number for x in warped if x.follows(wanted)}
        around = None
        if self._may_make_one(t, fitting) and self._is_worth_it(missing, shot.size):
            around = judge_by_neighbours(shot, t, box, self.window, clear())
        if around is not None and (
            self.synthesise_all or self._is_worth_it(missing & around.fits, shot.size)
        ):
            key = self._make(shot, t, box, colour, confidence, shown, around)
            self._keep(key, warped)
            own = key.warp(shot, t, box, clear())
            assert own is not None  # its own frame
            colour, places = _stack([*warped, own], fill)
            warped.append(own)
            shown = places.sum(0, keepdim=True)
        if not warped:
            return None
        if not self.synthesise_all:
            places = _without_scraps(places)
            shown = places.sum(0, keepdim=True)
        numbers, coords = tuple(x.number for x in warped), torch.cat([x.coords for x in warped])
        from_frames = 1.0
        if self.carry is not None and t not in numbers:
            colour, from_frames = self._painted(self.carry, shot, t, numbers)[part], 0.0
        soft = torch.minimum(shown, local_mean(shown + 1 - hole, _EDGE_BLUR).clamp(0, 1))
        weight = wanted * soft
        weights = places * weight * from_frames  # what is painted has no detail of a source
        return Layer(colour, weight, CopySources(box, numbers, coords, weights))

    def _painted(self, carry: Carrier, shot: Shot, t: int, numbers: Collection[int]) -> Tensor:
        """Return frame t (1,3,h,w) painted from the key frames that fit it."""
        frame, whole = shot[t], Box(0, 0, *shot.size)
        grid = pixel_grid(*shot.size, frame.known)
        pictures, starts = list[Tensor](), list[Tensor]()
        for key in self._kept:
            coords = key.plate.coords_from(shot, t, whole) if key.plate.frame in numbers else None
            if coords is not None:
                pictures.append(key.plate.picture)
                starts.append(coords - grid)
        return carry(frame.pixels, 1 - frame.known, pictures, starts)

    @property
    def numbers(self) -> tuple[int, ...]:
        """Frames of the shot that are key frames now."""
        return tuple(key.plate.frame for key in self._kept if key.plate.frame is not None)

    def _keep(self, key: KeyFrame, warped: Sequence[Warped]) -> None:
        """Keep a new key frame, where they are many in place of the one that shows least of its frame."""
        if len(self._kept) == _MOST:
            shown: dict[int | None, float] = {x.number: float(x.place.sum()) for x in warped}
            self._kept.remove(min(self._kept, key=lambda x: shown.get(x.plate.frame, 0.0)))
        self._kept.append(key)

    def _may_make_one(self, t: int, fitting: Collection[int]) -> bool:
        """Tell whether frame t may be a key frame, where some earlier ones fit it."""
        recent = [number for number in self.numbers if number > t - _RECENT]
        in_vain = [number for number in recent if number not in fitting]
        return t >= self.first and len(in_vain) < _MOST_IN_VAIN

    def _is_worth_it(self, missing: Tensor, size: tuple[int, int]) -> bool:
        """Tell whether a place (1,1,h,w) bool would show."""
        if self.synthesise_all:
            return bool(missing.any())
        depth = depth_in(missing.float(), _THIN_PX + 1, metric="chessboard")
        return int((depth > _THIN_PX).sum()) > _LEAST_PART * size[0] * size[1]

    def _make(
        self,
        shot: Shot,
        t: int,
        box: Box,
        fill: Tensor,
        confidence: Tensor,
        shown: Tensor,
        around: Surroundings,
    ) -> KeyFrame:
        """Complete frame t where neither copies nor earlier key frames show its hole."""
        frame, part = shot[t], (..., box.rows, box.columns)
        picture, place = frame.pixels.clone(), torch.zeros_like(frame.known)
        hole = 1 - frame.known[part]
        picture[part] = torch.where(hole > 0, fill, picture[part])
        unsure = (hole * (confidence < _SURE) * (shown == 0)).to(hole.dtype)
        side = 2 * _MARGIN_PX + 1
        place[part] = max_pool2d(unsure, side, 1, _MARGIN_PX) * hole * (shown == 0)
        known = 1 - place
        if not self.synthesise_all:
            place[part] = place[part] * around.fits
        motion = torch.zeros_like(place)
        motion[part] = around.motion
        grid, width = pixel_grid(*shot.size, picture), shot.size[1]
        if self.found is not None:
            self.found(t, place)
            shift = torch.zeros_like(grid)
            return KeyFrame.of(PlacedPlate(picture, t, known), place, shift, motion)
        trusted = frame.known.clone()
        trusted[part] = torch.maximum(trusted[part], (confidence > _TRUSTED).to(hole.dtype))
        fringe = dark_fringe(picture, 1 - frame.known, trusted * known) * known
        missing = torch.maximum(place, fringe)
        done = self.synthesiser(picture, missing, trusted * (1 - missing), seed=self.seed)
        completed = torch.where(place > 0, done.picture, picture)
        from_pixel = torch.cat([done.sources % width, done.sources // width], 1) + 0.5
        # where nothing could be copied there is no shift, and no detail in the band of a hole
        shift = torch.where(done.sources >= 0, from_pixel - grid, 0)
        moves = bool((motion * place).any())
        detail = Texture.of(completed, torch.ones_like(place)).detail if moves else None
        plate = PlacedPlate(completed, t, known)
        return KeyFrame.of(plate, place, shift, motion, detail)


def _without_fringe(shot: Shot, t: int, box: Box) -> Tensor:
    """Return what is known of a part of frame t and not darkened by what the hole hides, (1,1,h,w)."""
    around = box.grow(_BEYOND_PX) & Box(0, 0, *shot.size)
    pixels, known = shot[t].part(around)
    clear = known * (1 - dark_fringe(pixels, 1 - known, known))
    return clear[(..., *box.within(around))]


def _stack(warped: Sequence[Warped], fill: Tensor) -> tuple[Tensor, Tensor]:
    """Lay key frames over a fill (1,3,h,w), earlier ones on top.

    Returns:
        Colours (1,3,h,w), and the place (K,1,h,w) that each key frame shows.
    """
    free = torch.ones_like(fill[:, :1])
    colour, places = fill, [free[:0]]
    for one in warped:
        place = one.place * free
        colour = torch.where(place > 0, one.colour, colour)
        free = free - place
        places.append(place)
    return colour, torch.cat(places)


def _without_scraps(places: Tensor) -> Tensor:
    """Return places (K,1,h,w) without what is thin in all of them together: lines would show."""
    side = 2 * _SCRAP_PX + 1
    wide = -max_pool2d(-places.sum(0, keepdim=True), side, 1, _SCRAP_PX)
    return places * max_pool2d(wide, side, 1, _SCRAP_PX)


@dataclass(frozen=True)
class Backdrop:
    """What is known to be behind the holes of a shot besides its own frames.

    plates: pictures of the scene.
    key_frames: they synthesise what nothing shows; None leaves the smooth fill there.
    """

    plates: Sequence[PlacedPlate] = ()
    key_frames: KeyFrames | None = None
