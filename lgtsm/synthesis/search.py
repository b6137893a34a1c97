"""The most similar source patch for every patch that the hole needs.

Sources that are used much cost more: without that, texture collapses to its smoothest part (Kaspar
et al. 2015, "Self tuning texture optimization", section 4.2). Small pictures are searched completely,
large ones by propagation and random trials from the matches found at half the size (Barnes et al.
2009, "PatchMatch", section 3.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from ..fills.averaging import size_of
from ..fills.depth import nearest_outside
from .level import RADIUS, Level

# set by hand on six removals of 432x240, not swept
_COMPLETE = 500_000  # pairs of patches up to which all are compared
_PIECE = 20_000_000  # pairs that are compared at once
_REPEAT = 0.02  # squared difference, summed over a patch, that costs one more use than the average
_MOST_USES = 20  # above the average, from which on further uses cost nothing
_JUMPS = (2, 4)  # pixels between needed patches whose matches are tried for each other
_TRIAL_PX = (1, 2, 4, 16)  # largest distance of a random trial, in pixels
_ROUNDS = 2  # of propagation and trials


@dataclass(frozen=True)
class Matches:
    """One source for every needed patch.

    sources: (N,) numbers of their centres, in the order of `Level.targets`.
    costs: (N,) how different the two look, squared and summed over a patch; inf is no match.
    """

    sources: Tensor
    costs: Tensor

    def on(self, level: Level, values: Tensor, default: float) -> Tensor:
        """Spread one value a needed patch over all pixels, (h*w,)."""
        whole = values.new_full((level.picture[0, 0].numel(),), default)
        whole[level.targets] = values
        return whole


def costs_of_use(level: Level, matches: Matches) -> Tensor:
    """Return what every source costs (h*w,) for being used more than others."""
    height, width = size_of(level.picture)
    uses = torch.bincount(matches.sources, minlength=height * width).to(level.picture.dtype)
    side = 2 * RADIUS + 1
    nearby = avg_pool2d(uses.view(1, 1, height, width), side, 1, RADIUS)
    average = max(len(level.targets) / len(level.sources), 1 / 20)
    return _REPEAT * (nearby.flatten() / average - 1).clamp(0, _MOST_USES)


def search(
    level: Level,
    needed: Tensor,
    offered: Tensor,
    use: Tensor,
    start: Matches | None,
    generator: torch.Generator,
) -> Matches:
    """Find matches.

    Args:
        level: the picture.
        needed: (h*w,D) descriptors of the picture with the guess so far.
        offered: (h*w,D) descriptors of the sources.
        use: (h*w,) see `costs_of_use`.
        start: earlier matches at this size; needed for large pictures.
        generator: on the CPU, for random trials.
    """
    if start is None or len(level.targets) * len(level.sources) <= _COMPLETE:
        return _search_all(level, needed, offered, use)
    return _search_nearby(level, needed, offered, use, start, generator)


def _search_all(level: Level, needed: Tensor, offered: Tensor, use: Tensor) -> Matches:
    """Compare all pairs."""
    candidates = offered[level.sources]
    fixed = (candidates.square().sum(1) + use[level.sources]) / 2
    found: list[Tensor] = []
    costs: list[Tensor] = []
    for part in needed[level.targets].split(max(1, _PIECE // len(candidates))):
        least = torch.addmm(fixed[None], part, candidates.T, alpha=-1).min(1)
        found.append(level.sources[least.indices])
        costs.append(2 * least.values + part.square().sum(1))
    return Matches(torch.cat(found), torch.cat(costs).clamp_min(0))


def _search_nearby(
    level: Level,
    needed: Tensor,
    offered: Tensor,
    use: Tensor,
    start: Matches,
    generator: torch.Generator,
) -> Matches:
    """Improve matches by those of neighbouring patches and by random ones close by."""
    (height, width), targets = size_of(level.picture), level.targets
    rows, columns = targets // width, targets % width
    wanted, best = needed[targets], start
    steps = [(y * j, x * j) for j in _JUMPS for y, x in ((0, 1), (0, -1), (1, 0), (-1, 0))]
    for _ in range(_ROUNDS):
        sources = best.on(level, best.sources, -1)
        tried: list[Tensor] = []
        for down, right in steps:
            y, x = (rows + down).clamp(0, height - 1), (columns + right).clamp(0, width - 1)
            match = sources[y * width + x]
            moved = match - (y - rows) * width - (x - columns)
            tried.append(torch.where(match >= 0, moved, -1))
        for most in _TRIAL_PX:
            step = torch.randint(-most, most + 1, (2, len(targets)), generator=generator)
            down, right = step.to(targets.device)
            y, x = best.sources // width + down, best.sources % width + right
            inside = (x >= 0) & (x < width)
            tried.append(torch.where(inside, y * width + x, -1))
        numbers = torch.stack([best.sources, *tried])
        costs = _costs(level, wanted, offered, use, numbers)
        least = costs.min(0)
        best = Matches(numbers.gather(0, least.indices[None])[0], least.values)
    return best


def rate(level: Level, needed: Tensor, offered: Tensor, sources: Tensor) -> Matches:
    """Return sources (N,) of the needed patches with their costs; descriptors as in `search`."""
    use = torch.zeros_like(offered[:, 0])
    costs = _costs(level, needed[level.targets], offered, use, sources[None])[0]
    return Matches(sources, costs)


def _costs(level: Level, wanted: Tensor, offered: Tensor, use: Tensor, numbers: Tensor) -> Tensor:
    """Return what candidates (K,N) cost for patches described by (N,D); inf where not a source."""
    safe = numbers.clamp(0, len(offered) - 1)
    usable = level.is_source[safe] & (numbers == safe)
    costs = (offered[safe] - wanted).square().sum(-1) + use[safe]
    return costs.masked_fill(~usable, torch.inf)


def enlarge_matches(level: Level, half: Level, matches: Matches) -> Tensor:
    """Return the sources (N,) that matches at half the size name at this one, else the nearest."""
    (height, width), (half_height, half_width) = size_of(level.picture), size_of(half.picture)
    rows, columns = level.targets // width, level.targets % width
    # the nearest patch that was needed at half the size
    sources = _nearest_needed(half, matches)
    near = (rows // 2).clamp_max(half_height - 1) * half_width + (columns // 2).clamp_max(
        half_width - 1
    )
    number, match = sources[0][near], sources[1][near]
    down = rows - 2 * (number // half_width)
    right = columns - 2 * (number % half_width)
    y, x = 2 * (match // half_width) + down, 2 * (match % half_width) + right
    inside = (match >= 0) & (y >= 0) & (y < height) & (x >= 0) & (x < width)
    found = torch.where(inside, y * width + x, 0)
    usable = inside & level.is_source[found]
    if bool(usable.all()):
        return found
    # lines vanish at half the size: what is beside them is the likeliest start
    near = nearest_outside(~level.is_source.view(height, width))[level.targets]
    return torch.where(usable, found, near)


def _nearest_needed(level: Level, matches: Matches) -> tuple[Tensor, Tensor]:
    """Return, for every pixel, a needed patch within two pixels and its match; -1 for none."""
    height, width = size_of(level.picture)
    number = matches.on(level, level.targets, -1).view(height, width)
    match = matches.on(level, matches.sources, -1).view(height, width)
    for dim in (0, 1):
        for shift in (1, -1, 2, -2):
            rolled = number.roll(shift, dim), match.roll(shift, dim)
            missing = number < 0
            number = torch.where(missing, rolled[0], number)
            match = torch.where(missing, rolled[1], match)
    return number.flatten(), match.flatten()
