"""Dense Flow Prediction Network: where a reference shows each pixel of a target, by correlation.

Source: Alvarez 2020, "Temporal copying and local hallucination for video inpainting" (thesis, ETH).
Three stages: all 16x16 positions of both frames are correlated and the correlation filtered, which
gives a flow of 16x16; two networks then predict it anew at 64x64 and 256x256 from the frames and the
coarser flow. These sizes, after which parts are named, are a 16th, a quarter and all of `side`. A flow holds absolute positions, x then y, -1 and 1 at the centres of the corner pixels.

Kept as published: the first flow is computed on the reference's plane and read on the target's; flows
are enlarged as if -1 and 1 were the edges of the frame.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor, nn

from .convolutions import doubling, same, stack
from .frames import (
    Aligner,
    Compared,
    Views,
    fold,
    mean_fill,
    normalise,
    resize,
    unfold,
)
from .vgg import VggPools

_MIXER = (
    *((16, 3), (16, 5), (16, 3), (8, 3), (8, 5), (8, 3)),
    *((4, 3), (4, 5), (4, 3), (2, 3), (2, 5), (2, 3)),
)
"""Channels out and kernel of every layer but the first two."""


@dataclass(frozen=True)
class DenseFlow:
    """Output of the network: `correlation` (B,R,i,j,k,l), target's plane first; flows (B,R,2,h,w)."""

    correlation: Tensor
    flow_16: Tensor
    flow_64: Tensor
    flow: Tensor


class _Correlation(nn.Module):
    """Correlates deep features and filters the result, over one plane after the other."""

    def __init__(self, width: int) -> None:
        super().__init__()
        wide = 2 * width
        self.over_references = stack([same(1, width), same(width, wide), same(wide, wide)])
        self.over_target = stack([same(wide, wide), same(wide, width), same(width, 1)])

    def forward(self, raw: Tensor) -> Tensor:
        """Filter (B,R,i,j,k,l)."""
        batch, count, i, j, k, l_ = raw.shape
        x = self.over_references(rearrange(raw, "b r i j k l -> (b r i j) 1 k l"))
        x = rearrange(x, "(n i j) c k l -> (n k l) c i j", n=batch * count, i=i, j=j)
        x = self.over_target(x)
        return rearrange(x, "(b r k l) 1 i j -> b r i j k l", b=batch, r=count, k=k, l=l_)


def _mixer(inputs: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for outputs, kernel in ((inputs, 5), (inputs, 3), *_MIXER):
        layers.append(same(inputs, outputs, kernel))
        inputs = outputs
    return stack(layers, linear=3)


def _estimator(width: int) -> nn.Sequential:
    """Return a network from both frames, both holes and a flow to a better flow."""

    def pair() -> list[nn.Module]:
        return [same(width, width, 5), same(width, width)]

    layers = [same(10, width, 5), same(width, width), same(width, width, 5, stride=2)]
    layers += [*pair(), same(width, width, stride=2), *pair(), same(width, width, stride=2)]
    layers += [*pair(), doubling(width, width), *pair(), doubling(width, width), *pair()]
    layers += [doubling(width, width, 5), *pair(), same(width, 2)]
    return stack(layers)


class Dfpn(Aligner):
    """The whole network, with the VGG-16 that it correlates features of.

    Args:
        width: channels of the estimators, and half of the correlation filter's.
        side: height and width in pixels at which frames are compared, a multiple of 32.
    """

    def __init__(self, *, width: int, side: int) -> None:
        super().__init__()
        self.side, self.cells = side, side // 16
        self.vgg = VggPools(4)
        self.correlation = _Correlation(width)
        self.mixer = _mixer(self.cells**2)
        self.flow_64 = _estimator(width)
        self.flow_256 = _estimator(width)

    def forward(self, views: Views, compared: Compared | None = None) -> DenseFlow:
        """Predict the flow at three sizes and, enlarged, at the size of the frames."""
        correlation = self.correlation(self.raw_correlation(views, compared))
        # the mixer's image plane is the reference's
        first = self.mixer(rearrange(correlation, "b r i j k l -> (b r) (i j) k l"))
        second = self.flow_64(_estimator_input(views, first, self.side // 4))
        third = self.flow_256(_estimator_input(views, second, self.side))
        full = resize(third, (views.target.shape[2], views.target.shape[3]))
        flows = [unfold(x, views.references.shape[1]) for x in (first, second, full)]
        return DenseFlow(correlation, *flows)

    @torch.no_grad()
    def features(self, pixels: Tensor, holes: Tensor) -> Tensor:
        """Return unit vectors (N,512,side/16,side/16) of VGG-16, 0 in holes."""
        size = (self.side, self.side)
        known = 1 - resize(
            resize(holes, size, mode="nearest"), (self.cells, self.cells), mode="nearest"
        )
        x = self.vgg(resize(normalise(mean_fill(pixels, holes)), size)) * known
        return x / (x.square().sum(-3, keepdim=True).sqrt() + 1e-9)

    def raw_correlation(self, views: Views, compared: Compared | None = None) -> Tensor:
        """Return the unfiltered correlation: cosines (B,R,i,j,k,l) of features."""
        target, references = compared or self.compared(views)
        references = unfold(references, views.references.shape[1])
        return torch.einsum("bcij,brckl->brijkl", target, references)

    def positions(self, views: Views, compared: Compared) -> Tensor:
        """Return the flow; see `Aligner.positions`."""
        return self(views, compared).flow


def _estimator_input(views: Views, flow: Tensor, side: int) -> Tensor:
    """Stack normalised frames, their holes and a coarser flow, all at one size."""
    count, size = views.references.shape[1], (side, side)
    target, references = (resize(normalise(x), size) for x in views.filled())
    hole, holes = (resize(x, size, mode="nearest") for x in (views.hole, views.reference_holes))
    parts = [
        fold(references),
        target.repeat_interleave(count, 0),
        fold(holes),
        hole.repeat_interleave(count, 0),
        resize(flow, size),
    ]
    return torch.cat(parts, 1)
