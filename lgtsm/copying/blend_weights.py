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

from ..options import Motion
from .candidates import SMOOTH_FEATURES, Candidates, Copies
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
    """Return features, colours and existence of the candidates of P pixels, smooth fill first.

    Returns:
        Features (B,P,NUM_FEATURES), all about -1..1, zero for candidates that do not exist; colours
        (B,4,3,P); 1 where each candidate exists (B,4,1,P).
    """
    smooth = candidates.at_pixels(candidates.frame)[:, None]
    colours, shown, own = _by_motion(candidates.copies, smooth)
    fit = torch.cat([_log(own[:, :, :_NUM_SQUARED]), own[:, :, _NUM_SQUARED:]], 2)
    unlike_smooth = _log((colours[:, 1:] - smooth).square().mean(2, keepdim=True))
    is_shown = shown[:, 1:]
    by_motion = torch.cat([torch.cat([fit, unlike_smooth], 2) * is_shown, is_shown], 2)
    first, second = torch.tensor(_PAIRS, device=smooth.device).unbind(1)
    both = (shown[:, first] * shown[:, second])[:, :, 0]
    pairs = _log((colours[:, first] - colours[:, second]).square().mean(2)) * both
    around = candidates.smooth_features
    around = [_log(around[:, :2]), around[:, 2:3], around[:, 3:] / _LOG_AREA_SCALE]
    rows = [by_motion.flatten(1, 2), pairs, *around]
    return torch.cat(rows, 1).mT, colours, shown


def _by_motion(copies: Copies | None, smooth: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return colours, existence and `COPY_FEATURES` in order of `MOTIONS`.

    Where a candidate does not exist its colour is that of the smooth fill, (B,1,3,P).

    Returns:
        (B,4,3,P), (B,4,1,P) and (B,3,6,P), the first two with the smooth fill first.
    """
    number, count = len(MOTIONS), smooth.shape[-1]
    colours = smooth.repeat(1, number + 1, 1, 1)
    shown = torch.zeros_like(colours[:, :, :1])
    shown[:, 0] = 1
    own = smooth.new_zeros(len(smooth), number, len(COPY_FEATURES), count)
    if copies is None:
        return colours, shown, own
    found, places = copies.consensus, [MOTIONS.index(motion) for motion in copies.motions]
    at = torch.tensor(places, device=smooth.device)
    colour = torch.where(found.shown > 0, found.colour, smooth)
    return (
        colours.index_copy(1, at + 1, colour),
        shown.index_copy(1, at + 1, found.shown),
        own.index_copy(1, at, found.features),
    )


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
            features: (...,P,NUM_FEATURES).
            shown: (...,P,4) 1 = this candidate exists; the smooth fill always does.

        Returns:
            Weights (...,P,4) that add up to 1, and the log (...,P,1) of the expected squared error.
        """
        out = self.layers(features)
        logits = out[..., :-1].masked_fill(shown == 0, -torch.inf)
        return torch.softmax(logits, -1), out[..., -1:] * _ERROR_SCALE + _LOG_CENTRE


@functools.lru_cache(maxsize=4)
def load_blend_network(device: torch.device) -> BlendNetwork:
    """Return the network with the numbers of the package, on a device."""
    from safetensors.torch import load_file  # pyright: ignore[reportUnknownVariableType] half typed

    network = BlendNetwork()
    network.load_state_dict(load_file(_DATA))
    return network.to(device).eval().requires_grad_(False)
