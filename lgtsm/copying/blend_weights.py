"""Weights of the candidates, pixel by pixel: a small fitted function of their features.

Features are how well each candidate fits around the hole, how far its copies agree, how textured
the surroundings are. Two small hidden layers turn them into weights of the candidates and into the
expected error of the blend. The numbers are fitted on training clips by `python -m train
blend-weights` and shipped as data. Weights are soft, since a hard choice loses up to 2 dB.
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
_FLOOR = 1e-5  # added to squared differences before their logarithm: about one level of 255
NUM_FEATURES = len(MOTIONS) * (len(FEATURES) + 2) + len(MOTIONS) + len(SMOOTH_FEATURES)
_HIDDEN = 32  # width of the hidden layers


def _log(values: Tensor) -> Tensor:
    """Map squared differences to about -1..1."""
    return (torch.log(values + _FLOOR) + 6) / 4


def _difference(one: Tensor, other: Tensor) -> Tensor:
    return (one - other).square().mean(1, keepdim=True)


def colours_of(candidates: Candidates) -> tuple[Tensor, Tensor]:
    """Return colours (1,4,3,h,w) and 1 where each candidate exists (1,4,h,w), smooth fill first."""
    smooth = candidates.smooth
    colours, available = [smooth], [torch.ones_like(smooth[:, :1])]
    for motion in MOTIONS:
        copy = candidates.copies.get(motion)
        shown = torch.zeros_like(smooth[:, :1]) if copy is None else copy.shown
        colours.append(smooth if copy is None else torch.where(shown > 0, copy.colour, smooth))
        available.append(shown)
    return torch.stack(colours, 1), torch.cat(available, 1)


def features_of(candidates: Candidates, colours: Tensor, available: Tensor) -> Tensor:
    """Return (1,NUM_FEATURES,h,w), all about -1..1; zero for candidates that do not exist.

    Args:
        candidates: of one frame.
        colours: (1,4,3,h,w) of `colours_of`.
        available: (1,4,h,w) of `colours_of`.
    """
    rows: list[Tensor] = []
    for i, motion in enumerate(MOTIONS, 1):
        copy, shown = candidates.copies.get(motion), available[:, i : i + 1]
        if copy is None:
            rows.append(shown.expand(-1, len(FEATURES) + 2, -1, -1))
            continue
        raw, to_smooth = copy.features, _difference(colours[:, i], candidates.smooth)
        values = torch.cat([_log(raw[:, :3]), raw[:, 3:], _log(to_smooth)], 1)
        rows.append(torch.cat([values * shown, shown], 1))
    for i, j in ((1, 2), (1, 3), (2, 3)):
        both = available[:, i : i + 1] * available[:, j : j + 1]
        rows.append(_log(_difference(colours[:, i], colours[:, j])) * both)
    smooth = candidates.smooth_features
    rows.append(torch.cat([_log(smooth[:, :2]), smooth[:, 2:3], smooth[:, 3:] / 10], 1))
    return torch.cat(rows, 1)


class BlendWeights(nn.Module):
    """Features to weights and expected error, pixel by pixel."""

    def __init__(self) -> None:
        super().__init__()
        outputs = 1 + len(MOTIONS) + 1
        self.layers = nn.Sequential(
            nn.Linear(NUM_FEATURES, _HIDDEN),
            nn.SiLU(),
            nn.Linear(_HIDDEN, _HIDDEN),
            nn.SiLU(),
            nn.Linear(_HIDDEN, outputs),
        )

    def forward(self, features: Tensor, available: Tensor) -> tuple[Tensor, Tensor]:
        """Weight candidates.

        Args:
            features: (P,NUM_FEATURES).
            available: (P,4) 1 = this candidate exists; the smooth fill always does.

        Returns:
            Weights (P,4) that add up to 1, and the log (P,1) of the expected squared error.
        """
        out = self.layers(features)
        logits = out[:, :-1].masked_fill(available == 0, -torch.inf)
        return torch.softmax(logits, 1), out[:, -1:] * 2 - 6


@functools.lru_cache(maxsize=4)
def shipped_blend_weights(device: torch.device) -> BlendWeights:
    """Return the network with the numbers of the package, on a device."""
    from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType] half typed

    blend_weights = BlendWeights()
    blend_weights.load_state_dict(load_file(_DATA))
    return blend_weights.to(device).eval().requires_grad_(False)
