"""What a pixel looks like: colour at three scales and the texture around it."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from kornia.color import rgb_to_lab
from torch import Tensor
from torch.nn.functional import pad

from ..fills.averaging import halve, local_mean

# set by hand on the eval clips; units are those of CIE Lab over `_SCALE`
_SCALE = 8.0
_LIGHTNESS = 0.5  # weight against the two colour channels, as light changes more than paint
_COLOUR = 1.2
_TEXTURE = 0.35


@dataclass(frozen=True)
class Look:
    """One frame at working size.

    lab: (1,3,h,w) CIE Lab, h and w multiples of 4.
    features: (1,12,h/2,w/2): Euclidean distances tell how different two places look.
    grey: (1,1,h/2,w/2) in [0,1].
    """

    lab: Tensor
    features: Tensor
    grey: Tensor


def look_at(frame: Tensor) -> Look:
    """Describe a frame (3,h,w) in [0,1], h and w multiples of 4."""
    lab = rgb_to_lab(frame[None].clamp(0, 1))
    small = halve(lab)
    near = local_mean(small, 2)
    wide = local_mean(near, 8)
    light = small[:, :1]
    across = pad(light[..., 2:] - light[..., :-2], (1, 1))
    down = pad(light[..., 2:, :] - light[..., :-2, :], (0, 0, 1, 1))
    slant = (across * down).sign() * (across * down).abs().sqrt()
    texture = local_mean(torch.cat([across.abs(), down.abs(), slant], 1), 3)
    weight = lab.new_tensor([_LIGHTNESS, _COLOUR, _COLOUR]).view(1, 3, 1, 1) / _SCALE
    colours = [0.6 * small * weight, 0.7 * near * weight, 0.7 * wide * weight]
    return Look(lab, torch.cat([*colours, texture * (_TEXTURE / _SCALE)], 1), light / 100)
