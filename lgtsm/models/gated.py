"""Gated convolution with a temporal shift on its feature branch.

Source: Chang et al. 2019, section 3.2 and Fig. 3: the gate sees the unshifted features.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from .shift import TemporalShift
from .spec import LayerSpec, ShiftSpec

SLOPE = 0.2
"""Slope of the leaky ReLU for negative features."""


class GatedLayer(nn.Module):
    """One layer: sigmoid(gate(x)) * phi(feature(shift(x))), frame by frame in space."""

    def __init__(self, layer: LayerSpec, inputs: int, outputs: int, shift: ShiftSpec) -> None:
        super().__init__()
        self.layer = layer
        self.shift = TemporalShift(shift, inputs)
        sizes = {
            "kernel_size": layer.kernel,
            "stride": layer.stride,
            "padding": layer.padding,
            "dilation": layer.dilation,
        }
        self.feature = nn.Conv2d(inputs, outputs, **sizes)
        self.gate = nn.Conv2d(inputs, outputs, **sizes)

    def forward(self, x: Tensor, num_frames: int) -> Tensor:
        """Apply the layer.

        Args:
            x: (B*T,C,h,w).
            num_frames: T.

        Returns:
            (B*T,C',h',w').
        """
        shifted = self.shift(x, num_frames)
        if self.layer.upsample:
            x = nn.functional.interpolate(x, scale_factor=2, mode="nearest")
            shifted = nn.functional.interpolate(shifted, scale_factor=2, mode="nearest")
        feature = self.feature(shifted)
        if self.layer.activation:
            feature = nn.functional.leaky_relu(feature, SLOPE)
        return torch.sigmoid(self.gate(x)) * feature
