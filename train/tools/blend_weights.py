"""Fit the blend_weights: a few thousand numbers that weigh the candidates of a hole.

The loss is the mean over frames of the log of the mixed fill's squared error, which is what hole
PSNR is the negative of, so no frame with large errors drowns the others. The expected error is
fitted beside it by likelihood. Frames are kept apart by source.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from lgtsm.copying.blend_weights import BlendWeights
from lgtsm.errors import OptionError
from lgtsm.whole_file import WholeFile

from ..data.sources import Library
from .blend_items import DATA, Pixels, gather_pixels, without

_LOG = logging.getLogger(__name__)
_SUBSETS = (
    *((True, True, True),) * 3,
    (True, False, False),
    (False, True, False),
    (False, False, True),
    (False, False, False),
    (True, True, False),
)
"""Kinds of motion that are there: all of them mostly, each alone when a user says so."""
_FRAMES_A_STEP, _PIXELS_A_STEP = 24, 600
_RATE, _WARMUP, _DECAY = 3e-3, 50, 1e-2
_NOISE = 0.05
"""Added to the features, so that the fit does not hang on their last digits."""
_FLOOR = 3e-5
_ERROR_WEIGHT = 0.2


@dataclass(frozen=True)
class BlendWeightsScore:
    """Mean hole PSNR in dB over frames: of the blend_weights's mix, and of the best candidate of each."""

    mixed: float
    best: float


def fit_blend_weights(
    library: Library,
    out: Path,
    *,
    num_clips: int = 248,
    steps: int = 1200,
    seed: int = 0,
    workers: int = 1,
) -> BlendWeightsScore:
    """Fit a blend_weights and write it.

    Args:
        library: decoded clips and photographs.
        out: .safetensors file.
        num_clips: clips to draw.
        steps: of the fit.
        seed: of everything that is drawn.
        workers: processes that make the items.

    Returns:
        Its score on held-out sources.

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
    blend_weights = fit(pixels, steps, seed)
    score = score_blend_weights(blend_weights, test)
    _LOG.info("held out: %.2f dB, best candidate of each frame %.2f dB", score.mixed, score.best)
    with WholeFile(out) as partial:
        save_file({k: v.contiguous() for k, v in blend_weights.state_dict().items()}, partial)
    return score


def fit(pixels: Sequence[Pixels], steps: int, seed: int) -> BlendWeights:
    """Fit a blend_weights to hole pixels of many frames."""
    rng = np.random.default_rng([seed, 7])
    draws = torch.Generator().manual_seed(seed)
    blend_weights = BlendWeights()
    for layer in blend_weights.layers:
        if isinstance(layer, nn.Linear):
            nn.init.kaiming_uniform_(layer.weight, a=math.sqrt(5), generator=draws)
            nn.init.zeros_(layer.bias)
    optimiser = torch.optim.AdamW(blend_weights.parameters(), _RATE, weight_decay=_DECAY)
    for step in range(steps):
        rate = _RATE * min(1, step / _WARMUP) * (0.5 + 0.5 * math.cos(math.pi * step / steps))
        for group in optimiser.param_groups:
            group["lr"] = rate
        chosen = [pixels[i] for i in rng.integers(len(pixels), size=_FRAMES_A_STEP)]
        thinned = [
            without(_thinned(p, draws), _SUBSETS[rng.integers(len(_SUBSETS))]) for p in chosen
        ]
        features, there, colours, truth, owner = _joined(thinned)
        noisy = features + _NOISE * torch.randn(features.shape, generator=draws)
        weights, log_error = blend_weights(noisy, there)
        per_frame, per_pixel = _errors(weights, colours, truth, owner, len(thinned))
        wrong = per_pixel.detach() + 1e-6
        likelihood = 0.5 * (wrong / log_error[:, 0].exp() + log_error[:, 0]).mean()
        loss = torch.log(per_frame + _FLOOR).mean() + _ERROR_WEIGHT * likelihood
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return blend_weights.eval().requires_grad_(False)


def score_blend_weights(blend_weights: BlendWeights, pixels: Sequence[Pixels]) -> BlendWeightsScore:
    """Score a blend_weights on frames."""
    features, there, colours, truth, owner = _joined(pixels)
    mixed, _ = _errors(blend_weights(features, there)[0], colours, truth, owner, len(pixels))
    singles = []
    for i in range(colours.shape[1]):
        only = torch.zeros(len(features), colours.shape[1])
        only[:, i] = 1
        singles.append(_errors(only, colours, truth, owner, len(pixels))[0])
    best = torch.stack(singles).min(0).values
    return BlendWeightsScore(*(float((-10 * torch.log10(e + 1e-5)).mean()) for e in (mixed, best)))


def _thinned(pixels: Pixels, draws: torch.Generator) -> Pixels:
    count = min(len(pixels.features), _PIXELS_A_STEP)
    i = torch.randint(len(pixels.features), (count,), generator=draws)
    parts = (pixels.features[i], pixels.colours[i], pixels.there[i], pixels.truth[i])
    return Pixels(pixels.source, *parts)


def _joined(rows: Sequence[Pixels]) -> tuple[Tensor, ...]:
    """Stack pixels of several frames: features, there, colours, truth and the frame of each."""
    owner = [torch.full((len(row.features),), i) for i, row in enumerate(rows)]
    # a candidate that is not there shows the smooth fill
    colours = [
        torch.where(row.there[..., None] > 0, row.colours, row.colours[:, :1]) for row in rows
    ]
    return (
        torch.cat([row.features for row in rows]).float(),
        torch.cat([row.there for row in rows]),
        torch.cat(colours),
        torch.cat([row.truth for row in rows]),
        torch.cat(owner),
    )


def _errors(
    weights: Tensor, colours: Tensor, truth: Tensor, owner: Tensor, count: int
) -> tuple[Tensor, Tensor]:
    """Return squared errors of the mix: mean a frame (count,), and of each pixel (P,)."""
    mixed = (weights[:, :, None] * colours).sum(1)
    error = (mixed - truth).square().mean(1)
    total = torch.zeros(count).index_add(0, owner, error)
    return total / torch.bincount(owner, minlength=count).clamp_min(1), error
