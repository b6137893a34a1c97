"""CombCN's body: a half-size 3-D network and a full-size 2-D one; layers in `combcn_spec`."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from .combcn_spec import COMBCN_LAYERS, FRAME_LAYERS, GUIDE, VIDEO_LAYERS, CombCNSpec, CombLayer
from .gated import convolution
from .trunk import check_size

Observe = Callable[[str, Tensor], None]


class BatchNorm(nn.Module):
    """torch's batch norm without its batch counter, which is neither a weight nor a float."""

    mean: Tensor
    var: Tensor

    def __init__(self, num_channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(num_channels))
        self.bias = nn.Parameter(torch.zeros(num_channels))
        self.register_buffer("mean", torch.zeros(num_channels))
        self.register_buffer("var", torch.ones(num_channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B,C,...) by the batch statistics in training, else by the stored ones."""
        return nn.functional.batch_norm(
            x, self.mean, self.var, self.weight, self.bias, training=self.training
        )


class ConvolutionNorm(nn.Module):
    """Convolution, then ReLU, then batch norm: in this order, as published."""

    def __init__(self, layer: CombLayer, inputs: int, outputs: int, *, in_time: bool) -> None:
        super().__init__()
        self.layer = layer
        self.feature = convolution(layer, inputs, outputs, layer.kernel if in_time else 1)
        self.norm = None if layer.last else BatchNorm(outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer to (B,C,T,h,w) or (N,C,h,w)."""
        x = self.feature(x)
        return x if self.norm is None else self.norm(torch.relu(x))


class CombCNBody(nn.Module):
    """Both networks, from masked frames and known mask to two predictions."""

    def __init__(self, spec: CombCNSpec) -> None:
        super().__init__()
        self.spec = spec
        for layer in COMBCN_LAYERS:
            module = ConvolutionNorm(layer, *spec.channels(layer), in_time=layer in VIDEO_LAYERS)
            self.add_module(layer.name, module)

    def layers(self) -> list[ConvolutionNorm]:
        """Return the layers in the order in which they run."""
        return [module for module in self.children() if isinstance(module, ConvolutionNorm)]

    def complete_half(self, x: Tensor, observe: Observe | None = None) -> Tensor:
        """Complete clips at half size.

        Args:
            x: (B,T,4,h,w), masked frames and known mask at full size; h and w multiples of 4.
            observe: called with each layer's name and output.

        Returns:
            (B,T,3,h/2,w/2): the prediction inside the hole, the frames outside.
        """
        half = x[..., ::2, ::2].transpose(1, 2)  # nearest: every second pixel; (B,4,T,h/2,w/2)
        known = half[:, 3:]
        predicted = self._run(VIDEO_LAYERS, half, {}, observe)
        return (predicted * (1 - known) + half[:, :3] * known).transpose(1, 2)

    def complete_frames(self, x: Tensor, guide: Tensor, observe: Observe | None = None) -> Tensor:
        """Complete single frames at full size.

        Args:
            x: (N,4,h,w), masked frames and known mask.
            guide: (N,3,h/2,w/2), the result of `complete_half`.
            observe: called with each layer's name and output.

        Returns:
            (N,3,h,w), not clamped.
        """
        return self._run(FRAME_LAYERS, x, {GUIDE: guide}, observe)

    def both(self, x: Tensor, observe: Observe | None = None) -> tuple[Tensor, Tensor]:
        """Run whole clips.

        Args:
            x: (B,T,4,h,w), masked frames and known mask.
            observe: called with each layer's name and output.

        Returns:
            (B,T,3,h,w) and (B,T,3,h/2,w/2), see `complete_frames` and `complete_half`.

        Raises:
            ShapeError: height or width is not a multiple of 4.
        """
        check_size(x, self.spec.multiple)
        half = self.complete_half(x, observe)
        frames = self.complete_frames(x.flatten(0, 1), half.flatten(0, 1), observe)
        return torch.unflatten(frames, 0, x.shape[:2]), half

    def forward(self, x: Tensor, observe: Observe | None = None) -> Tensor:
        """Run whole clips (B,T,4,h,w); return the full-size prediction (B,T,3,h,w)."""
        return self.both(x, observe)[0]

    def _run(
        self,
        layers: tuple[CombLayer, ...],
        x: Tensor,
        kept: dict[str, Tensor],
        observe: Observe | None,
    ) -> Tensor:
        """Run one of the two networks; `kept` holds the features that later layers append."""
        last_use = {name: layer.name for layer in layers for name in layer.also}
        sizes: dict[str, torch.Size] = {}
        for layer in layers:
            if layer.also:
                x = torch.cat([x, *(kept[name] for name in layer.also)], 1)
            for name in [name for name in kept if last_use[name] == layer.name]:
                del kept[name]
            x = self.get_submodule(layer.name)(x)
            if layer.fits:  # crop the extra frame, and the extra row and column of odd sides
                x = x[tuple(slice(size) for size in (None, None, *sizes[layer.fits]))]
            sizes[layer.name] = x.shape[2:]
            if layer.name in last_use:
                kept[layer.name] = x
            if observe is not None:
                observe(layer.name, x)
        return x
