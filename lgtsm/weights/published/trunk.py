"""Names of the published networks on the trunk, mapped one to one to ours.

LGTSM, GTSM and vanilla TSM store each weight under two names, of which `X.layer.weight` is the one
that runs; their spectral norm (`weight_u`, `weight_v`) is on the other name and has no effect. In
the 3-D gated network it has: the weight that runs, and is kept, is `weight_orig` divided by u . W v
with the stored vectors. Old files lack the prefix of the generator.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ...errors import WeightsError
from ...models.build import tensor_shapes
from ...models.spec import LAYERS, LayerSpec, NetworkSpec, ShiftKind, ShiftSpec, TrunkSpec

DISCRIMINATOR = "temporal_discriminator."
"""Prefix of the tensors that are not converted."""

_UPPER = frozenset({"deconv1", "conv9", "deconv2", "conv10", "conv11"})
_BRANCHES = (("feature", "featureConv"), ("gate", "gatingConv"))
_BY_NAME = {layer.name: layer for layer in LAYERS}
_UNSHIFTED = ShiftSpec(kind=ShiftKind.NONE)


def _stem(layer: LayerSpec) -> str:
    """Return the published prefix of a layer."""
    return f"{_prefix(layer.name)}.{'conv.' if layer.upsample else ''}"


def _prefix(layer: str) -> str:
    part = "upsample_module" if layer in _UPPER else "downsample_module"
    return f"generator.coarse_net.{part}.{layer}"


def is_old_layout(state: Mapping[str, Tensor]) -> bool:
    """Whether a state dict names the generator's layers without their prefix."""
    return any(key.partition(".")[0] in _BY_NAME for key in state)


def modern_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a state dict with the generator's layers under their current names."""
    renamed = {}
    for key, value in state.items():
        layer, _, rest = key.partition(".")
        if layer in _BY_NAME:
            key = f"{_prefix(layer)}.{rest}"
        renamed[key] = value
    return renamed


def _aliases(stem: str, kind: str) -> tuple[str, ...]:
    """Return the names that a convolution's value may have, the one that runs first."""
    return f"{stem}.layer.{kind}", f"{stem}.{kind}", f"{stem}.{kind}_orig"


def _kernel_names(stem: str, groups: int) -> list[str]:
    """Return the names of one layer's shift kernels in the order of our groups."""
    two = ("pre_shift_conv", "post_shift_conv")
    names = two if groups == 2 else [f"shift_conv_{i}" for i in range(groups)]
    return [f"{stem}featureConv.learnableTSM.{name}.conv.weight" for name in names]


def family_of(trunk: TrunkSpec) -> str:
    """Return the published family that a trunk belongs to."""
    if trunk.kernel_frames > 1:
        return "gated3d_skips" if trunk.skips else "gated3d"
    if not trunk.gated:
        return "tsm"
    return "lgtsm" if trunk.shift.kind is ShiftKind.LEARNED else "gtsm"


def key_map(trunk: TrunkSpec) -> dict[str, list[tuple[str, ...]]]:
    """Return the published names of our tensors.

    Args:
        trunk: of one of the published families.

    Returns:
        For each name of ours the parts that it is stacked from (one, or one per shift group), each
        as the published names that it may have, in order of preference.
    """
    sources: dict[str, list[tuple[str, ...]]] = {}
    for layer in LAYERS:
        stem, ours = _stem(layer), f"trunk.{layer.name}"
        for branch, published in _BRANCHES[: 1 + trunk.gated]:
            for kind in ("weight", "bias"):
                sources[f"{ours}.{branch}.{kind}"] = [_aliases(stem + published, kind)]
        shift = trunk.layer_shift(layer)
        if shift.kind is ShiftKind.LEARNED:
            names = _kernel_names(stem, shift.groups)
            sources[f"{ours}.shift.kernels"] = [(name,) for name in names]
    return sources


def _fold(state: Mapping[str, Tensor], key: str) -> Tensor:
    """Return the weight that runs: divided by the stored sigma where spectral norm has an effect.

    The stored vectors need not be singular vectors, nor of unit length.
    """
    weight, stem = state[key], key.removesuffix("_orig")
    if weight.dim() < 5 or stem == key:
        return weight
    try:
        # in float32, as torch's own spectral norm does: float64 would be off by its rounding
        u, v = state[f"{stem}_u"].float(), state[f"{stem}_v"].float()
        return weight.float() / torch.dot(u, torch.mv(weight.float().flatten(1), v))
    except (KeyError, RuntimeError) as error:
        raise WeightsError(
            f"Expected the vectors {stem}_u and {stem}_v of {key}, found none that match it; use "
            "the complete state dict of the published network."
        ) from error


def rename_published(state: Mapping[str, Tensor], trunk: TrunkSpec) -> dict[str, Tensor]:
    """Rename the generator's tensors of a published state dict; the discriminator is dropped.

    Args:
        state: published names to tensors, see `modern_names`.
        trunk: of the same network, see `infer_trunk`.

    Returns:
        Our names to tensors, ready for a strict `load_state_dict`; some share memory with `state`.

    Raises:
        WeightsError: a tensor is missing, misshapen or left over.
    """
    generator = {key: value for key, value in state.items() if not key.startswith(DISCRIMINATOR)}
    shapes = tensor_shapes(NetworkSpec(family=family_of(trunk), trunk=trunk))
    kernels = [name for name in shapes if name.endswith(".kernels")]
    shapes |= dict.fromkeys(kernels, (1, 1, trunk.shift.width, 1, 1))
    # spectral norm has no effect in 2-D, and is folded in 3-D
    ignored = (".weight_u", ".weight_v")
    return rename(generator, key_map(trunk), shapes, family_of(trunk), ignored)


