"""Boundaries from the picture: neighbours of like colour agree.

Mean field of a conditional random field (Krähenbühl and Koltun 2011) over a fixed set of offsets.
"""

from __future__ import annotations

from torch import Tensor

_OFFSETS = (
    *((0, 1), (1, 0), (1, 1), (1, -1)),
    *((0, 3), (3, 0), (3, 3), (3, -3)),
    *((0, 6), (6, 0), (6, 6), (6, -6)),
)
"""Rows and columns to the neighbours, in pixels of the working size; each counts both ways."""
_LIGHTNESS = 0.6  # weight of lightness against the two colour channels
_LIKE = 6.0  # colour difference in CIE Lab at which neighbours no longer agree
_NEAR = 0.1  # how fast agreement falls with the squared distance in pixels
_STRENGTH = 0.4  # of a like neighbour, in logits
_ROUNDS = 8


def settle(logits: Tensor, lab: Tensor) -> Tensor:
    """Let like neighbours agree.

    Args:
        logits: (1,1,h,w) of the object against the background, each pixel by itself.
        lab: (1,3,h,w) CIE Lab.

    Returns:
        Probability (1,1,h,w) of the object.
    """
    colours = lab * lab.new_tensor([_LIGHTNESS, 1, 1]).view(1, 3, 1, 1)
    pairs: list[tuple[tuple[slice, slice], tuple[slice, slice], Tensor]] = []
    height, width = lab.shape[-2:]
    for down, across in _OFFSETS:
        if height <= down or width <= abs(across):
            continue
        one = slice(0, height - down), slice(max(0, -across), width - max(0, across))
        other = slice(down, height), slice(max(0, across), width + min(0, across))
        difference = colours[..., one[0], one[1]] - colours[..., other[0], other[1]]
        like = (difference.square().sum(1, keepdim=True) * (-0.5 / _LIKE**2)).exp()
        reach = (1 + _NEAR * (down * down + across * across)) ** 0.5
        pairs.append((one, other, like * (_STRENGTH / reach)))
    probability = logits.sigmoid()
    for _ in range(_ROUNDS):
        sign, votes = 2 * probability - 1, logits.clone()
        for one, other, like in pairs:
            votes[..., one[0], one[1]] += like * sign[..., other[0], other[1]]
            votes[..., other[0], other[1]] += like * sign[..., one[0], one[1]]
        probability = votes.sigmoid()
    return probability
