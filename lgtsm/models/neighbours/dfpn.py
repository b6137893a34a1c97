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
from torch.nn.functional import grid_sample

from .convolutions import doubling, same, stack
from .frames import (
    Aligned,
    Aligner,
    Views,
    fold,
    normalise,
    repeat_target,
    resize,
    to_pixels,
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


def correlate(target: Tensor, references: Tensor) -> Tensor:
    """Return cosines (B,R,i,j,k,l) of features (B,C,i,j) and (B,R,C,k,l)."""
    target, references = (
        x / (x.square().sum(-3, keepdim=True).sqrt() + 1e-9) for x in (target, references)
    )
    return torch.einsum("bcij,brckl->brijkl", target, references)


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

    def forward(self, views: Views) -> DenseFlow:
        """Predict the flow at three sizes and, enlarged, at the size of the frames."""
        target, references = (normalise(x) for x in views.filled())
        views = Views(target, views.hole, references, views.reference_holes)
        fine, middle = (views.resized((n, n)) for n in (self.side, self.side // 4))
        correlation = self.correlation(self.raw_correlation(fine))
        count = views.references.shape[1]
        # the mixer's image plane is the reference's
        first = self.mixer(rearrange(correlation, "b r i j k l -> (b r) (i j) k l"))
        second = self.flow_64(_estimator_input(middle, first))
        third = self.flow_256(_estimator_input(fine, second))
        full = resize(third, (target.shape[2], target.shape[3]))
        flows = [unfold(x, count) for x in (first, second, full)]
        return DenseFlow(correlation, *flows)

    @torch.no_grad()
    def raw_correlation(self, views: Views) -> Tensor:
        """Return the unfiltered correlation of normalised frames of its own size; holes give 0."""
        count = views.references.shape[1]
        hole, holes = (
            resize(x, (self.cells, self.cells), mode="nearest")
            for x in (views.hole, views.reference_holes)
        )
        target = self.vgg(views.target)[-1]
        references = unfold(self.vgg(fold(views.references))[-1], count)
        return correlate(target * (1 - hole), references * (1 - holes))

    @torch.no_grad()
    def align(self, views: Views) -> Aligned:
        """Sample the references along the flow; see `Aligner.align`."""
        return align_along(views, self(views).flow)

    @torch.no_grad()
    def coords(self, views: Views) -> Tensor:
        """Return the flow in pixels; see `Aligner.coords`."""
        return to_pixels(self(views).flow, align_corners=True)


def _estimator_input(views: Views, flow: Tensor) -> Tensor:
    count, target = views.references.shape[1], views.target
    parts = [
        fold(views.references),
        repeat_target(target, count),
        fold(views.reference_holes),
        repeat_target(views.hole, count),
        resize(flow, (target.shape[2], target.shape[3])),
    ]
    return torch.cat(parts, 1)


def align_along(views: Views, flow: Tensor) -> Aligned:
    """Sample references (frames bilinear, what they show nearest) along a flow (B,R,2,h,w)."""
    count = views.references.shape[1]
    grid = rearrange(flow, "b r c h w -> (b r) h w c")
    _, references = views.filled()
    frames = grid_sample(fold(references), grid, align_corners=True)
    known = grid_sample(fold(1 - views.reference_holes), grid, mode="nearest", align_corners=True)
    frames, known = (unfold(x, count) for x in (frames, known))
    return Aligned.of_samples(frames, known, views.hole)
