"""What is added: evidence that lasts, moves with the object and is connected to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..masks.regions import Flags, closed, filled, grown, opened_flags, reached, regions, sums
from .evidence import Evidence
from .kinds import Addition
from .spread import Palette, palette_of, spread

# set by hand as in `evidence`, in pixels of the working size
_TOLERANCE = 6  # between the evidence of neighbouring frames, the object's motion subtracted
_NEAR = 4  # gap between an object and its shadow
_LEAST = 12  # area of an addition
_PENUMBRA = 6  # its width
_CLOSE = 2  # gaps that are closed
_SEED = 2  # distance from the mask at which a rim is more than mixed pixels


@dataclass(frozen=True)
class Found:
    """Additions of one frame, all (h,w).

    added: by kind, beside the mask and each other.
    perhaps: what may belong to the object, too, but is not added.
    palette: colours of its shadow, as of the last frame in which it was compared with its ground.
    """

    added: dict[Addition, Flags]
    perhaps: Flags
    palette: Palette | None = None


def decide(
    now: Evidence, around: Sequence[Evidence], before: Found | None, kinds: Sequence[Addition]
) -> Found:
    """Decide on one frame.

    Args:
        now: its evidence.
        around: that of the frames before and after it.
        before: what was found in the frame before.
        kinds: what may be added.
    """
    nothing = np.zeros_like(now.mask)
    if not now.mask.any():
        return Found(dict.fromkeys(kinds, nothing), nothing)
    added, palette = dict.fromkeys(kinds, nothing), before and before.palette
    if Addition.SHADOW in added:
        earlier = nothing if before is None else before.added[Addition.SHADOW]
        compared = _compared(now, around, earlier)
        palette = palette_of(now, compared) or palette
        added[Addition.SHADOW] = _shadow(now, compared, earlier, palette)
    if Addition.RIM in added:
        added[Addition.RIM] = _rim(now, around) & ~added.get(Addition.SHADOW, nothing)
    taken = now.mask.copy()
    for one in added.values():
        taken |= one
    core = opened_flags(now.perhaps & ~grown(taken, 2))
    lasting = _lasting(core, now, [(one, one.perhaps) for one in around])
    return Found(added, _large(lasting, 3 * _LEAST) & ~taken, palette)


def _compared(now: Evidence, around: Sequence[Evidence], earlier: Flags) -> Flags:
    """Return the cores of shadows that a comparison with other frames shows."""
    core = opened_flags(now.shadow)
    lasting = _lasting(core, now, [(one, opened_flags(one.shadow)) for one in around])
    connected = grown(now.mask, _NEAR) | grown(earlier, _TOLERANCE)
    return _large(lasting, _LEAST, touching=connected)


def _shadow(now: Evidence, seeds: Flags, earlier: Flags, palette: Palette | None) -> Flags:
    """Return the shadow around cores and what continues them, or that of the frame before."""
    if palette is not None:
        seeds = seeds | spread(now, seeds | earlier, palette)
    soft = reached(seeds, (now.penumbra | seeds) & grown(seeds, _PENUMBRA))
    whole = filled(closed(soft | now.mask, _CLOSE)) if seeds.any() else now.mask
    # nothing but what is next to the shadow: gaps of the object itself stay as they were painted
    return whole & grown(soft, _CLOSE) & ~now.mask


def _rim(now: Evidence, around: Sequence[Evidence]) -> Flags:
    lasting = _lasting(now.rim, now, [(one, one.rim) for one in around])
    seeds = _large(lasting & ~grown(now.mask, _SEED), _LEAST, touching=None)
    return reached(seeds, now.rim) & reached(now.mask, now.rim | now.mask) & ~now.mask


def _lasting(flags: Flags, now: Evidence, others: Sequence[tuple[Evidence, Flags]]) -> Flags:
    """Keep what the frames around show, too, at the same place beside the object."""
    votes = np.zeros(flags.shape, np.int64)
    count = 0
    for evidence, other in others:
        if evidence.mask.any():
            votes += grown(_moved(other, evidence.mask, now.mask), _TOLERANCE)
            count += 1
    return flags & (votes >= count - 1) if count else flags


def _moved(flags: Flags, mask: Flags, to: Flags) -> Flags:
    """Move flags by what brings the centre of one mask to that of another."""
    one, other = (np.argwhere(shape).mean(0) for shape in (mask, to))
    rows, columns = (int(step) for step in np.rint(other - one))
    height, width = flags.shape
    moved = np.zeros_like(flags)
    moved[max(rows, 0) : height + min(rows, 0), max(columns, 0) : width + min(columns, 0)] = flags[
        max(-rows, 0) : height + min(-rows, 0), max(-columns, 0) : width + min(-columns, 0)
    ]
    return moved


def _large(flags: Flags, least: int, *, touching: Flags | None = None) -> Flags:
    """Keep regions of at least an area that touch something."""
    numbers, count = regions(grown(flags, 1))
    keep = sums(flags, numbers, count) >= least
    if touching is not None:
        keep &= sums(touching, numbers, count) > 0
    keep[0] = False
    return keep[numbers] & flags
