"""Names of the published gated 2-D networks (LGTSM and GTSM), mapped one to one to ours.

The published files hold each weight under two names, of which `X.layer.weight` is what runs. Their
spectral norm (`weight_u`, `weight_v`) sits on the other name and so has no effect in these families.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ..errors import WeightsError
from ..models.spec import LAYERS, LayerSpec, NetworkSpec, ShiftKind, ShiftSpec, TrunkSpec

_UPPER = frozenset({"deconv1", "conv9", "deconv2", "conv10", "conv11"})
_BRANCHES = (("feature", "featureConv"), ("gate", "gatingConv"))
_CRITIC = "temporal_discriminator."
_BY_NAME = {layer.name: layer for layer in LAYERS}


def _stem(layer: LayerSpec) -> str:
    """Return the published prefix of a layer."""
    part = "upsample_module" if layer.name in _UPPER else "downsample_module"
    wrapper = "conv." if layer.upsample else ""
    return f"generator.coarse_net.{part}.{layer.name}.{wrapper}"


def _aliases(stem: str, kind: str) -> tuple[str, ...]:
    """Return the names under which a convolution may hold a value, what runs first."""
    return f"{stem}.layer.{kind}", f"{stem}.{kind}", f"{stem}.{kind}_orig"


def _kernel_names(stem: str, groups: int) -> list[str]:
    """Return the names of one layer's shift kernels in the order of our groups."""
    two = ("pre_shift_conv", "post_shift_conv")
    names = two if groups == 2 else [f"shift_conv_{i}" for i in range(groups)]
    return [f"{stem}featureConv.learnableTSM.{name}.conv.weight" for name in names]


def key_map(spec: NetworkSpec) -> dict[str, list[tuple[str, ...]]]:
    """Return where each of our tensors comes from.

    Args:
        spec: of a network of the family lgtsm or gtsm.

    Returns:
        For each name of ours the parts it is stacked from (one, or one a shift group), each as the
        published names it may have, in order of preference.
    """
    sources: dict[str, list[tuple[str, ...]]] = {}
    for layer in LAYERS:
        stem, ours = _stem(layer), f"trunk.{layer.name}"
        for branch, published in _BRANCHES:
            for kind in ("weight", "bias"):
                sources[f"{ours}.{branch}.{kind}"] = [_aliases(stem + published, kind)]
        shift = spec.trunk.layer_shift(layer)
        if shift.kind is ShiftKind.LEARNED:
            names = _kernel_names(stem, shift.groups)
            sources[f"{ours}.shift.kernels"] = [(name,) for name in names]
    return sources


def _shape(name: str, spec: NetworkSpec) -> tuple[int, ...]:
    """Return the published shape of one part of our tensor `name`."""
    _, layer_name, branch, kind = name.split(".")
    if branch == "shift":
        return 1, 1, spec.trunk.shift.width, 1, 1
    layer = _BY_NAME[layer_name]
    inputs, outputs = spec.trunk.channels(layer)
    return (outputs,) if kind == "bias" else (outputs, inputs, layer.kernel, layer.kernel)


def rename_published(state: Mapping[str, Tensor], spec: NetworkSpec) -> dict[str, Tensor]:
    """Rename the generator's tensors of a published state dict; the discriminator is left out.

    Args:
        state: published names to tensors.
        spec: of the same network, see `infer_spec`.

    Returns:
        Our names to tensors, ready for a strict `load_state_dict`; some share memory with `state`.

    Raises:
        WeightsError: a tensor is missing, misshapen or left over.
    """
    left = {key for key in state if not key.startswith(_CRITIC)}
    result: dict[str, Tensor] = {}
    for name, parts in key_map(spec).items():
        values = []
        for names in parts:
            found = [key for key in names if key in left]
            if not found:
                raise WeightsError(
                    f"Expected {names[0]} in a published {spec.family} network, found neither it "
                    "nor an alias; use the whole state dict of one of the published 2-D networks."
                )
            left.difference_update(found)
            value = state[found[0]]
            if tuple(value.shape) != _shape(name, spec):
                raise WeightsError(
                    f"Expected {found[0]} of shape {_shape(name, spec)}, got "
                    f"{tuple(value.shape)}; use the specification that belongs to the file."
                )
            values.append(value)
        is_shift = name.endswith(".kernels")
        result[name] = torch.stack([v.flatten() for v in values]) if is_shift else values[0]
    # the stored singular vectors belong to a spectral norm without effect
    left = {key for key in left if not key.endswith((".weight_u", ".weight_v"))}
    if left:
        raise WeightsError(
            f"Expected nothing beyond a published {spec.family} network, got {len(left)} tensors "
            f"more, such as {min(left)}; use a file of the gated 2-D family without norm layers."
        )
    return result


def _weight(state: Mapping[str, Tensor], layer: str, branch: str = "featureConv") -> Tensor:
    """Return the weight that runs, in a layer that every file of these families has.

    Raises:
        WeightsError: not there, or a 3-D kernel.
    """
    names = _aliases(_stem(_BY_NAME[layer]) + branch, "weight")
    value = next((state[name] for name in names if name in state), None)
    if value is None or value.dim() != 4:
        found = "none" if value is None else f"shape {tuple(value.shape)}"
        raise WeightsError(
            f"Expected a published LGTSM or GTSM network with a 2-D {branch} in {layer}, got "
            f"{found}; the 3-D, vanilla, partial and CombCN networks are other families."
        )
    return value


def infer_spec(state: Mapping[str, Tensor]) -> NetworkSpec:
    """Read the specification off names and shapes.

    A file without shift kernels is taken for GTSM: a plain 2-D network has the same names, but none
    was published. The share of shifted channels cannot be read and is taken for the usual half.

    Args:
        state: published names to tensors.

    Returns:
        The specification, of family lgtsm or gtsm.

    Raises:
        WeightsError: another family, or inputs, outputs or skips that no published 2-D net has.
    """
    first, last = _weight(state, "conv1"), _weight(state, "conv11")
    _weight(state, "conv1", "gatingConv")
    deconv, bottom = _weight(state, "deconv1"), _weight(state, "conv8")
    if first.shape[1] != 5 or last.shape[0] != 3 or deconv.shape[1] != bottom.shape[0]:
        raise WeightsError(
            "Expected 5 input channels, 3 output channels and no skips, got "
            f"{first.shape[1]}, {last.shape[0]} and {deconv.shape[1]} channels into deconv1 after "
            f"{bottom.shape[0]} of conv8; no such 2-D network was published."
        )
    kernels = {
        name: [value for key, value in state.items() if key.startswith(_shift_stem(name))]
        for name in ("conv1", "conv2")
    }
    if not kernels["conv2"]:
        trunk = TrunkSpec(width=first.shape[0], shift=ShiftSpec(kind=ShiftKind.FIXED))
        return NetworkSpec(family="gtsm", trunk=trunk)
    shift = ShiftSpec(
        width=kernels["conv2"][0].numel(),
        groups=len(kernels["conv2"]),
        first_layer=bool(kernels["conv1"]),
    )
    return NetworkSpec(family="lgtsm", trunk=TrunkSpec(width=first.shape[0], shift=shift))


def _shift_stem(layer: str) -> str:
    """Return the published prefix of a layer's shift kernels."""
    return f"{_stem(_BY_NAME[layer])}featureConv.learnableTSM."
