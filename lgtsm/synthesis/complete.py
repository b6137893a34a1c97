"""Complete a picture: its hole becomes texture and structure from the rest of it, coarse to fine.

Every size of the picture alternates between finding the most similar source of every patch and
voting on the pixels (Wexler et al. 2007), from half sizes upwards. The same picture, hole and seed
give the same result.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..fills.averaging import enlarge, size_of
from ..fills.edges import continue_edges
from ..fills.smooth import smooth_fill
from .descriptors import Descriptors
from .level import Level, build_levels
from .peel import peel
from .seam import beside, membrane
from .search import Matches, costs_of_use, enlarge_matches, rate, search
from .texture import NUM_COLOURS, with_texture
from .vote import vote

# set by hand on six removals of 432x240, not swept
_ROUNDS = (10, 8, 6, 3, 2)  # of search and vote at the smallest size, the next, ...


@dataclass(frozen=True)
class Completion:
    """A completed picture.

    picture: (1,3,h,w) in [0,1], unchanged outside the hole.
    sources: (1,1,h,w) number of the pixel that each pixel of the hole was mainly taken from, in row
        order; -1 outside the hole and where nothing could be copied.
    """

    picture: Tensor
    sources: Tensor


def complete(picture: Tensor, hole: Tensor, trusted: Tensor, *, seed: int = 0) -> Completion:
    """Complete the hole of one picture.

    Args:
        picture: (1,3,h,w) in [0,1]; values in the hole are ignored.
        hole: (1,1,h,w) 0 or 1, 1 = to be completed.
        trusted: (1,1,h,w) 0 or 1, 1 = may be copied from; ignored in the hole.
        seed: of the random trials of the search.

    Returns:
        The completion; the smooth fill where no patch of the picture is trusted.
    """
    missing = hole > 0
    guess = continue_edges(smooth_fill(picture, hole), hole)
    sources = torch.full_like(hole, -1, dtype=torch.long)
    whole = Level.of(with_texture(guess, hole), guess, missing, (trusted > 0) & ~missing)
    if not missing.any() or not len(whole.sources):
        return Completion(guess, sources)
    generator = torch.Generator().manual_seed(seed)
    done: tuple[Level, Matches] | None = None
    for number, level in enumerate(reversed(build_levels(whole))):
        rounds = _ROUNDS[min(number, len(_ROUNDS) - 1)]
        done = _complete_level(level, done, rounds, generator)
    assert done is not None  # there is one level at least
    level, matches = done
    sources.view(-1)[level.pixels] = vote(level, matches, level.pixels)[1]
    return Completion(_without_seam(level, matches)[:, :NUM_COLOURS].clamp(0, 1), sources)


def _complete_level(
    level: Level, half: tuple[Level, Matches] | None, rounds: int, generator: torch.Generator
) -> tuple[Level, Matches]:
    """Complete one size, starting from half of it; the level returned holds the result."""
    descriptors = Descriptors.of(level)
    offered, start = descriptors.describe(level.picture), None
    if half is None:
        level = replace(level, picture=peel(level))
    else:
        guess = enlarge(half[0].picture, 2, size_of(level.picture))
        level = replace(level, picture=torch.where(level.hole, guess, level.picture))
        needed = descriptors.describe(level.picture)
        start = rate(level, needed, offered, enlarge_matches(level, *half))
        level = _voted(level, start)
    use = torch.zeros_like(offered[:, 0])
    for _ in range(rounds):
        start = search(level, descriptors.describe(level.picture), offered, use, start, generator)
        use = costs_of_use(level, start)
        level = _voted(level, start)
    assert start is not None  # rounds are 1 or more
    return level, start


def _voted(level: Level, matches: Matches) -> Level:
    """Return the level with new values in its hole."""
    values = level.values.clone()
    values[level.pixels] = vote(level, matches, level.pixels)[0]
    return replace(level, picture=values.T.reshape(level.picture.shape))


def _without_seam(level: Level, matches: Matches) -> Tensor:
    """Return the picture with small steps at the hole's border evened out, as votes show them there."""
    hole = level.hole.to(level.picture.dtype)
    pixels = beside(hole).flatten().nonzero()[:, 0]
    voted, main = vote(level, matches, pixels)
    step = torch.zeros_like(level.values)
    step[pixels] = level.values[pixels] - voted
    known = torch.zeros_like(level.depth)
    known[pixels[main >= 0]] = 1
    shape = level.picture.shape
    added = membrane(step.T.reshape(shape), known.view(1, 1, *shape[-2:]))
    return level.picture + added * hole
