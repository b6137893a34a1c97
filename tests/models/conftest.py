"""Golden networks and clips of the published families."""

from __future__ import annotations

import math
import runpy
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from lgtsm.models.build import build, tensor_shapes
from lgtsm.models.network import Network
from lgtsm.models.spec import FAMILIES, NetworkSpec
from lgtsm.weights.published.combcn import infer_combcn, published_name, rename_combcn
from lgtsm.weights.published.trunk import (
    family_of,
    infer_trunk,
    key_map,
    modern_names,
    rename_published,
)
from tests.models.formula import uniform

STORED = ("lgtsm_firstoff_nf4", "lgtsm_w5g4_nf4", "gated3d_skip_oldkeys_nf2")


def _published(state: dict[str, Tensor]) -> Network:
    state = modern_names(state)
    trunk = infer_trunk(state)
    network = build(NetworkSpec(family=family_of(trunk), trunk=trunk))
    network.load_state_dict(rename_published(state, trunk))
    return network.eval()


def _formula_value(key: str, shape: tuple[int, ...]) -> np.ndarray:
    u = uniform(key, shape)
    if "learnableTSM" in key:
        one_hot = np.zeros(3)
        one_hot[2 if "pre_shift" in key else 0] = 0.8
        return one_hot + 0.2 * u
    if key.endswith(".bias"):
        return 0.05 * u
    gain = 1.0 if "gatingConv" in key else 0.6 if "conv11." in key else 3.9
    return gain * u / math.sqrt(math.prod(shape[1:]))


def _vectors(weight: Tensor, scale: float) -> tuple[Tensor, Tensor]:
    """Return the formula's u and v of a spectral norm, see the golden README."""
    matrix = weight.double().flatten(1)
    v = torch.nn.functional.normalize(matrix.sum(0), dim=0)
    u = torch.nn.functional.normalize(matrix @ v, dim=0)
    return (scale * u).float(), v.float()


def _formula_trunk(family: str) -> Network:
    """Return a network on the trunk at the published width with the golden formula's weights."""
    spec = FAMILIES[family]
    shapes = tensor_shapes(spec)
    state = {}
    for name, parts in key_map(spec.trunk).items():
        for names in parts:
            is_kernel = name.endswith("kernels")
            shape = (1, 1, 3, 1, 1) if is_kernel else shapes[name]
            key = names[0].replace(".layer.", ".")
            value = _formula_value(key, (3,) if is_kernel else shape)
            value = torch.from_numpy(value).float().reshape(shape)
            if value.dim() == 5 and not is_kernel and "conv11." not in key:
                scale = 0.3 if "featureConv" in key else 1.0
                state[f"{key}_u"], state[f"{key}_v"] = _vectors(value, scale)
                key += "_orig"
            state[key] = value
    return _published(state)


def _formula_combcn() -> Network:
    """Return CombCN at its published width with the golden formula's weights."""
    transposed = ("videoCN.conv9.", "videoCN.conv11.", "combCN.conv13.", "combCN.conv15.")
    state = {}
    for ours, shape in tensor_shapes(FAMILIES["combcn"]).items():
        key = published_name(ours)
        u = uniform(key, shape)
        if key.endswith("conv.weight"):
            fan = math.prod(shape[1:])
            if key.startswith(transposed):
                fan = shape[0] * math.prod(shape[2:]) / 4
            value = u * math.sqrt(2 / fan)
        elif key.endswith("norm_layer.weight"):
            value = 1 + 0.2 * u
        else:
            value = 0.6 + 0.2 * np.abs(u) if key.endswith("running_var") else 0.1 * u
        state[key] = torch.from_numpy(value).float()
    spec = infer_combcn(state)
    network = build(spec)
    network.load_state_dict(rename_combcn(state, spec))
    return network.eval()


FORMULA: dict[str, Callable[[], Network]] = {
    "lgtsm_nf64": lambda: _formula_trunk("lgtsm"),
    "gated3d_nf64_skip": lambda: _formula_trunk("gated3d_skips"),
    "combcn": _formula_combcn,
}


@pytest.fixture
def golden_case(request: pytest.FixtureRequest, golden: Path) -> Callable[[str], tuple]:
    """golden_case(name) -> (network, arrays); skips where the weights are outside the repository."""

    def load(name: str) -> tuple[Network, dict[str, np.ndarray]]:
        if name in FORMULA:
            return FORMULA[name](), dict(np.load(golden / f"{name}.npz"))
        if name in STORED:
            arrays = dict(np.load(golden / f"{name}.npz"))
            return _published(load_file(golden / f"{name}.safetensors")), arrays
        shared = request.getfixturevalue("shared_golden")
        arrays = dict(np.load(shared / "io" / f"{name}.npz"))
        return _published(request.getfixturevalue("checkpoint")(name)), arrays

    return load


@pytest.fixture
def checkpoint(golden: Path, shared_golden: Path) -> Callable[[str], dict[str, Tensor]]:
    """checkpoint(name) -> published state dict of ../shared/golden/checkpoints/NAME.pth."""
    # run by path, so that the one reader of the original's containers is the script's own
    read = runpy.run_path(str(golden / "make_golden.py"))["read_checkpoint"]
    return lambda name: read(shared_golden / "checkpoints" / f"{name}.pth")
