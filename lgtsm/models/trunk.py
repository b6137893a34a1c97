"""The 17-layer gated encoder-decoder, built from a TrunkSpec.

Source: Chang et al. 2019, section 3.1; layer table in `spec.LAYERS`.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..errors import ShapeError
from .gated import GatedLayer
from .spec import LAYERS, TrunkSpec


def check_size(x: Tensor, multiple: int) -> None:
    """Raise ShapeError where height or width of (...,h,w) is not a multiple of a number."""
    height, width = x.shape[-2:]
    if height % multiple or width % multiple:
        raise ShapeError(
            f"Expected height and width to be multiples of {multiple}, got {height}x{width}; pad "
            "the clip or call lgtsm.inpaint, which does."
        )


class Trunk(nn.Module):
    """All layers in order, with encoder-decoder skips where the spec has them."""

    def __init__(self, spec: TrunkSpec) -> None:
        super().__init__()
        self.spec = spec
        for layer in LAYERS:
            sizes, shift = spec.channels(layer), spec.layer_shift(layer)
            module = GatedLayer(
                layer, *sizes, shift, gated=spec.gated, kernel_frames=spec.kernel_frames
            )
            self.add_module(layer.name, module)

    def layers(self) -> list[GatedLayer]:
        """Return the layers in the order in which they run."""
        return [module for module in self.children() if isinstance(module, GatedLayer)]

    def forward(self, x: Tensor, observe: Callable[[str, Tensor], None] | None = None) -> Tensor:
        """Run whole clips.

        Args:
            x: (B,T,C,h,w); h and w multiples of 4.
            observe: called with each layer's name and output (B*T,C',h',w'), for inspection.

        Returns:
            (B,T,outputs,h,w), linear times the last gate, not clamped.

        Raises:
            ShapeError: height or width is not a multiple of 4.
        """
        check_size(x, self.spec.multiple)
        batch, num_frames = x.shape[:2]
        features = x.flatten(0, 1).contiguous(memory_format=torch.channels_last)  # (B*T,C,h,w)
        kept: dict[str, Tensor] = {}
        kept_names = {layer.skip_from for layer in LAYERS if self.spec.skips}
        for module in self.layers():
            name, skip_from = module.layer.name, module.layer.skip_from
            if self.spec.skips and skip_from:
                # features of the decoder, then of the encoder
                features = torch.cat([features, kept.pop(skip_from)], 1)
            features = module(features, num_frames)
            if name in kept_names:
                kept[name] = features
            if observe is not None:
                observe(name, features)
        return torch.unflatten(features, 0, (batch, num_frames))
