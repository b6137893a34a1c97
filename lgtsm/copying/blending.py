"""Candidates, blended: the fill to start from, how wrong it may be, and what it was made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..box import Box
from ..fills.candidate_fill import CandidateFill
from .blend_candidates import Blend, blend_candidates
from .blend_weights import MOTIONS
from .candidates import Candidates, CopySources, gather_candidates
from .key_frames import Backdrop
from .plates import best_of_plates
from .shot import Shot
from .source_frames import Search

# set by hand, not swept
_PLATE_ERROR = 0.01  # largest expected error of a plate: low enough that no network paints over it
_SYNTHESISED_ERROR = 0.001  # of key frames: equal in all frames, so not averaged in time
SEEN = 0.5
"""Weight of all copies below which no frame counts as showing a pixel; set by hand, not swept."""

SOURCES = ("smooth", *(motion.value for motion in MOTIONS), "synthesised", "unseen")
"""What a hole is filled from: the smooth fill, copies under each motion, synthesis, which sum to 1 with
plates; and the fraction of its pixels that neither a frame nor a plate shows."""


@dataclass(frozen=True)
class BlendedFill:
    """Candidate fill of one frame, on the part around its hole.

    box: the part.
    candidate: N = 1, on the part.
    source_fractions: `SOURCES`, mean weights inside the hole.
    sources: source frames of the copies, where asked for and copied from.
    """

    box: Box
    candidate: CandidateFill
    source_fractions: tuple[float, ...]
    sources: CopySources | None = None

    def on(self, frame: Tensor, part: Box) -> CandidateFill:
        """Return the candidate fill on another part; outside `box` it equals the frame.

        Args:
            frame: (1,3,h,w) of that part.
            part: of the frame.
        """
        common = self.box & part
        known = CandidateFill.of_known(frame)
        if common.is_empty:
            return known
        whole = known.joined()
        whole[(..., *common.within(part))] = self.candidate.joined()[
            (..., *common.within(self.box))
        ]
        return CandidateFill.of_joined(whole)


@dataclass(frozen=True)
class GatheredFill:
    """The blend of the candidates of one frame, before plates and key frames.

    box: the part.
    frame, hole: (1,3,h,w) and (1,1,h,w) of the part, its hole filled smoothly.
    blend: N = 1.
    sources: by kind of motion what the copies were made of; empty where not asked for.
    """

    box: Box
    frame: Tensor
    hole: Tensor
    blend: Blend
    sources: tuple[tuple[int, CopySources], ...] = ()


def gather_fills(
    shot: Shot,
    numbers: Sequence[int],
    search: Search,
    check: Callable[[], None] = lambda: None,
    *,
    with_sources: bool = False,
) -> dict[int, GatheredFill]:
    """Gather and blend the candidates for the holes of several frames.

    Args:
        shot: holds the frames and their windows.
        numbers: of the frames.
        search: which source frames are searched.
        check: called before each frame; what it raises ends the work.
        with_sources: return the source frames too, needed only where frames are reduced.

    Returns:
        By number of the frame; each is what it would be alone, and those without a hole have none.
    """
    found: dict[int, GatheredFill] = {}
    for group in gather_candidates(shot, numbers, search, check):
        fields = [group.frame, group.hole, *vars(blend_candidates(group)).values()]
        joined, channels = torch.cat(fields, 1), [field.shape[1] for field in fields]
        for i, (t, box, rim) in enumerate(zip(group.numbers, group.boxes, group.rims, strict=True)):
            own = joined[(slice(i, i + 1), ..., *rim.within(box))]
            frame, hole, *blend = torch.split(own, channels, 1)
            sources = _sources(group, i) if with_sources else ()
            found[t] = GatheredFill(rim, frame, hole, Blend(*blend), sources)
    return found


def blend_frame(
    shot: Shot,
    t: int,
    search: Search,
    backdrop: Backdrop | None = None,
    *,
    gathered: GatheredFill | None = None,
) -> BlendedFill | None:
    """Blend what is known about the hole of frame t.

    Args:
        shot: holds frame t and its window.
        t: the frame.
        search: which source frames are searched.
        backdrop: plates, which take precedence over the candidates, and key frames, which do not.
        gathered: candidates of the frame, where they are blended already.

    Returns:
        None for a frame without a hole.
    """
    backdrop = backdrop or Backdrop()
    gathered = gathered or gather_fills(shot, [t], search).get(t)
    if gathered is None:
        return None
    hole, box, blend = gathered.hole, gathered.box, gathered.blend
    plate = best_of_plates(backdrop.plates, shot, t, box)
    if plate is not None:
        plate_error = plate.error.sqrt().clamp_max(_PLATE_ERROR)
        blend = blend.covered(plate.colour, plate.shown, plate_error)
    unseen = hole * (blend.confidence < SEEN)
    layer = None
    if backdrop.key_frames is not None:
        layer = backdrop.key_frames.layer(shot, t, box, blend.fill, blend.confidence)
    if layer is not None:
        error = torch.full_like(blend.error, _SYNTHESISED_ERROR)
        blend = blend.covered(layer.colour, layer.weight, error)
    frame = gathered.frame
    candidate = CandidateFill(
        fill=torch.where(hole > 0, blend.fill, frame),
        plain=torch.where(hole > 0, blend.plain, frame),
        smooth=frame,
        copied=blend.copied,
        best=torch.where(hole > 0, blend.best, frame),
        error=blend.error * hole,
        confidence=blend.confidence * hole,
    )
    synthesised = torch.zeros_like(hole) if layer is None else layer.weight * hole
    parts = torch.cat([blend.weights * hole, synthesised, unseen], 1)
    shares = (parts.sum((0, 2, 3)) / hole.sum()).cpu().numpy()
    sources = _weighted_sources(gathered, blend.weights[:, 1:])
    return BlendedFill(
        box, candidate, tuple(map(float, shares)), _join(sources, layer and layer.sources)
    )


def _sources(group: Candidates, i: int) -> tuple[tuple[int, CopySources], ...]:
    """Return, by place in `MOTIONS`, the sources of the copies of a frame; weights sum to 1 over R."""
    copies = group.copies
    if copies is None:
        return ()
    # squared: the mean of several copies would blur their finest detail
    sharp = copies.consensus.weights.square()
    sharp = (sharp / sharp.sum(2, keepdim=True).clamp_min(1e-12))[i, :, :, None]
    both = torch.cat([copies.coords[i], sharp], 2)  # (K,R,3,P)
    box, rim, numbers = group.boxes[i], group.rims[i], copies.numbers[i]
    whole = both.new_zeros(*both.shape[:3], box.area)
    whole[..., group.pixels[i]] = both
    whole = whole.view(*both.shape[:3], box.height, box.width)[(..., *rim.within(box))]
    return tuple(
        (MOTIONS.index(motion), CopySources(rim, numbers, one[:, :2], one[:, 2:]))
        for motion, one in zip(copies.motions, whole, strict=True)
    )


def _weighted_sources(gathered: GatheredFill, weights: Tensor) -> CopySources | None:
    """Return the sources under the motion of most weight; None where nothing was copied.

    Copies under each motion weigh (1,3,h,w). The weights of the result sum over R to the pixel's
    total copy weight, 0 outside the hole.
    """
    if not gathered.sources:
        return None
    inside = weights * gathered.hole
    total = inside.sum((0, 2, 3))
    best = int(total.argmax())
    if float(total[best]) <= 0:
        return None
    sources = dict(gathered.sources)[best]
    # a view would keep those of all motions until the frame is composed
    coords = sources.coords.clone()
    return replace(sources, coords=coords, weights=sources.weights * inside.sum(1, keepdim=True))


def _join(one: CopySources | None, other: CopySources | None) -> CopySources | None:
    """Return the sources of both, on the same box."""
    if one is None or other is None:
        return one or other
    return CopySources(
        one.box,
        one.numbers + other.numbers,
        torch.cat([one.coords, other.coords]),
        torch.cat([one.weights, other.weights]),
    )
