"""Names of the published CombCN, mapped one to one to ours."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ...errors import WeightsError
from ...models.build import tensor_shapes
from ...models.spec import CombCNSpec, NetworkSpec
from .trunk import rename

PREFIXES = ("videoCN.", "combCN.")
_BODIES = {"video": "videoCN", "frame": "combCN"}
_PARTS = {
    "feature.weight": "conv.weight",
    "feature.bias": "conv.bias",
    "norm.weight": "norm_layer.weight",
    "norm.bias": "norm_layer.bias",
    "norm.mean": "norm_layer.running_mean",
    "norm.var": "norm_layer.running_var",
}
_FIRST = "videoCN.conv1.conv.weight"


def published_name(ours: str) -> str:
    """Return the published name of a tensor: trunk.video_conv1.norm.var -> videoCN.conv1...."""
    _, layer, part = ours.split(".", 2)
    body, _, name = layer.partition("_")
    return f"{_BODIES[body]}.{name}.{_PARTS[part]}"


def infer_combcn(state: Mapping[str, Tensor]) -> NetworkSpec:
    """Infer the specification from the first layer.

    Raises:
        WeightsError: no such layer, or a width out of range.
    """
    first = state.get(_FIRST)
    if first is None or first.dim() != 5:
        found = "none" if first is None else f"shape {tuple(first.shape)}"
        raise WeightsError(
            f"Expected {_FIRST} with a 3-D kernel in a CombCN network, got {found}; use the "
            "complete state dict of the published network."
        )
    return NetworkSpec(family="combcn", trunk=CombCNSpec(width=first.shape[0]))


def rename_combcn(state: Mapping[str, Tensor], spec: NetworkSpec) -> dict[str, Tensor]:
    """Rename a published CombCN's tensors to ours, ready for a strict `load_state_dict`.

    Raises:
        WeightsError: a tensor is missing, misshapen or left over.
    """
    shapes = tensor_shapes(spec)
    sources = {ours: [(published_name(ours),)] for ours in shapes}
    # the batch counter of the running statistics is no weight
    return rename(state, sources, shapes, "CombCN", (".num_batches_tracked",))
