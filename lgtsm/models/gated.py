"""The layer of every trunk and discriminator: temporal shift, convolution and an optional gate.

Source: Chang et al. 2019 (BMVC), section 3.2 and Fig. 3: the gate reads the unshifted features.
Kernels over three frames and no shift give the layer of the 3-D gated network, Chang et al. 2019
(ICCV, "Free-form Video Inpainting with 3D Gated Convolution and Temporal PatchGAN"), section 3.2.
"""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn

from .combcn_spec import CombLayer
from .fused import kernels_for
from .shift import TemporalShift
from .spec import LayerSpec, ShiftSpec

SLOPE = 0.2
"""Slope of the leaky ReLU for negative features."""


class GatedLayer(nn.Module):
    """One layer: sigmoid(gate(x)) * phi(feature(shift(x))); vanilla layers have no gate.

    Args:
        layer: kernel, stride, padding and dilation in space, upsampling and activation.
        inputs: channels in.
        outputs: channels out.
        shift: before the feature convolution.
        gated: whether the layer has a gate; otherwise `gate` is None.
        kernel_frames: frames that a kernel covers: 1 for frame by frame, 3 for space and time with
            zero padding at both ends of the clip.
    """

    def __init__(
        self,
        layer: LayerSpec,
        inputs: int,
        outputs: int,
        shift: ShiftSpec,
        *,
        gated: bool = True,
        kernel_frames: int = 1,
    ) -> None:
        super().__init__()
        self.layer = layer
        self.kernel_frames = kernel_frames
        self.shift = TemporalShift(shift, inputs)
        self.feature = convolution(layer, inputs, outputs, kernel_frames)
        self.gate = convolution(layer, inputs, outputs, kernel_frames) if gated else None

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
            fine = _double(x)
            x, shifted = fine, fine if shifted is x else _double(shifted)
        feature = self._convolve(self.feature, shifted, num_frames)
        gate = None if self.gate is None else self._convolve(self.gate, x, num_frames)
        kernels = None if gate is None else kernels_for(feature, gate)
        if kernels is not None:
            return kernels.leaky_gate_(feature, gate, SLOPE if self.layer.activation else 1.0)
        if self.layer.activation:
            feature = nn.functional.leaky_relu(feature, SLOPE)
        return feature if gate is None else torch.sigmoid(gate) * feature

    def _convolve(self, convolution: nn.Module, x: Tensor, num_frames: int) -> Tensor:
        """Convolve (B*T,C,h,w) frame by frame, or clip by clip if kernels cover several frames."""
        if self.kernel_frames == 1:
            return convolution(x)
        clip = rearrange(x, "(b t) c h w -> b c t h w", t=num_frames)
        # contiguous: torch then sums in the same order, with the same rounding, as published
        return rearrange(convolution(clip.contiguous()), "b c t h w -> (b t) c h w")


def _double(x: Tensor) -> Tensor:
    """Return (N,C,2h,2w), every pixel repeated in a 2x2 block."""
    return nn.functional.interpolate(x, scale_factor=2, mode="nearest")


def convolution(
    layer: LayerSpec | CombLayer, inputs: int, outputs: int, frames: int
) -> nn.Conv2d | nn.Conv3d | nn.ConvTranspose2d | nn.ConvTranspose3d:
    """Return a layer's convolution, in space and time where kernels cover several frames."""
    kernel, stride, padding, dilation = layer.kernel, layer.stride, layer.padding, layer.dilation
    transposed = isinstance(layer, CombLayer) and layer.transposed
    if frames == 1:
        kind = nn.ConvTranspose2d if transposed else nn.Conv2d
        return kind(inputs, outputs, kernel, stride, padding, dilation=dilation)
    kind = nn.ConvTranspose3d if transposed else nn.Conv3d
    return kind(
        inputs,
        outputs,
        (frames, kernel, kernel),
        (1, stride, stride),
        # a transposed kernel of 4 with padding 1 outputs one frame more than it reads
        (1 if transposed else frames // 2, padding, padding),
        dilation=(1, dilation, dilation),
    )
