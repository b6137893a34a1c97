"""The five losses of CHN; Alvarez 2020 (thesis, ETH)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import conv2d

from lgtsm.models.neighbours.chn import Hallucinated
from lgtsm.models.neighbours.frames import Aligned, Views, fold, normalise

_SOBEL = ((1, 0, -1), (2, 0, -2), (1, 0, -1))


def hallucinating_losses(
    painted: Hallucinated,
    views: Views,
    aligned: Aligned,
    pools: Callable[[Tensor], list[Tensor]] | None,
) -> dict[str, Tensor]:
    """Compare what was painted for every reference with the target's pixels, its hole included.

    Args:
        painted: by the network from `views` and `aligned`.
        views: what it read, with the truth under the target's hole.
        aligned: likewise.
        pools: returns the five poolings of VGG-16 for normalised pictures, for the perceptual term, left
            out for None. Published training detached both sides, so that the term was reported but
            taught nothing; here it teaches.

    Returns:
        Scalars `known`, `shown`, `unseen`, `perceptual`, `gradient`.
    """
    wanted = views.target[:, None].expand_as(painted.predicted)
    known = (1 - views.hole[:, None]).expand_as(aligned.gained)
    losses = {
        "known": _masked(painted.predicted, wanted, known),
        "shown": _masked(painted.predicted, wanted, aligned.gained),
        "unseen": _masked(painted.composed, wanted, 1 - known - aligned.gained),
        "gradient": (_sobel(fold(painted.predicted)) - _sobel(fold(wanted))).abs().mean(),
    }
    if pools is not None:
        both = (pools(normalise(fold(x))) for x in (painted.predicted, wanted))
        distances = [(a - b).abs().mean() for a, b in zip(*both, strict=True)]
        losses["perceptual"] = torch.stack(distances).mean()
    return losses


def _masked(found: Tensor, wanted: Tensor, mask: Tensor) -> Tensor:
    """Return the L1 distance on a mask, summed over channels as published."""
    return ((found - wanted).abs() * mask).sum() / (mask.sum() + 1e-9)


def _sobel(pixels: Tensor) -> Tensor:
    """Return (N,6,h,w): derivatives of every channel of (N,3,h,w) in x and y."""
    kernel = pixels.new_tensor(_SOBEL)
    kernels = torch.stack([kernel, kernel.mT]).repeat(3, 1, 1)[:, None]
    return conv2d(pixels, kernels, padding=1, groups=3)