def rename(
    state: Mapping[str, Tensor],
    sources: Mapping[str, list[tuple[str, ...]]],
    shapes: Mapping[str, tuple[int, ...]],
    family: str,
    ignored: tuple[str, ...],
) -> dict[str, Tensor]:
    """Rename all tensors of a published state dict.

    Args:
        state: published names to tensors.
        sources: see `key_map`.
        shapes: published shape of each part of each of our tensors.
        family: for messages.
        ignored: endings of published names that may be left over.

    Returns:
        Our names to tensors.

    Raises:
        WeightsError: a tensor is missing, misshapen or left over.
    """
    left = set(state)
    result: dict[str, Tensor] = {}
    for name, parts in sources.items():
        values: list[Tensor] = []
        for names in parts:
            found = [key for key in names if key in left]
            if not found:
                raise WeightsError(
                    f"Expected {names[0]} in a published {family} network, found neither it nor an "
                    "alias; use the complete state dict of one of the published networks."
                )
            left.difference_update(found)
            value = state[found[0]]
            if tuple(value.shape) != shapes[name]:
                raise WeightsError(
                    f"Expected {found[0]} of shape {shapes[name]}, got {tuple(value.shape)}; use "
                    "the complete state dict of one of the published networks."
                )
            values.append(_fold(state, found[0]))
        is_shift = name.endswith(".kernels")
        result[name] = torch.stack([v.flatten() for v in values]) if is_shift else values[0]
    left = {key for key in left if not key.endswith(ignored)}
    if left:
        raise WeightsError(
            f"Expected nothing beyond a published {family} network, got {len(left)} tensors more, "
            f"such as {min(left)}; use a published file."
        )
    return result


def _weight(state: Mapping[str, Tensor], layer: str, dim: int) -> Tensor:
    """Return the feature weight of a layer.

    Raises:
        WeightsError: missing, or not a kernel of `dim` - 2 dimensions.
    """
    names = _aliases(_stem(_BY_NAME[layer]) + "featureConv", "weight")
    value = next((state[name] for name in names if name in state), None)
    if value is None or value.dim() != dim:
        found = "none" if value is None else f"shape {tuple(value.shape)}"
        raise WeightsError(
            f"Expected a published network with a {dim - 2}-D featureConv in {layer}, got {found}; "
            "use the complete state dict of one network."
        )
    return value


def infer_trunk(state: Mapping[str, Tensor]) -> TrunkSpec:
    """Infer the specification from names and shapes.

    Without shift kernels the shift is assumed to be fixed: plain 2-D networks have the same names,
    but none was published. The fraction of shifted channels cannot be inferred; it is assumed to be
    the usual half.

    Args:
        state: published names to tensors, see `modern_names`.

    Returns:
        The specification; see `family_of`.

    Raises:
        WeightsError: another family, or inputs, outputs, skips or kernels of none of the families.
    """
    gate = f"{_stem(LAYERS[0])}gatingConv."
    gated = any(key.startswith(gate) for key in state)
    kernels = _aliases(f"{_stem(LAYERS[0])}featureConv", "weight")
    dim = 5 if any(key in state and state[key].dim() == 5 for key in kernels) else 4
    names = ("conv1", "conv11", "deconv1", "conv8")
    first, last, deconv, bottom = (_weight(state, name, dim) for name in names)
    skips = dim == 5 and deconv.shape[1] == 2 * bottom.shape[0]
    into = bottom.shape[0] * (1 + skips)
    if first.shape[1] != 5 or last.shape[0] != 3 or deconv.shape[1] != into:
        raise WeightsError(
            "Expected 5 input channels, 3 output channels and skips in 3-D networks only, got "
            f"{first.shape[1]}, {last.shape[0]} and {deconv.shape[1]} channels into deconv1 after "
            f"{bottom.shape[0]} of conv8; no such {dim - 2}-D network was published."
        )
    if dim == 5:
        if not gated or first.shape[2] != 3:
            raise WeightsError(
                "Expected gates and kernels over 3 frames in a 3-D network, got "
                f"{'gates' if gated else 'no gates'} and {first.shape[2]} frames; no other 3-D "
                "network was published."
            )
        return TrunkSpec(width=first.shape[0], kernel_frames=3, skips=skips, shift=_UNSHIFTED)
    return TrunkSpec(width=first.shape[0], gated=gated, shift=_infer_shift(state))


def _infer_shift(state: Mapping[str, Tensor]) -> ShiftSpec:
    """Infer the shift from the kernels of the first two layers."""
    kernels = {
        layer.name: [
            value
            for key, value in state.items()
            if key.startswith(f"{_stem(layer)}featureConv.learnableTSM.")
        ]
        for layer in LAYERS[:2]
    }
    if not kernels["conv2"]:
        return ShiftSpec(kind=ShiftKind.FIXED)
    return ShiftSpec(
        width=kernels["conv2"][0].numel(),
        groups=len(kernels["conv2"]),
        first_layer=bool(kernels["conv1"]),
    )
