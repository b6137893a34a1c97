"""Weights of the candidates, pixel by pixel: a small fitted function of their features.

Features are how well each candidate fits around the hole, how far its copies agree, how textured
the surroundings are. Two small hidden layers turn them into weights of the candidates and into the
expected error of the blend. The numbers are fitted on training clips by `python -m train
blend-weights` and shipped as data. The blend is soft: choosing one candidate per pixel costs up to
2 dB.
"""

from __future__ import annotations

import functools
from itertools import combinations
from pathlib import Path

import torch
from torch import Tensor, nn

from ..fills.averaging import squared_difference
from ..options import Motion
from .candidates import SMOOTH_FEATURES, Candidates
from .consensus import COPY_FEATURES

MOTIONS = (Motion.NONE, Motion.PLANAR, Motion.FLOW)
"""Order of the copied candidates; the smooth fill comes first of all."""
_DATA = Path(__file__).with_name("data") / "blend_weights.safetensors"
_NUM_SQUARED = 3  # the first of `COPY_FEATURES` are squared differences
_PAIRS = tuple(combinations(range(1, len(MOTIONS) + 1), 2))  # of copied candidates
_PER_MOTION = len(COPY_FEATURES) + 2  # and the difference to the smooth fill, and `shown`
NUM_FEATURES = len(MOTIONS) * _PER_MOTION + len(_PAIRS) + len(SMOOTH_FEATURES)
_HIDDEN = 32  # width of the hidden layers
# set by hand, not swept: scales that bring features and outputs to about -1..1
_FLOOR = 1e-5  # added to squared differences before their logarithm: about one level of 255
_LOG_CENTRE, _LOG_SCALE = -6, 4  # of the logarithm of squared differences
_LOG_AREA_SCALE = 10  # of the logarithm of a hole's area in pixels
_ERROR_SCALE = 2  # of the logarithm of the expected squared error, around the same centre


def _log(values: Tensor) -> Tensor:
    """Map squared differences to about -1..1."""
    return (torch.log(values + _FLOOR) - _LOG_CENTRE) / _LOG_SCALE


def features_of(candidates: Candidates) -> tuple[Tensor, Tensor, Tensor]:
    """Return features, colours and existence of all candidates of a frame, smooth fill first.

    Returns:
        Features (1,NUM_FEATURES,h,w), all about -1..1, zero for candidates that do not exist;
        colours (1,4,3,h,w); 1 where each candidate exists (1,4,h,w).
    """
    smooth, rows = candidates.frame, list[Tensor]()
    colours, shown = [smooth], [torch.ones_like(smooth[:, :1])]
    for motion in MOTIONS:
        copy = candidates.by_motion.get(motion)
        if copy is None:
            colours.append(smooth)
            shown.append(torch.zeros_like(shown[0]))
            rows.append(shown[-1].expand(-1, _PER_MOTION, -1, -1))
            continue
        colours.append(torch.where(copy.shown > 0, copy.colour, smooth))
        shown.append(copy.shown)
        squared, others = copy.features[:, :_NUM_SQUARED], copy.features[:, _NUM_SQUARED:]
        values = torch.cat(
            [_log(squared), others, _log(squared_difference(colours[-1], smooth))], 1
        )
        rows.append(torch.cat([values * copy.shown, copy.shown], 1))
    for i, j in _PAIRS:
        rows.append(_log(squared_difference(colours[i], colours[j])) * (shown[i] * shown[j]))
    own = candidates.smooth_features
    rows += [_log(own[:, :2]), own[:, 2:3], own[:, 3:] / _LOG_AREA_SCALE]
    return torch.cat(rows, 1), torch.stack(colours, 1), torch.cat(shown, 1)


class BlendNetwork(nn.Module):
    """Features to weights and expected error, pixel by pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(NUM_FEATURES, _HIDDEN),
            nn.SiLU(),
            nn.Linear(_HIDDEN, _HIDDEN),
            nn.SiLU(),
            nn.Linear(_HIDDEN, 1 + len(MOTIONS) + 1),
        )

    def forward(self, features: Tensor, shown: Tensor) -> tuple[Tensor, Tensor]:
        """Weight candidates.

        Args:
            features: (P,NUM_FEATURES).
            shown: (P,4) 1 = this candidate exists; the smooth fill always does.

        Returns:
            Weights (P,4) that add up to 1, and the log (P,1) of the expected squared error.
        """
        out = self.layers(features)
        logits = out[:, :-1].masked_fill(shown == 0, -torch.inf)
        return torch.softmax(logits, 1), out[:, -1:] * _ERROR_SCALE + _LOG_CENTRE


@functools.lru_cache(maxsize=4)
def load_blend_network(device: torch.device) -> BlendNetwork:
    """Return the network with the numbers of the package, on a device."""
    from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType] half typed

    network = BlendNetwork()
    network.load_state_dict(load_file(_DATA))
    return network.to(device).eval().requires_grad_(False)
