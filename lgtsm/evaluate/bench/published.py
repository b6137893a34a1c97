"""The published form of a network, on whole clips of whole frames: the baseline of all speeds.

Follows how the published code runs its layers (Chang et al. 2019, section 3.2): gate frame by
frame on the unshifted features, one 3-D convolution over time per shifted group, feature
convolution on all frames, channels-first, nearest x2 before 3x3; one 3-D convolution where kernels
cover several frames. CombCN: both bodies over the whole clip. Same weights and results.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import conv3d, interpolate, leaky_relu, pad

from ...models.combcn import CombCNBody
from ...models.gated import SLOPE, GatedLayer
from ...models.shift import TemporalShift
from ...models.spec import LAYERS, ShiftKind
from ...models.trunk import Trunk


def _shift_by_groups(shift: TemporalShift, clip: Tensor) -> Tensor:
    """Shift (B,C,T,h,w), each group through one 3-D convolution over (B*q,1,T,h,w)."""
    size = shift.group_size
    if shift.spec.kind is ShiftKind.NONE or size == 0:
        return clip
    groups = []
    for number, kernel in enumerate(shift.kernels):
        group = clip[:, number * size : (number + 1) * size]
        single = group.reshape(-1, 1, *clip.shape[2:])  # (B*q,1,T,h,w)
        weight = kernel.to(clip).view(1, 1, -1, 1, 1)
        if shift.spec.past == shift.spec.future:
            moved = conv3d(single, weight, padding=(shift.spec.past, 0, 0))
        else:
            sides = (0, 0, 0, 0, shift.spec.past, shift.spec.future)
            moved = conv3d(pad(single, sides), weight)
        groups.append(moved.view(group.shape))
    return torch.cat([*groups, clip[:, len(groups) * size :]], 1)


def _layer(module: GatedLayer, clip: Tensor) -> Tensor:
    """Run one layer on (B,C,T,h,w)."""
    if module.layer.upsample:
        clip = interpolate(clip, scale_factor=(1, 2, 2), mode="nearest")
    if module.kernel_frames > 1:
        feature = module.feature(clip)
    else:
        shifted = _shift_by_groups(module.shift, clip).transpose(1, 2).contiguous()  # (B,T,C,h,w)
        feature = module.feature(shifted.flatten(0, 1)).unflatten(0, shifted.shape[:2])
        feature = feature.transpose(1, 2)  # (B,C',T,h,w)
    if module.layer.activation:
        feature = leaky_relu(feature, SLOPE)
    if module.gate is None:
        return feature
    if module.kernel_frames > 1:
        gate = module.gate(clip)
    else:
        gate = torch.stack([module.gate(frame) for frame in clip.unbind(2)], 2)
    return torch.sigmoid(gate) * feature


class PublishedForm:
    """Run a network's weights the published way.

    Args:
        trunk: its weights are used unchanged, on their device and in their dtype.
    """

    def __init__(self, trunk: Trunk | CombCNBody) -> None:
        self.trunk = trunk

    def __call__(self, x: Tensor) -> Tensor:
        """Run whole clips.

        Args:
            x: (B,T,C,h,w); h and w multiples of 4.

        Returns:
            (B,T,outputs,h,w), as `Trunk.forward`.
        """
        if isinstance(self.trunk, CombCNBody):
            return self.trunk(x)
        clip = x.transpose(1, 2).contiguous()  # (B,C,T,h,w)
        kept: dict[str, Tensor] = {}
        wanted = {layer.skip_from for layer in LAYERS} if self.trunk.spec.skips else set()
        for module in self.trunk.layers():
            name, skip_from = module.layer.name, module.layer.skip_from
            if self.trunk.spec.skips and skip_from:
                clip = torch.cat([clip, kept.pop(skip_from)], 1)
            clip = _layer(module, clip)
            if name in wanted:
                kept[name] = clip
        return clip.transpose(1, 2)
