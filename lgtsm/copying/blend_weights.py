"""How far to believe each candidate, pixel by pixel: a small fitted function of their features.

The features say how well each candidate fits around the hole, how far its copies agree, how textured
the place is. Two small hidden layers turn them into weights of the candidates and into the error
to be expected of the mix. The numbers are fitted on training clips by `python -m train blend_weights` and
shipped as data; the weights are soft, since a hard choice loses up to 2 dB.
"""

from __future__ import annotations

import functools
from pathlib import Path

import torch
from torch import Tensor, nn

from ..options import Motion
from .candidates import SMOOTH_FEATURES, Candidates
from .consensus import FEATURES

MOTIONS = (Motion.NONE, Motion.PLANAR, Motion.FLOW)
"""Order of the copied candidates; the smooth fill comes first of all."""
_DATA = Path(__file__).with_name("data") / "blend_weights.safetensors"
_FLOOR = 1e-5
"""Squared difference that counts as none: about one level of 255."""
NUM_FEATURES = len(MOTIONS) * (len(FEATURES) + 2) + len(MOTIONS) + len(SMOOTH_FEATURES)
HIDDEN = 32


def _log(values: Tensor) -> Tensor:
    """Bring a squared difference to about -1..1."""
    return (torch.log(values + _FLOOR) + 6) / 4


def _distance(one: Tensor, other: Tensor) -> Tensor:
    return (one - other).square().mean(1, keepdim=True)


def colours_of(candidates: Candidates) -> tuple[Tensor, Tensor]:
    """Return colours (1,4,3,h,w) and which candidates there are (1,4,h,w), smooth fill first."""
    smooth = candidates.smooth
    colours, there = [smooth], [torch.ones_like(smooth[:, :1])]
    for motion in MOTIONS:
        found = candidates.copies.get(motion)
        is_there = torch.zeros_like(smooth[:, :1]) if found is None else found.shown
        colours.append(smooth if found is None else torch.where(is_there > 0, found.colour, smooth))
        there.append(is_there)
    return torch.stack(colours, 1), torch.cat(there, 1)


def features_of(candidates: Candidates) -> Tensor:
    """Return (1,NUM_FEATURES,h,w), all about -1..1; zero for candidates that are not there."""
    colours, there = colours_of(candidates)
    rows = []
    for i, motion in enumerate(MOTIONS, 1):
        found, is_there = candidates.copies.get(motion), there[:, i : i + 1]
        if found is None:
            rows.append(is_there.expand(-1, len(FEATURES) + 2, -1, -1))
            continue
        raw = found.features
        values = [_log(raw[:, :3]), raw[:, 3:], _log(_distance(colours[:, i], candidates.smooth))]
        rows.append(torch.cat([torch.cat(values, 1) * is_there, is_there], 1))
    for i, j in ((1, 2), (1, 3), (2, 3)):
        both = there[:, i : i + 1] * there[:, j : j + 1]
        rows.append(_log(_distance(colours[:, i], colours[:, j])) * both)
    own = candidates.smooth_features
    rows.append(torch.cat([_log(own[:, :2]), own[:, 2:3], own[:, 3:] / 10], 1))
    return torch.cat(rows, 1)


class BlendWeights(nn.Module):
    """Features to weights and expected error, the same for every pixel."""

    def __init__(self) -> None:
        super().__init__()
        outputs = 1 + len(MOTIONS) + 1
        self.layers = nn.Sequential(
            nn.Linear(NUM_FEATURES, HIDDEN),
            nn.SiLU(),
            nn.Linear(HIDDEN, HIDDEN),
            nn.SiLU(),
            nn.Linear(HIDDEN, outputs),
        )

    def forward(self, features: Tensor, there: Tensor) -> tuple[Tensor, Tensor]:
        """Weigh candidates.

        Args:
            features: (P,NUM_FEATURES).
            there: (P,4) 1 = this candidate exists; the smooth fill always does.

        Returns:
            Weights (P,4) that add up to 1, and the log (P,1) of the expected squared error.
        """
        out = self.layers(features)
        logits = out[:, :-1].masked_fill(there == 0, -torch.inf)
        return torch.softmax(logits, 1), out[:, -1:] * 2 - 6


@functools.lru_cache(maxsize=4)
def shipped_blend_weights(device: torch.device) -> BlendWeights:
    """Return the blend_weights with the numbers that come with the package, on a device."""
    from safetensors.torch import load_file

    blend_weights = BlendWeights()
    blend_weights.load_state_dict(load_file(_DATA))
    return blend_weights.to(device).eval().requires_grad_(False)
