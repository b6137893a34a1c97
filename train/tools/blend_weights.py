"""Fit the blend weights: a small network that weighs the candidates of a hole.

The loss is the mean over frames of the log of the blended fill's squared error, that is, the
negative hole PSNR, so no frame with large errors dominates. The expected error is fitted alongside
by maximum likelihood. The validation frames come from held-out sources.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from lgtsm.copying.blend_weights import BlendNetwork
from lgtsm.errors import OptionError
from lgtsm.whole_file import WholeFile

from ..data.sources import Library
from ..step import set_rate
from .blend_items import DATA, Pixels, gather_pixels, without_motions

_LOG = logging.getLogger(__name__)
_SUBSETS = (
    *((True, True, True),) * 3,
    (True, False, False),
    (False, True, False),
    (False, False, True),
    (False, False, False),
    (True, True, False),
)
"""Kinds of motion in training: mostly all of them; each alone, as users may choose. All numbers
here were set by hand, not swept."""
_FRAMES_PER_STEP, _PIXELS_PER_STEP = 24, 600
_RATE, _WARMUP_STEPS, _WEIGHT_DECAY = 3e-3, 50, 1e-2
_NOISE = 0.05
"""Standard deviation of the noise on the features, a regulariser."""
_ERROR_FLOOR = 3e-5
"""Squared error (45 dB) below which a frame hardly counts."""
_ERROR_WEIGHT = 0.2
"""Of the likelihood of the expected error."""


def fit_blend_weights(
    library: Library,
    out: Path,
    *,
    num_clips: int = 248,
    steps: int = 1200,
    seed: int = 0,
    workers: int = 1,
) -> tuple[float, float]:
    """Fit blend weights on `num_clips` clips of a library; write them to a .safetensors file.

    Returns:
        The scores on held-out sources, see `score_blend_weights`.

    Raises:
        OptionError: too few clips to hold any out.
    """
    training, held_out = library.split()
    for part in (training, held_out):
        part.require(DATA.num_frames)
    pixels = list(gather_pixels(training, num_clips, seed, workers=workers))
    count = max(1, num_clips // 6)
    test = list(gather_pixels(held_out, count, seed + 1, workers=workers))
    if not pixels or not test:
        raise OptionError(
            f"Expected clips with holes to fit on, got {len(pixels)} frames to fit and {len(test)} "
            "held out; prepare more clips."
        )
    weights = fit(pixels, steps, seed)
    scores = score_blend_weights(weights, test)
    _LOG.info("held out: %.2f dB, best candidate of each frame %.2f dB", *scores)
    with WholeFile(out) as path:
        save_file({k: v.contiguous() for k, v in weights.state_dict().items()}, path)
    return scores


def fit(pixels: Sequence[Pixels], steps: int, seed: int) -> BlendNetwork:
    """Fit blend weights to hole pixels of many frames."""
    rng = np.random.default_rng([seed, 7])
    draws = torch.Generator().manual_seed(seed)
    network = BlendNetwork()
    for layer in network.layers:
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_uniform_(layer.weight, a=math.sqrt(5), generator=draws)
            nn.init.zeros_(layer.bias)
    optimizer = torch.optim.AdamW(network.parameters(), _RATE, weight_decay=_WEIGHT_DECAY)
    for step in range(steps):
        warm = min(1, step / _WARMUP_STEPS)
        set_rate(optimizer, _RATE * warm * (0.5 + 0.5 * math.cos(math.pi * step / steps)))
        chosen = [pixels[i] for i in rng.integers(len(pixels), size=_FRAMES_PER_STEP)]
        frames = [
            without_motions(_subsample(p, draws), _SUBSETS[rng.integers(len(_SUBSETS))])
            for p in chosen
        ]
        joined, owner = _join(frames)
        noisy = joined.features + _NOISE * torch.randn(joined.features.shape, generator=draws)
        weights, log_error = network(noisy, joined.shown)
        per_frame, per_pixel = _errors(weights, joined, owner)
        squared = per_pixel.detach() + 1e-6
        likelihood = 0.5 * (squared / log_error[:, 0].exp() + log_error[:, 0]).mean()
        loss = torch.log(per_frame + _ERROR_FLOOR).mean() + _ERROR_WEIGHT * likelihood
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval().requires_grad_(requires_grad=False)


def score_blend_weights(network: BlendNetwork, pixels: Sequence[Pixels]) -> tuple[float, float]:
    """Return the mean hole PSNR over frames in dB: blended, and of each frame's best candidate."""
    joined, owner = _join(pixels)
    weights, _ = network(joined.features, joined.shown)
    blended, _ = _errors(weights, joined, owner)
    one_hot = torch.eye(joined.colours.shape[1])
    singles = [_errors(row.expand(len(owner), -1), joined, owner)[0] for row in one_hot]
    best = torch.stack(singles).min(0).values
    of_blend, of_best = (float((-10 * torch.log10(e + 1e-5)).mean()) for e in (blended, best))
    return of_blend, of_best


def _subsample(pixels: Pixels, draws: torch.Generator) -> Pixels:
    count = len(pixels.features)
    return pixels.rows(torch.randint(count, (min(count, _PIXELS_PER_STEP),), generator=draws))


def _join(frames: Sequence[Pixels]) -> tuple[Pixels, Tensor]:
    """Concatenate frames; return their pixels and the index (P,) of each pixel's frame.

    Missing candidates get the colour of the smooth fill.
    """
    parts = zip(*(vars(f).values() for f in frames), strict=True)
    joined = Pixels(*map(torch.cat, parts))
    colours, shown = joined.colours, joined.shown[..., None] > 0
    colours = torch.where(shown, colours, colours[:, :1])
    counts = torch.tensor([len(f.features) for f in frames])
    return replace(joined, colours=colours), torch.arange(len(frames)).repeat_interleave(counts)


def _errors(weights: Tensor, pixels: Pixels, owner: Tensor) -> tuple[Tensor, Tensor]:
    """Return the squared errors of the blend: each frame's mean, and each pixel's (P,)."""
    blended = (weights[:, :, None] * pixels.colours).sum(1)
    error = (blended - pixels.truth).square().mean(1)
    counts = torch.bincount(owner)
    total = torch.zeros(len(counts)).index_add(0, owner, error)
    return total / counts.clamp_min(1), error
