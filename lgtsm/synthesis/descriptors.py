"""Patches as short vectors whose distance is how different they look."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, conv2d

from ..fills.averaging import size_of
from .level import RADIUS, Level, margins
from .texture import NUM_COLOURS

# set by hand on six removals of 432x240, not swept
_LENGTH = 24  # principal components; the 147 numbers of a patch search six times as slowly
_SAMPLE = 4096  # source patches from which they are found
_BRIGHTNESS = 0.7  # weight of a patch's mean colour, where 1 is that of plain squared differences
# squared difference, summed over a patch, that one picture's side of distance costs: what lies beside is
# likelier than what lies above, as scenes are layered; upwards 0.5, 5, 10, 20 tried on two removals
_UPWARDS, _SIDEWAYS = 5.0, 0.5
_GUIDANCE = 0.25  # weight of the colours that the hole's border suggests, as of a patch's mean


@dataclass(frozen=True)
class Descriptors:
    """Linear filters that describe patches.

    filters: (24,3,7,7) principal components of patches with damped brightness.
    guide: (3,h*w) mean colours that the border suggests for the patches around all pixels, weighted.
    """

    filters: Tensor
    guide: Tensor

    @classmethod
    def of(cls, level: Level) -> Descriptors:
        """Find the components of the source patches of one size."""
        step = max(1, len(level.sources) // _SAMPLE)
        rows, columns = level.patch_offsets()
        near = level.sources[::step, None] + rows * level.width + columns
        patches = level.values[near][..., :NUM_COLOURS]  # (M,49,3)
        damped = _damped(patches.transpose(1, 2)).flatten(1)
        centred = (damped - damped.mean(0)).double()
        # float64: the order of nearly equal components must not depend on the machine's rounding
        _, vectors = torch.linalg.eigh(centred.T @ centred)
        components = vectors[:, -_LENGTH:].T.to(patches.dtype)
        side = 2 * RADIUS + 1
        # damping is symmetric: the filters of damped patches are the damped components
        filters = _damped(components.unflatten(1, (3, side * side))).unflatten(2, (side, side))
        means = avg_pool2d(margins(level.guide), side, 1)
        return cls(filters, side * _GUIDANCE**0.5 * means[0].flatten(1))

    def describe(self, picture: Tensor) -> Tensor:
        """Return one vector a pixel, (h*w,31), of the patches around all pixels of (1,5,h,w)."""
        height, width = size_of(picture)
        colours, texture = picture[:, :NUM_COLOURS], picture[0, NUM_COLOURS:].flatten(1)
        described = conv2d(margins(colours), self.filters)[0].flatten(1)
        number = torch.arange(height * width, device=picture.device)
        down, right = number // width, number % width
        place = torch.stack([_UPWARDS**0.5 * down, _SIDEWAYS**0.5 * right]) / max(height, width)
        return torch.cat(
            [described, self.guide, (2 * RADIUS + 1) * texture, place.to(described.dtype)]
        ).T.contiguous()


def _damped(patches: Tensor) -> Tensor:
    """Weaken the mean of patches (M,3,49), colour by colour."""
    return patches - (1 - _BRIGHTNESS) * patches.mean(2, keepdim=True)
