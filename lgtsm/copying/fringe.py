"""What an object darkens beside its mask: shadows that go with it, and reflections.

Masks seldom hold them. No frame shows the ground there without its shadow, so copies do not help, and a
completion that starts at such a border makes a dark heap of it. A shadow lies along the hole and ends
beside it; a thing that runs into the hole, however dark, goes on away from it.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import max_pool2d

from ..fills.averaging import local_mean
from ..fills.depth import depth_in, nearest_outside

# set by hand on removals of 432x240, not swept
_BESIDE_PX = 10  # known pixels beside a hole that may be darkened,
_INSIDE_PX = 12  # and copied ones in it
_DARKER = 0.12  # brightness, of every colour, by which they are darker than what is beyond
_MEAN_BLUR = 3  # repetitions of a 3x3 average of what is beyond
_THIN_PX = 1  # what is no wider than twice this is a line
_SOFT_PX = 2  # width of the soft edge of a shadow


def dark_fringe(picture: Tensor, hole: Tensor, shown: Tensor) -> Tensor:
    """Find pixels beside a hole's border that are darker than what is beyond them.

    Args:
        picture: (1,3,h,w) in [0,1].
        hole: (1,1,h,w) 0 or 1, 1 = hole.
        shown: (1,1,h,w) 0 or 1, 1 = known, or copied into the hole.

    Returns:
        (1,1,h,w) 0 or 1, 1 = darkened; never where nothing is shown.
    """
    wide = _grown(hole, _BESIDE_PX)
    if bool((wide > 0).all()):
        return wide * 0
    outside = 1 - wide
    mass = local_mean(outside, _MEAN_BLUR).clamp_min(1e-6)
    mean = local_mean(picture * outside, _MEAN_BLUR) / mass
    nearest = nearest_outside(wide[0, 0] > 0)
    beyond = mean.flatten(2)[..., nearest].view(picture.shape)
    darker = (beyond - picture).amin(1, keepdim=True) > _DARKER
    reach = _BESIDE_PX + _INSIDE_PX
    near = shown * wide * (depth_in(wide, reach + 1, metric="chessboard") <= reach)
    kept = -_grown(-(darker * near), _THIN_PX)
    return _grown(kept, _THIN_PX + _SOFT_PX) * near


def _grown(values: Tensor, px: int) -> Tensor:
    """Return the largest of (1,1,h,w) within a distance."""
    return max_pool2d(values, 2 * px + 1, 1, px)
