"""A shadow on ground that no frame shows without it: it goes on in the colours of what was found of it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ..masks.regions import Flags, closed, opened_flags, reached
from .evidence import Evidence

# set by hand on two real clips, at the working size
_COLOURS = 256  # of the shadow, and of the same ground without it, that are compared
_LEAST = 12  # pixels from which both are known
_LEG = 6  # half the width of what may stand between two parts of a shadow
_ALIKE = 0.12  # difference of logarithms of colours, root mean square over the channels
_ALIKE_SHARE = 0.5  # of that to the ground without the shadow


@dataclass(frozen=True)
class Palette:
    """What a shadow looks like: logarithms of colours (N,3), and of the same ground without it."""

    shaded: Tensor
    lit: Tensor


def palette_of(now: Evidence, shadow: Flags) -> Palette | None:
    """Return the colours of a shadow (h,w) that was found by comparison; None where it is too small."""
    rows, columns = (torch.from_numpy(places) for places in shadow.nonzero())
    if len(rows) < _LEAST:
        return None
    step = -(-len(rows) // _COLOURS)
    places = (slice(None), rows[::step], columns[::step])
    return Palette(now.colours[places].T, now.background[places].T)


def spread(now: Evidence, seeds: Flags, palette: Palette) -> Flags:
    """Return (h,w) what continues seeds where nothing is sure, in the colours of a palette."""
    wanted = torch.from_numpy(now.unsure)
    colours = now.colours[:, wanted].T
    # the norm of three channels against their root mean square
    shaded, lit = (torch.cdist(colours, x).amin(1) / 3**0.5 for x in (palette.shaded, palette.lit))
    like = torch.zeros_like(wanted)
    like[wanted] = (shaded < _ALIKE) & (shaded < _ALIKE_SHARE * lit)
    inside = opened_flags(like.numpy())
    behind = closed(inside, _LEG) & now.mask
    return reached(seeds & inside, inside | behind) & inside
