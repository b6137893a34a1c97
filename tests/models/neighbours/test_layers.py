"""Statistics of every recorded layer, in the order of execution: they show the first wrong one."""

from __future__ import annotations

import re
from collections import defaultdict

import numpy as np
import pytest
import torch

from lgtsm.models.neighbour_spec import CpnSpec, DfpnSpec, GuidedSpec
from lgtsm.models.spec import PAINTERS
from tests.models.neighbours.published_state import LAYOUT_OF, formula_network
from tests.models.neighbours.test_chn import moved
from tests.models.neighbours.vectors import SHARED, Vectors, spread

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not SHARED.is_dir(), reason="needs ../shared/golden, which is not part of the repository"
    ),
]
_CONTAINERS = (
    (r"blocks\.(\d+)((?:\.\w+)?)", 6, "model"),
    (r"stem\.(\d+)()", 1, "model"),
    (r"latent()()", 5, "model"),
    (r"flow_writes\.(\d+)()", 0, "deformable_writes"),
)
"""Modules that are no single layer: a pattern of ours, and the published number of the first."""
_SMALL = GuidedSpec(num_blocks=2, num_cross=1, side=4, fourier=False)


def _guided(vectors, network, prefix, repeats=1):
    names = ("flow_quarter", "flow_err_quarter") if repeats > 1 else ("flow_f16", "flow_err_f16")
    flow, error = (spread(repeats * vectors.tensor(f"{prefix}_{name}"), repeats) for name in names)
    network(vectors.views(f"{prefix}_", repeats), flow, error)


RUNS = {
    "dfpn a": (DfpnSpec(), lambda v, n: n(v.views("a_"))),
    "cpn_align a": (CpnSpec(whole=False, align_corners=False), lambda v, n: n.align(v.views("a_"))),
    "chn a": (
        PAINTERS["chn"],
        lambda v, n: n.painter(v.views("a_"), moved(v.views("a_"), 1)),
    ),
    "cpn_full ac0": (CpnSpec(align_corners=False), lambda v, n: n(v.views())),
    "cpn_full ac1": (CpnSpec(align_corners=True), lambda v, n: n(v.views())),
    "guided a": (GuidedSpec(), lambda v, n: _guided(v, n, "a", 4)),
    "guided c": (_SMALL, lambda v, n: _guided(v, n, "c")),
}


def _watch(module, name, seen, *, of_cpn):
    """Keep figures of every output of a module under its published name."""

    def record(_module, _inputs, output):
        whole = (output[0] if isinstance(output, tuple) else output).double()
        # the original encodes one frame of a CPN after the other, and its layers hold their ReLU
        if of_cpn and name in ("Decoder.conv4", "Decoder.convA4_4"):
            whole = whole.relu()
        for x in whole.split(1) if of_cpn else (whole,):
            figures = (x.mean(), x.std(), x.abs().sum())
            seen[name].append((x.shape, [float(f) for f in figures], x.flatten()[:8]))

    module.register_forward_hook(record)


def _watch_layers(network, spec, seen, *, of_cpn):
    for ours in network.state_dict():
        path, _, kind = ours.rpartition(".")
        if kind == "weight":
            stored = LAYOUT_OF[type(spec)].names(ours, spec)[-1].removeprefix("generator.")
            stored = stored.removesuffix(".weight")
            names = [stored.removesuffix(".conv.0") if of_cpn else stored]
            names += ["Encoder"] if of_cpn and names[0] == "Encoder.value3" else []  # its last
            for name in names:
                _watch(network.get_submodule(path), name, seen, of_cpn=of_cpn)
    for path, module in network.named_modules() if isinstance(spec, GuidedSpec) else ():
        for pattern, first, prefix in _CONTAINERS:
            if found := re.fullmatch(pattern, path):
                number = int(found[1] or 0) + first
                _watch(module, f"{prefix}.{number}{found[2]}", seen, of_cpn=False)


@pytest.mark.parametrize("run", RUNS)
@torch.no_grad()
def test_every_layer_equals_the_original(run):
    (spec, call), (name, case) = RUNS[run], run.split()
    vectors, network, seen = Vectors(name), formula_network(spec), defaultdict(list)
    _watch_layers(network, spec, seen, of_cpn=name == "cpn_full")
    call(vectors, network)
    compared = 0
    for i, layer in enumerate(vectors[f"{case}_layer_names"]):
        if not seen[layer]:
            continue  # a container
        shape, figures, first = seen[layer].pop(0)
        assert str(tuple(shape)) == vectors[f"{case}_layer_shapes"][i], layer
        expected = vectors[f"{case}_layer_mean_std_abssum"][i]
        scale = expected[2] / np.prod(shape)
        assert abs(figures[0] - expected[0]) <= 1e-4 * max(1, scale), layer
        assert figures[1:] == pytest.approx(list(expected[1:]), rel=1e-4), layer
        assert np.allclose(first, vectors[f"{case}_layer_first8"][i], atol=1e-4 * max(1, scale)), (
            layer
        )
        compared += 1
    assert compared >= 0.7 * len(vectors[f"{case}_layer_names"])
