"""A stream, and a whole forward, with fused kernels: triton's interpreter stands in for a device."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from lgtsm.box import Box
from lgtsm.engine.stream import StreamSetup
from lgtsm.engine.trunk_stream import TrunkStream
from lgtsm.models import gated
from lgtsm.models import shift as shift_module
from lgtsm.models.spec import FAMILIES, ShiftSpec

SIZE = (16, 24)
WHOLE = Box(0, 0, *SIZE)

pytestmark = pytest.mark.slow  # the interpreter is


def _run(trunk, x, chunk, kernels):
    stream = TrunkStream(
        trunk,
        StreamSetup(
            SIZE,
            torch.device("cpu"),
            torch.float32,
            lambda t: WHOLE if 0 <= t < len(x) else None,
            lambda: None,
        ),
    )
    for layer in stream.layers:
        layer.fused = kernels
    parts = [
        stream.push(x[t : t + chunk], WHOLE, len(x[t : t + chunk])) for t in range(0, len(x), chunk)
    ]
    while not stream.finished:
        parts.append(stream.finish(chunk))
    return torch.cat([part.pixels for part in parts if part.count])


@pytest.mark.parametrize("family", ["lgtsm", "gtsm", "lgtsm_causal", "refine", "tsm", "gated3d"])
def test_a_stream_with_kernels_equals_one_without(family, strong_network, interpreted_kernels, rng):
    trunk = strong_network(family, 9).trunk
    x = torch.rand(9, trunk.spec.inputs, *SIZE, generator=rng)
    with torch.inference_mode():
        plain, fused = (_run(trunk, x, 4, kernels) for kernels in (None, interpreted_kernels))
    assert plain.std() > 0.01
    torch.testing.assert_close(fused, plain, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shift", [ShiftSpec(width=5, groups=4, first_layer=False), ShiftSpec()])
def test_a_forward_with_kernels_equals_one_without(
    shift, strong_network, interpreted_kernels, monkeypatch, rng
):
    spec = FAMILIES["lgtsm"]
    trunk = strong_network(replace(spec, trunk=replace(spec.trunk, width=4, shift=shift)), 6).trunk
    x = torch.rand(2, 6, trunk.spec.inputs, *SIZE, generator=rng)
    calls = []

    def there(*tensors):
        calls.append(len(tensors))
        return interpreted_kernels

    with torch.inference_mode():
        plain = trunk(x)
        monkeypatch.setattr(gated, "kernels_for", there)
        monkeypatch.setattr(shift_module, "kernels_for", there)
        fused = trunk(x)
    assert {1, 2} == set(calls)
    torch.testing.assert_close(fused, plain, rtol=1e-5, atol=1e-5)
