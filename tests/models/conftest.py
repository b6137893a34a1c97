"""Golden networks and clips of the published families."""

from __future__ import annotations

import math
import runpy
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from lgtsm.models.build import build
from lgtsm.models.network import Network
from lgtsm.models.spec import FAMILIES
from lgtsm.weights.published import infer_spec, key_map, rename_published

STORED = ("lgtsm_firstoff_nf4", "lgtsm_w5g4_nf4", "lgtsm_nf64")


def _published(state: dict[str, Tensor]) -> Network:
    spec = infer_spec(state)
    network = build(spec)
    network.load_state_dict(rename_published(state, spec))
    return network.eval()


def _uniform(key: str, shape: tuple[int, ...]) -> np.ndarray:
    """Return the formula's values u of variance 1, float64; see the golden README."""
    h = np.arange(math.prod(shape), dtype=np.uint32)
    with np.errstate(over="ignore"):
        h = h * np.uint32(2654435761) + np.uint32(zlib.crc32(key.encode()))
        h ^= h >> np.uint32(15)
        h *= np.uint32(2246822519)
        h ^= h >> np.uint32(13)
        h *= np.uint32(3266489917)
        h ^= h >> np.uint32(16)
    return ((h / 2.0**32 * 2 - 1) * math.sqrt(3)).reshape(shape)


def _formula_value(key: str, shape: tuple[int, ...]) -> np.ndarray:
    u = _uniform(key, shape)
    if "learnableTSM" in key:
        one_hot = np.zeros(3)
        one_hot[2 if "pre_shift" in key else 0] = 0.8
        return one_hot + 0.2 * u
    if key.endswith(".bias"):
        return 0.05 * u
    gain = 1.0 if "gatingConv" in key else 0.6 if "conv11." in key else 3.9
    return gain * u / math.sqrt(math.prod(shape[1:]))


def _formula_network() -> Network:
    """Return LGTSM at the published width with the golden formula's weights."""
    spec = FAMILIES["lgtsm"]
    network = build(spec)
    ours = network.state_dict()
    for name, parts in key_map(spec).items():
        for row, names in enumerate(parts):
            target = ours[name][row] if len(parts) > 1 else ours[name]
            key = names[0].replace(".layer.", ".")
            target.copy_(torch.from_numpy(_formula_value(key, tuple(target.shape))))
    return network.eval()


@pytest.fixture
def golden_case(request: pytest.FixtureRequest, golden: Path) -> Callable[[str], tuple]:
    """golden_case(name) -> (network, arrays); skips where the weights lie outside the repository."""

    def load(name: str) -> tuple[Network, dict[str, np.ndarray]]:
        if name in STORED:
            arrays = dict(np.load(golden / f"{name}.npz"))
            if name == "lgtsm_nf64":
                return _formula_network(), arrays
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
