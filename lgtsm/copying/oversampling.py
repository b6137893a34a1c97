"""Pictures at twice their size, to be sampled at any place with less loss of detail.

Pixels of the picture are among those of the enlarged one, so that nothing is lost where it is sampled at whole
pixels: a camera that stands still. Half-way between pixels bicubic interpolation loses more than the
windowed sinc does (`tests/copying/test_oversampling.py`).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad, pixel_shuffle

_LOBES = 3
"""Of the windowed sinc; the usual number."""


def twice(picture: Tensor) -> Tensor:
    """Enlarge (N,C,h,w) to (N,C,2h,2w) by the Lanczos filter (Duchon 1979), borders replicated.

    Every second row and column are those of the picture; see `coords_in_twice`. Values between them may
    overshoot by a little.
    """
    taps = torch.arange(-_LOBES, _LOBES + 1, dtype=picture.dtype, device=picture.device)
    at = taps - taps.new_tensor([[0.0], [0.5]])  # (2,7) from the two new pixels to the old ones
    weights = torch.sinc(at) * torch.sinc(at / _LOBES) * (at.abs() < _LOBES)
    weights = weights / weights.sum(1, keepdim=True)
    filters = weights[:, None, :, None] * weights[None, :, None, :]  # (2,2,7,7)
    padded = pad(picture, (_LOBES,) * 4, mode="replicate").flatten(0, 1)[:, None]
    enlarged = pixel_shuffle(conv2d(padded, filters.flatten(0, 1)[:, None]), 2)
    return enlarged.view(*picture.shape[:2], *enlarged.shape[-2:])


def coords_in_twice(coords: Tensor) -> Tensor:
    """Return where coordinates in a picture, in pixels, are in the enlarged one."""
    return 2 * coords - 0.5
