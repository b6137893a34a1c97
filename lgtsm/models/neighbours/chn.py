"""Copy-and-Hallucinate Network: a target and one aligned reference in, a whole frame out.

Source: Alvarez 2020 (thesis, ETH), on the residual-in-residual dense blocks of ESRGAN (Wang et al.
2018). References do not see each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, leaky_relu

from ..chn_spec import ChnSpec
from ..trunk import check_size
from .convolutions import same
from .frames import Aligned, Views, denormalise, fold, mean_fill, normalise, unfold

_WIDTH, _GROWTH = 64, 32
_SLOPE = 0.2
_RESIDUAL = 0.2


class _DenseBlock(nn.Module):
    """Five convolutions, each of which reads all features before it."""

    def __init__(self) -> None:
        super().__init__()
        for i in range(1, 5):
            self.add_module(f"conv{i}", same(_WIDTH + _GROWTH * (i - 1), _GROWTH))
        self.conv5 = same(_WIDTH + 4 * _GROWTH, _WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block to (N,64,h,w)."""
        features = x
        for i in range(1, 5):
            more = leaky_relu(self.get_submodule(f"conv{i}")(features), _SLOPE)
            features = torch.cat([features, more], 1)
        return _RESIDUAL * self.conv5(features) + x


class _ResidualBlock(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rdb1, self.rdb2, self.rdb3 = _DenseBlock(), _DenseBlock(), _DenseBlock()

    def forward(self, x: Tensor) -> Tensor:
        """Apply three dense blocks to (N,64,h,w)."""
        return _RESIDUAL * self.rdb3(self.rdb2(self.rdb1(x))) + x


@dataclass(frozen=True)
class Hallucinated:
    """Output of the network: `predicted` (B,R,3,h,w) in [0,1]; `composed`: the target where known."""

    predicted: Tensor
    composed: Tensor


class Chn(nn.Module):
    """The network.

    Args:
        num_blocks: residual blocks.
    """

    def __init__(self, num_blocks: int) -> None:
        super().__init__()
        strides = (1, 1, 2, 1, 2)
        convs = [
            same(ChnSpec.inputs if i == 0 else _WIDTH, _WIDTH, stride=s)
            for i, s in enumerate(strides)
        ]
        self.conv_first = nn.Sequential(*convs)  # as published: nothing between them
        self.rrdb_trunk = nn.Sequential(*(_ResidualBlock() for _ in range(num_blocks)))
        self.trunk_conv = same(_WIDTH, _WIDTH)
        self.upconv1, self.upconv2 = same(_WIDTH, _WIDTH), same(_WIDTH, _WIDTH)
        self.hr_conv = same(_WIDTH, _WIDTH)
        self.conv_last = same(_WIDTH, 3)

    def raw(self, views: Views, aligned: Aligned) -> Tensor:
        """Return the normalised prediction (B*R,3,h,w), every item's references together.

        Raises:
            ShapeError: sides that are no multiples of 4.
        """
        check_size(views.target, ChnSpec.multiple)
        count = aligned.frames.shape[1]
        parts = [
            normalise(mean_fill(views.target, views.hole)).repeat_interleave(count, 0),
            normalise(fold(aligned.frames)),
            (1 - views.hole).repeat_interleave(count, 0),
            fold(aligned.known),
            fold(aligned.gained),
        ]
        x = self.conv_first(torch.cat(parts, 1))
        x = x + self.trunk_conv(self.rrdb_trunk(x))
        for layer in (self.upconv1, self.upconv2):
            x = leaky_relu(layer(interpolate(x, scale_factor=2, mode="nearest")), _SLOPE)
        return cast(Tensor, self.conv_last(leaky_relu(self.hr_conv(x), _SLOPE)))

    def forward(self, views: Views, aligned: Aligned) -> Hallucinated:
        """Paint the target once for every aligned reference (B,R,3,h,w)."""
        raw = unfold(self.raw(views, aligned), aligned.frames.shape[1])
        predicted = denormalise(raw).clamp(0, 1)
        target, hole = mean_fill(views.target, views.hole)[:, None], views.hole[:, None]
        return Hallucinated(predicted, (1 - hole) * target + hole * predicted)
