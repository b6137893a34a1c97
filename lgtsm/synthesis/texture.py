"""How lively a picture is at each pixel, apart from its colours.

Small pictures and half-finished holes are smoother than the picture will be, so patches compared by
colour alone are matched with ever smoother ones. Mean gradients are found at full size and go through
all sizes and votes as two more channels (Newson et al. 2014, "Video inpainting of complex scenes",
section 3.3).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..fills.averaging import local_mean
from ..fills.smooth import smooth_fill

NUM_COLOURS = 3
"""Channels before those of the texture."""
_WEIGHT = (
    2.0  # of a gradient against a colour, by hand on six removals; the published 7 breaks a fence
)
_BLUR = 4  # repetitions of a 3x3 average over which gradients are averaged


def with_texture(picture: Tensor, hole: Tensor) -> Tensor:
    """Append the mean absolute gradient along rows and columns.

    Args:
        picture: (1,3,h,w) in [0,1], the hole filled with any guess.
        hole: (1,1,h,w) 0 or 1; gradients that touch it are left out, and filled smoothly inside.

    Returns:
        (1,5,h,w).
    """
    grey, known = picture.mean(1, keepdim=True), 1 - hole
    gradients: list[Tensor] = []
    usable: list[Tensor] = []
    for dim, beyond in ((-1, (0, 1, 0, 0)), (-2, (0, 0, 0, 1))):
        pairs = known.shape[dim] - 1
        gradients.append(pad(grey.diff(dim=dim).abs(), beyond))
        usable.append(pad(known.narrow(dim, 0, pairs) * known.narrow(dim, 1, pairs), beyond))
    gradient, use = torch.cat(gradients, 1), torch.cat(usable, 1)
    mean = local_mean(gradient * use, _BLUR) / local_mean(use, _BLUR).clamp_min(1e-6)
    return torch.cat([picture, smooth_fill(_WEIGHT * mean, hole)], 1)
