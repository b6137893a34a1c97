"""CombCN: a half-size 3-D network and a full-size 2-D one; layer tables in `combcn_spec`."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from ..errors import ShapeError
from ..fills.candidate_fill import CandidateFill
from .combcn_spec import COMBCN_LAYERS, FRAME_LAYERS, GUIDE, VIDEO_LAYERS, CombCNSpec, CombLayer
from .network import Network, check_clip

Observe = Callable[[str, Tensor], None]


class BatchNorm(nn.Module):
    """torch's batch norm without its count of batches, which is no weight and no float."""

    def __init__(self, num_channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(num_channels))
        self.bias = nn.Parameter(torch.zeros(num_channels))
        self.register_buffer("mean", torch.zeros(num_channels))
        self.register_buffer("var", torch.ones(num_channels))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise (B,C,...): with the batch's figures in training, else with the stored ones."""
        figures = (self.mean, self.var, self.weight, self.bias)
        return nn.functional.batch_norm(x, *figures, training=self.training)


class ConvolutionNorm(nn.Module):
    """Convolution, then ReLU, then batch norm: in this order, as published."""

    def __init__(self, layer: CombLayer, inputs: int, outputs: int, *, in_time: bool) -> None:
        super().__init__()
        self.layer = layer
        kinds = (nn.Conv3d, nn.ConvTranspose3d) if in_time else (nn.Conv2d, nn.ConvTranspose2d)

        def sizes(time: int, space: int) -> tuple[int, ...]:
            return (time, space, space) if in_time else (space, space)

        # a transposed kernel of 4 with padding 1 makes one frame more than there were
        pad = 1 if layer.transposed else layer.kernel // 2
        values = {
            "kernel_size": sizes(layer.kernel, layer.kernel),
            "stride": sizes(1, layer.stride),
            "padding": sizes(pad, layer.padding),
            "dilation": sizes(1, layer.dilation),
        }
        self.feature = kinds[layer.transposed](inputs, outputs, **values)
        self.norm = None
        if not layer.last:
            self.norm = BatchNorm(outputs)

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
        return [self.get_submodule(layer.name) for layer in COMBCN_LAYERS]

    def complete_half(self, x: Tensor, observe: Observe | None = None) -> Tensor:
        """Complete clips at half size.

        Args:
            x: (B,T,4,h,w), masked frames and known mask at full size; h and w multiples of 4.
            observe: called with each layer's name and output.

        Returns:
            (B,T,3,h/2,w/2): the prediction in the hole, the frames outside of it.
        """
        half = x[..., ::2, ::2].transpose(1, 2)  # nearest: every second pixel; (B,4,T,h/2,w/2)
        known = half[:, 3:]
        predicted = self._run(VIDEO_LAYERS, half, {}, observe)
        return (predicted * (1 - known) + half[:, :3] * known).transpose(1, 2)

    def complete_frames(self, x: Tensor, guide: Tensor, observe: Observe | None = None) -> Tensor:
        """Complete single frames at full size.

        Args:
            x: (N,4,h,w), masked frames and known mask.
            guide: (N,3,h/2,w/2) of `complete_half`.
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
            ShapeError: height or width is no multiple of 4.
        """
        height, width = x.shape[-2:]
        if height % self.spec.multiple or width % self.spec.multiple:
            raise ShapeError(
                f"Expected height and width to be multiples of {self.spec.multiple}, got "
                f"{height}x{width}; pad the clip or call lgtsm.inpaint, which does."
            )
        half = self.complete_half(x, observe)
        frames = self.complete_frames(x.flatten(0, 1), half.flatten(0, 1), observe)
        return frames.unflatten(0, x.shape[:2]), half

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
        """Run one of the two networks; `kept` holds what later layers append."""
        last_use = {name: layer.name for layer in layers for name in layer.also}
        sizes: dict[str, torch.Size] = {}
        for layer in layers:
            if layer.also:
                x = torch.cat([x, *(kept[name] for name in layer.also)], 1)
            for name in [name for name in kept if last_use[name] == layer.name]:
                del kept[name]
            x = self.get_submodule(layer.name)(x)
            if layer.fits:  # one frame too many, and a row and a column where sides are odd
                x = x[tuple(slice(size) for size in (None, None, *sizes[layer.fits]))]
            sizes[layer.name] = x.shape[2:]
            if layer.name in last_use:
                kept[layer.name] = x
            if observe is not None:
                observe(layer.name, x)
        return x


class CombCNNetwork(Network):
    """Masked frames and known mask in; pixels out, at full and at half size."""

    @staticmethod
    def make_trunk(spec: CombCNSpec) -> CombCNBody:
        """Return the two bodies."""
        return CombCNBody(spec)

    def encode(
        self,
        frames: Tensor,
        holes: Tensor,
        *,
        candidate: CandidateFill | None = None,
        guidance: Tensor | None = None,
    ) -> Tensor:
        """Return (N,4,h,w): masked frames and known mask.

        Raises:
            ShapeError: guidance, which this family does not take.
        """
        if guidance is not None:
            raise ShapeError(
                "Expected no guidance for the combcn family, got some; leave guidance out or use "
                "one of the gated families."
            )
        known = 1 - holes  # the published tensors have 1 = known
        return torch.cat([frames * known, known], -3)

    def decode(self, output: Tensor, candidate: CandidateFill | None) -> Tensor:
        """Return the trunk's output: it is the picture."""
        return output

    def forward(self, frames: Tensor, holes: Tensor, guidance: Tensor | None = None) -> Tensor:
        """Fill whole clips; see `forward_all`.

        Returns:
            (B,T,3,h,w) raw prediction for every pixel, not clamped, not composed.
        """
        return self.forward_all(frames, holes, guidance)["raw"]

    def forward_all(
        self, frames: Tensor, holes: Tensor, guidance: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Fill whole clips at both sizes.

        Args:
            frames: (B,T,3,h,w) in [0,1]; h and w multiples of `multiple`.
            holes: (B,T,1,h,w), 1 = hole.
            guidance: must be None; this family takes none.

        Returns:
            raw: (B,T,3,h,w), not clamped, not composed. incomplete: (B,T,3,h/2,w/2), the half-size
            completion, which equals every second pixel of the frames outside the hole.

        Raises:
            ShapeError: shapes that do not fit, or guidance given.
        """
        check_clip(frames, holes)
        raw, half = self.trunk.both(self.encode(frames, holes, guidance=guidance))
        return {"raw": raw, "incomplete": half}
