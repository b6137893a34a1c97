"""Find an object again that was gone or covered: by what it looked like when it was painted."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ..align.sampling import pixel_grid
from ..fills.averaging import local_mean, size_of
from ..masks.regions import regions
from .memory import Remembered, nearest

# set by hand on rendered scenes
_DECIDED = 0.15  # difference of distances that decides, in features
_SURE = 0.8  # share from which on a place looks like the object
_LEAST = 0.15  # area that must be seen, over that of the painted object


def find_again(features: Tensor, painted: Remembered, area: float) -> Tensor | None:
    """Look for the object anywhere in a frame.

    Args:
        features: (1,D,h,w) of the frame.
        painted: what the object and its surroundings looked like.
        area: of the painted object, in the same pixels.

    Returns:
        (1,1,h,w) in [0,1] that each place belongs to it, 0 outside its largest region; None where nothing
        is large enough.
    """
    grid = pixel_grid(*size_of(features), features)
    looks, places = (x.flatten(2)[0].T for x in (features, grid))
    inside, outside = nearest(looks, places, painted, 0.0)
    share = ((outside - inside) / _DECIDED).sigmoid().view(1, 1, *size_of(features))
    share = local_mean(share, 2)
    numbers, count = regions((share[0, 0] > _SURE).numpy())
    areas = np.bincount(numbers.ravel(), minlength=count + 1)
    areas[0] = 0
    largest = int(areas.argmax())
    if areas[largest] < _LEAST * area:
        return None
    return share * torch.from_numpy(numbers == largest)
