"""Fast Fourier convolution: a local and a global branch; the global one filters the whole spectrum.

Source: Chi et al. 2020 (NeurIPS), in the form of LaMa, Suvorov et al. 2022 (WACV).
"""

# torch.fft carries no types
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from __future__ import annotations

from typing import cast

import torch
from einops import rearrange
from torch import Tensor, nn

from ..combcn import BatchNorm

LOCAL, GLOBAL = 128, 384
"""Channels of the branches: a global share of three quarters of 512."""


def reflecting(inputs: int, outputs: int, *, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    """Return a 3x3 convolution with mirrored borders and without bias."""
    return nn.Conv2d(
        inputs, outputs, 3, stride, 1, groups=groups, bias=False, padding_mode="reflect"
    )


class NormalisedConvolution(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(self, conv: nn.Module, outputs: int) -> None:
        super().__init__()
        self.conv, self.norm = conv, BatchNorm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Apply all three to (N,C,h,w)."""
        return torch.relu(self.norm(self.conv(x)))


def _pointwise(inputs: int, outputs: int) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 1, bias=False)


class _FourierUnit(nn.Module):
    """A 1x1 convolution of the spectrum, real and imaginary parts as channels in turn."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv_layer = _pointwise(2 * width, 2 * width)
        self.bn = BatchNorm(2 * width)

    def forward(self, x: Tensor) -> Tensor:
        """Filter (N,C,h,w)."""
        spectrum = cast(Tensor, torch.fft.rfft2(x, norm="ortho"))
        parts = rearrange(torch.view_as_real(spectrum), "n c h w two -> n (c two) h w")
        parts = torch.relu(self.bn(self.conv_layer(parts)))
        parts = rearrange(parts, "n (c two) h w -> n c h w two", two=2).contiguous()
        size = (x.shape[-2], x.shape[-1])
        parts = torch.view_as_complex(parts)
        return cast(Tensor, torch.fft.irfft2(parts, s=size, norm="ortho"))


class _SpectralTransform(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        half = GLOBAL // 2
        self.conv1 = nn.Sequential(_pointwise(GLOBAL, half), BatchNorm(half), nn.ReLU())
        self.fu = _FourierUnit(half)
        self.conv2 = _pointwise(half, GLOBAL)

    def forward(self, x: Tensor) -> Tensor:
        """Filter (N,384,h,w)."""
        x = self.conv1(x)
        return cast(Tensor, self.conv2(x + self.fu(x)))


class _FastFourierConvolution(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.convl2l = reflecting(LOCAL, LOCAL)
        self.convl2g = reflecting(LOCAL, GLOBAL)
        self.convg2l = reflecting(GLOBAL, LOCAL)
        self.convg2g = _SpectralTransform()

    def forward(self, near: Tensor, far: Tensor) -> tuple[Tensor, Tensor]:
        """Mix the local (N,128,h,w) and the global (N,384,h,w) branch."""
        return self.convl2l(near) + self.convg2l(far), self.convl2g(near) + self.convg2g(far)


class _BothBranches(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.ffc = _FastFourierConvolution()
        self.bn_l, self.bn_g = BatchNorm(LOCAL), BatchNorm(GLOBAL)

    def forward(self, near: Tensor, far: Tensor) -> tuple[Tensor, Tensor]:
        """Mix both branches, then normalise and rectify them."""
        near, far = self.ffc(near, far)
        return torch.relu(self.bn_l(near)), torch.relu(self.bn_g(far))


class FourierBlock(nn.Module):
    """Two fast Fourier convolutions and a shortcut; both end in a ReLU, as published."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = _BothBranches(), _BothBranches()

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block to (N,512,h,w)."""
        near, far = self.conv2(*self.conv1(x[:, :LOCAL], x[:, LOCAL:]))
        return x + torch.cat([near, far], 1)


class GroupedBlock(NormalisedConvolution):
    """The variant without spectra: one convolution in four groups and a shortcut."""

    def __init__(self) -> None:
        super().__init__(reflecting(LOCAL + GLOBAL, LOCAL + GLOBAL, groups=4), LOCAL + GLOBAL)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the block to (N,512,h,w)."""
        return x + super().forward(x)
