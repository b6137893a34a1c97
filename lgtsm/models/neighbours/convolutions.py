"""Convolutions of the neighbour networks, in stacks whose numbering is the published one."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn


def same(
    inputs: int, outputs: int, kernel: int = 3, *, stride: int = 1, dilation: int = 1
) -> nn.Conv2d:
    """Return a convolution with zeros around that keeps the size, or divides it by the stride."""
    padding = dilation * (kernel // 2)
    return nn.Conv2d(inputs, outputs, kernel, stride, padding, dilation)


def doubling(inputs: int, outputs: int, kernel: int = 3) -> nn.ConvTranspose2d:
    """Return a transposed convolution that doubles the size."""
    return nn.ConvTranspose2d(inputs, outputs, kernel, 2, kernel // 2, output_padding=1)


def stack(layers: Sequence[nn.Module], *, linear: int = 1) -> nn.Sequential:
    """Put a ReLU after every layer but the last `linear` ones."""
    active = len(layers) - linear
    parts: list[nn.Module] = []
    for i, layer in enumerate(layers):
        parts += [layer, nn.ReLU(inplace=True)] if i < active else [layer]
    return nn.Sequential(*parts)
