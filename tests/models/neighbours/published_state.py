"""State dicts in the published layouts, with the weights of the golden formula."""

from __future__ import annotations

import math
import re

import numpy as np
import torch
from torch import Tensor, nn

from lgtsm.models.build import build, tensor_shapes
from lgtsm.models.neighbour_spec import AnySpec, CpnSpec, DfpnSpec, GuidedSpec
from lgtsm.models.spec import NetworkSpec
from lgtsm.weights.published.neighbours import LAYOUTS, NeighbourLayout
from tests.models.formula import uniform

LAYOUT_OF: dict[type[AnySpec], NeighbourLayout] = {
    type_: next(layout for layout in LAYOUTS if layout.family == family)
    for type_, family in (
        (DfpnSpec, "DFPN"),
        (CpnSpec, "CPN"),
        (NetworkSpec, "CHN"),
        (GuidedSpec, "guided inpainting"),
    )
}
_TRANSPOSED = re.compile(r"flow_\d+\.nn\.(22|28|34)\.weight")
_HE_GAINS = (
    (r"corr\.conv\.conv_2\.4\.", 3.0),
    (r"corr_mixer\.mixer\.24\.", 0.1),
    (r"flow_256\.nn\.40\.", 1.5),
    (r"Encoder\.value3\.", 1.5),
    (r"Decoder\.conv21\.", 6.0),
    (r"nn\.conv_first\.[0-3]\.", 0.75),
    (r"nn\.rrdb_trunk\..*\.conv5\.", 0.5),
    (r"nn\.trunk_conv\.", 0.02),
    (r"nn\.conv_last\.", 0.8),
)
_GUIDED_GAINS = (
    (r"\.write\.(projection|mlp\.dense2)\.|^deformable_writes\.\d\.v\.", 0.3),
    (r"\.(query|key|to_logits)\.", 2.0),
    (r"attn\.value\.|to_values|projection|dense2|^deformable_writes\.\d\.q\.", 1.0),
    (r"conv2\.ffc\.", 0.7),
    (r"", math.sqrt(2)),
)
_SMALL = re.compile(r"\.block[12]\.(conv2\.bn_[lg]|norm)\.weight$")


def _gain(key: str, gains: tuple[tuple[str, float], ...]) -> float:
    return next((gain for pattern, gain in gains if re.search(pattern, key)), 1.0)


def _fan(shape: tuple[int, ...], *, transposed: bool) -> float:
    return shape[0] * math.prod(shape[2:]) / 4 if transposed else math.prod(shape[1:])


def he(key: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return the weights of all networks but the guided one."""
    if key.endswith(".bias"):
        return 0.05 * uniform(key, shape)
    fan = _fan(shape, transposed=bool(_TRANSPOSED.fullmatch(key)))
    return _gain(key, _HE_GAINS) * uniform(key, shape) * math.sqrt(2 / fan)


def normalising(key: str, shape: tuple[int, ...]) -> np.ndarray | None:
    """Return the values of a normalisation or bias; None for other weights."""
    u = uniform(key, shape)
    if key.endswith("running_mean"):
        return 0.1 * u
    if key.endswith("running_var"):
        return 0.6 + 0.2 * np.abs(u)
    if key.endswith(".bias"):
        return 0.05 * u
    return 1 + 0.2 * u if len(shape) == 1 else None


def _guided(key: str, shape: tuple[int, ...], num_blocks: int) -> np.ndarray:
    value = normalising(key, shape)
    if value is not None:
        return 0.35 * value if _SMALL.search(key) else value
    u = uniform(key, shape)
    if key.endswith("latents"):
        return u
    ups = [f"model.{7 + num_blocks + 3 * i}.weight" for i in range(3)]
    is_head = key.startswith(f"model.{17 + num_blocks}.")
    gain = 0.1 if is_head else _gain(key, _GUIDED_GAINS)
    return gain * u / math.sqrt(_fan(shape, transposed=key in ups))


def _cpn_fc(key: str, shape: tuple[int, ...]) -> np.ndarray:
    u = uniform(key, shape)
    if key.endswith("bias"):
        return np.array([1, 0, 0, 0, 1, 0]) + 0.06 * u
    return 0.6 * u / math.sqrt(512)


def published_state(spec: AnySpec) -> dict[str, Tensor]:
    """Return the weights of the golden formula under the published names, each once."""
    layout = LAYOUT_OF[type(spec)]
    state = {}
    for ours, shape in tensor_shapes(spec).items():
        stored = layout.names(ours, spec)[-1]
        key = stored.removeprefix("generator.")
        if isinstance(spec, GuidedSpec):
            value = _guided(key, shape, spec.num_blocks)
        elif key.startswith("A_Regressor.fc."):
            value = _cpn_fc(key, shape)
        else:
            value = he(key, shape)
        state[stored] = torch.from_numpy(value).float()
    return state


def formula_network(spec: AnySpec) -> nn.Module:
    """Return a network with the golden formula's weights, by way of the published names."""
    network = build(spec)
    network.load_state_dict(LAYOUT_OF[type(spec)].rename(published_state(spec), spec))
    return network.eval().requires_grad_(False)
