"""The five losses of CHN; Alvarez 2020 (thesis, ETH)."""

from __future__ import annotations

from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from lgtsm.models.neighbours.chn import Hallucinated
from lgtsm.models.neighbours.frames import Aligned, Views, fold, normalise
from lgtsm.models.neighbours.vgg import VggPools

WEIGHTS = MappingProxyType(
    {"known": 0.5, "shown": 2.0, "unseen": 1.0, "perceptual": 0.5, "gradient": 1.0}
)
"""As published."""
_SOBEL = ((1, 0, -1), (2, 0, -2), (1, 0, -1))


def hallucinating_losses(
    painted: Hallucinated, views: Views, aligned: Aligned, vgg: VggPools | None
) -> dict[str, Tensor]:
    """Compare what was painted for every reference with the target's pixels, its hole included.

    Args:
        painted: by the network from `views` and `aligned`.
        views: what it read, with the truth under the target's hole.
        aligned: likewise.
        vgg: of five poolings, for the perceptual term, left out for None. Published training detached
            both sides, so that the term was reported but taught nothing; here it teaches.

    Returns:
        Scalars by name, unweighted, and `total`, their sum by `WEIGHTS`.
    """
    wanted = views.target[:, None].expand_as(painted.predicted)
    known = (1 - views.hole[:, None]).expand_as(aligned.gained)
    losses = {
        "known": _masked(painted.predicted, wanted, known),
        "shown": _masked(painted.predicted, wanted, aligned.gained),
        "unseen": _masked(painted.composed, wanted, 1 - known - aligned.gained),
        "gradient": (_sobel(fold(painted.predicted)) - _sobel(fold(wanted))).abs().mean(),
    }
    if vgg is not None:
        pairs = zip(
            vgg(normalise(fold(painted.predicted))), vgg(normalise(fold(wanted))), strict=True
        )
        losses["perceptual"] = torch.stack([(a - b).abs().mean() for a, b in pairs]).mean()
    total = sum((WEIGHTS[name] * x for name, x in losses.items()), wanted.new_zeros(()))
    return losses | {"total": total}


def _masked(found: Tensor, wanted: Tensor, mask: Tensor) -> Tensor:
    """Return the L1 distance on a mask, summed over channels as published."""
    return ((found - wanted).abs() * mask).sum() / (mask.sum() + 1e-9)


def _sobel(pixels: Tensor) -> Tensor:
    """Return (N,6,h,w): derivatives of every channel of (N,3,h,w) in x and y."""
    kernel = pixels.new_tensor(_SOBEL)
    kernels = torch.stack([kernel, kernel.mT]).repeat(3, 1, 1)[:, None]
    return conv2d(pixels, kernels, padding=1, groups=3)
