"""Perceptual and style losses on feature maps of any network.

Source: Chang et al. 2019, equations 4-6, after Gatys et al. 2015 and Johnson et al. 2016; the
published code takes the mean over frames where the paper has a sum, and its Gram matrices mix the
samples of a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import torch
from einops import rearrange
from torch import Tensor


class Gram(Enum):
    """Which features share a Gram matrix."""

    SAMPLE = "sample"
    """One matrix per frame and sample, independent of the rest of the batch."""
    BATCH = "batch"
    """One matrix per frame over the channels of all samples, as published."""


def perceptual_loss(result: Sequence[Tensor], truth: Sequence[Tensor]) -> Tensor:
    """Return the sum over taps of the mean absolute difference of features.

    Args:
        result: feature maps (N,C,h,w) of the taps, N over samples and frames.
        truth: those of the truth.
    """
    total = result[0].new_zeros(())
    for a, b in zip(result, truth, strict=True):
        total = total + (a.float() - b.float()).abs().mean()
    return total


def style_loss(
    result: Sequence[Tensor],
    truth: Sequence[Tensor],
    divisors: Sequence[float],
    *,
    num_samples: int = 1,
    gram: Gram = Gram.SAMPLE,
) -> Tensor:
    """Return the sum over taps of the mean absolute difference of Gram matrices.

    Args:
        result: feature maps (B*T,C,h,w) of the taps, samples first.
        truth: those of the truth.
        divisors: one per tap, of the perceptual network.
        num_samples: B; only read where Gram matrices mix samples.
        gram: which features share a matrix.
    """
    total = result[0].new_zeros(())
    # inside autocast the products of float32 tensors would be half precision again
    with torch.autocast(total.device.type, enabled=False):
        for a, b, divisor in zip(result, truth, divisors, strict=True):
            difference = _gram(a.float(), num_samples, gram) - _gram(b.float(), num_samples, gram)
            total = total + difference.abs().mean() / divisor
    return total


def _gram(features: Tensor, num_samples: int, gram: Gram) -> Tensor:
    """Return Gram matrices (M,K,K), each divided by the number of features in it."""
    if gram is Gram.BATCH:
        flat = rearrange(features, "(b t) c h w -> t (b c) (h w)", b=num_samples)
    else:
        flat = rearrange(features, "n c h w -> n c (h w)")
    return flat @ flat.transpose(1, 2) / (flat.shape[1] * flat.shape[2])
