"""Which frames can be computed together, because their tensors have one shape."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Sequence


def alike(keys: Sequence[Hashable]) -> list[list[int]]:
    """Return the places of equal keys, for each key in order of appearance."""
    places: defaultdict[Hashable, list[int]] = defaultdict(list)
    for place, key in enumerate(keys):
        places[key].append(place)
    return list(places.values())
