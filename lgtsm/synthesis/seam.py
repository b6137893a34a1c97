"""Small steps at the border of a completed hole, evened out; larger ones are edges.

A membrane (Perez et al. 2003, "Poisson image editing") through the differences between a picture and
its completion on known pixels beside the hole.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import max_pool2d

from ..fills.smooth import push_pull

# set by hand on six removals of 432x240, not swept
_SEAM_PX = 2  # known pixels around the hole on which completion and picture are compared
_MAX_SEAM = 0.06  # brightness step at the border that is evened out; more is an edge


def beside(hole: Tensor) -> Tensor:
    """Return (1,1,h,w) bool: known pixels beside a hole (1,1,h,w) of 0 and 1."""
    return (max_pool2d(hole, 2 * _SEAM_PX + 1, 1, _SEAM_PX) > 0) & (hole == 0)


def membrane(step: Tensor, known: Tensor) -> Tensor:
    """Return what evens out a seam, (1,3,h,w) to be added in the hole.

    Args:
        step: (1,3,h,w) picture minus completion, where that is known.
        known: (1,1,h,w) 1 = known.
    """
    return push_pull(step.clamp(-_MAX_SEAM, _MAX_SEAM), known)
