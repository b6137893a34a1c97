"""The discriminators of published checkpoints, for training on from them.

Names `temporal_discriminator.convN.featureConv.*`; `.conv.` instead in files of the old layout. The
3-D ones keep their spectral norm with its stored vectors; that of the 2-D ones has no effect.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ...errors import WeightsError
from ...models.discriminator import LAYERS, Discriminator, DiscriminatorSpec
from ...models.spec import ShiftKind, ShiftSpec

PREFIX = "temporal_discriminator."
_NORM = "parametrizations.weight"
_NORM_PARTS = {
    "weight_orig": f"{_NORM}.original",
    "weight_u": f"{_NORM}.0._u",
    "weight_v": f"{_NORM}.0._v",
}


def _plain_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the discriminator's tensors without prefix, in the layout of today."""
    plain = {}
    for key, value in state.items():
        if key.startswith(PREFIX):
            layer, _, rest = key.removeprefix(PREFIX).partition(".")
            plain[f"{layer}.{rest.removeprefix('featureConv.').removeprefix('conv.')}"] = value
    return plain


def _kernels(plain: Mapping[str, Tensor], layer: str) -> list[Tensor]:
    """Return the shift kernels of a layer in the order of their groups."""
    stem = f"{layer}.learnableTSM."
    # "pre" before "post", numbers as numbers: the order of the groups
    names = sorted(
        (name for name in plain if name.startswith(stem)),
        key=lambda name: (len(name), name) if "shift_conv_" in name else (0, "post" in name),
    )
    return [plain[name].flatten() for name in names]


def _infer_spec(plain: Mapping[str, Tensor]) -> DiscriminatorSpec:
    """Read the specification off names and shapes."""
    names = ("conv1.layer.weight", "conv1.weight_orig", "conv1.weight")
    first = next((plain[name] for name in names if name in plain), None)
    if first is None or first.dim() not in (4, 5):
        raise WeightsError(
            f"Expected {PREFIX}conv1 with a 2-D or 3-D kernel in a published checkpoint, got "
            f"{'none' if first is None else tuple(first.shape)}; use a file that still has its "
            "discriminator."
        )
    if first.dim() == 5:
        return DiscriminatorSpec(
            width=first.shape[0],
            kernel_frames=first.shape[2],
            spectral_norm="conv1.weight_u" in plain,
            shift=ShiftSpec(kind=ShiftKind.NONE),
        )
    kernels = _kernels(plain, "conv2")
    shift = ShiftSpec(kind=ShiftKind.FIXED)
    if kernels:
        shift = ShiftSpec(
            width=kernels[0].numel(),
            groups=len(kernels),
            first_layer=bool(_kernels(plain, "conv1")),
        )
    return DiscriminatorSpec(width=first.shape[0], shift=shift)


def load_discriminator(state: Mapping[str, Tensor]) -> Discriminator:
    """Build the discriminator of a published state dict.

    Args:
        state: published names to tensors, see `container.read_container`; a generator in it is
            left alone.

    Returns:
        The discriminator with its weights and, where it is 3-D, singular vectors.

    Raises:
        WeightsError: none in there, or tensors that do not fit.
    """
    plain = _plain_names(state)
    spec = _infer_spec(plain)
    tensors: dict[str, Tensor] = {}
    for layer in LAYERS:
        ours = f"{layer.name}.feature."
        for name in ("weight", "bias"):
            # what runs comes first; the 3-D layers have no inner one
            keys = [f"{layer.name}.{k}" for k in (f"layer.{name}", name, f"{name}_orig")]
            found = next((plain[key] for key in keys if key in plain), None)
            if found is not None:
                tensors[ours + name] = found
        if spec.spectral_norm and layer is not LAYERS[-1]:
            tensors.pop(f"{ours}weight", None)
            for name, part in _NORM_PARTS.items():
                if f"{layer.name}.{name}" in plain:
                    tensors[ours + part] = plain[f"{layer.name}.{name}"]
        if spec.layer_shift(layer).kind is ShiftKind.LEARNED:
            rows = _kernels(plain, layer.name)
            if len({row.shape for row in rows}) == 1:
                tensors[f"{layer.name}.shift.kernels"] = torch.stack(rows)
    with torch.device("meta"):  # shapes of a file may claim any size; compared before allocating
        state = Discriminator(spec).state_dict()
    expected = {name: value.shape for name, value in state.items()}
    found = {name: value.shape for name, value in tensors.items()}
    if expected != found:
        wrong = sorted(set(expected.items()) ^ set(found.items()))[0][0]
        raise WeightsError(
            f"Expected the {len(expected)} tensors of a published discriminator of width "
            f"{spec.width}, got {len(found)} of which {wrong} does not fit; use the published file."
        )
    discriminator = Discriminator(spec)
    discriminator.load_state_dict({name: value.float() for name, value in tensors.items()})
    return discriminator
