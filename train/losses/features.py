"""Perceptual and style losses on feature maps, whatever network they came from.

Source: Chang et al. 2019, equations 4-6, after Gatys et al. 2015 and Johnson et al. 2016; the
published code takes the mean over frames where the paper has a sum, and its Gram matrices mix the
samples of a batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum

import torch
from torch import Tensor


class Gram(Enum):
    """Over what a Gram matrix is taken."""

    SAMPLE = "sample"
    """One matrix a frame and sample: does not depend on what else is in the batch."""
    BATCH = "batch"
    """One matrix a frame over the channels of all samples, as published."""


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
        divisors: one a tap, of the perceptual network.
        num_samples: B; read where Gram matrices mix samples.
        gram: over what a matrix is taken.
    """
    total = result[0].new_zeros(())
    # within autocast the products of float32 would be half precision again
    with torch.autocast(total.device.type, enabled=False):
        for a, b, divisor in zip(result, truth, divisors, strict=True):
            difference = _gram(a.float(), num_samples, gram) - _gram(b.float(), num_samples, gram)
            total = total + difference.abs().mean() / divisor
    return total


def _gram(features: Tensor, num_samples: int, gram: Gram) -> Tensor:
    """Return Gram matrices (M,K,K), each divided by the number of features that entered it."""
    flat = features.flatten(2)  # (B*T,C,h*w)
    if gram is Gram.BATCH:
        clips = flat.unflatten(0, (num_samples, -1))  # (B,T,C,h*w)
        flat = clips.transpose(0, 1).flatten(1, 2)  # (T,B*C,h*w)
    return flat @ flat.transpose(1, 2) / (flat.shape[1] * flat.shape[2])
