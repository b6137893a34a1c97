"""Fused kernels give the numbers of plain torch; here in triton's interpreter, on CUDA in tests/gpu."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from lgtsm.models.fused import _trial_error, kernels_for, plain_shift
from lgtsm.models.shift import TemporalShift
from lgtsm.models.spec import ShiftKind, ShiftSpec

ROOT = Path(__file__).resolve().parents[2]
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
LAYOUTS = (torch.channels_last, torch.contiguous_format)
EVERY_DTYPE = [
    pytest.param(dtype, id=name, marks=() if name == "fp32" else pytest.mark.slow)
    for name, dtype in DTYPES.items()
]


def _close(found, wanted, dtype):
    """The exact value rounded once; plain torch in half precision rounds at every step."""
    assert found.dtype is dtype
    assert found.shape == wanted.shape
    eps = torch.finfo(dtype).eps
    torch.testing.assert_close(found.double(), wanted, rtol=2 * eps, atol=4e-7)


@pytest.mark.parametrize("layout", LAYOUTS, ids=["channels_last", "contiguous"])
@pytest.mark.parametrize("dtype", EVERY_DTYPE)
@pytest.mark.parametrize("shape", [(1, 1, 1, 1), (3, 5, 7, 11), (2, 8, 16, 33), (1, 3, 1, 1024)])
@pytest.mark.parametrize("slope", [0.2, 1.0])
def test_gate_times_activation(interpreted_kernels, shape, dtype, layout, slope, rng):
    feature, gate = (
        (3 * torch.randn(shape, generator=rng)).to(dtype).contiguous(memory_format=layout)
        for _ in range(2)
    )
    exact = torch.nn.functional.leaky_relu(feature.double(), slope) * gate.double().sigmoid()
    strides = feature.stride()
    found = interpreted_kernels.leaky_gate_(feature, gate, slope)
    assert found is feature
    assert found.stride() == strides
    _close(found, exact, dtype)


@pytest.mark.filterwarnings("ignore:overflow")  # numpy's, of the interpreter
def test_large_and_broken_numbers_pass_the_gate_as_in_plain_torch(interpreted_kernels):
    feature = torch.tensor([-1e30, 1e30, float("nan"), float("inf"), 2.0, -2.0]).view(1, 6, 1, 1)
    gate = torch.tensor([100.0, -50.0, 1.0, 1.0, 200.0, -200.0]).view(1, 6, 1, 1)
    wanted = torch.nn.functional.leaky_relu(feature, 0.2) * gate.sigmoid()
    found = interpreted_kernels.leaky_gate_(feature.clone(), gate, 0.2)
    torch.testing.assert_close(found, wanted, equal_nan=True, rtol=1e-5, atol=1e-37)


@pytest.mark.parametrize("layout", LAYOUTS, ids=["channels_last", "contiguous"])
@pytest.mark.parametrize("dtype", EVERY_DTYPE)
@pytest.mark.parametrize("kind", [ShiftKind.FIXED, ShiftKind.LEARNED])
@pytest.mark.parametrize("spec", [{}, {"width": 5, "groups": 4}, {"causal": True}, {"width": 1}])
@pytest.mark.parametrize(("num_frames", "channels"), [(1, 4), (2, 9), (7, 16)])
def test_shift_of_whole_clips(
    interpreted_kernels, num_frames, channels, spec, kind, dtype, layout, rng
):
    shift = TemporalShift(ShiftSpec(kind=kind, **spec), channels)
    if kind is ShiftKind.LEARNED:
        with torch.no_grad():
            shift.kernels.copy_(torch.randn(shift.kernels.shape, generator=rng))
    shift = shift.to(dtype)
    x = torch.randn(2 * num_frames, channels, 3, 5, generator=rng).to(dtype)
    x = x.contiguous(memory_format=layout)
    taps, past = shift.taps().detach().contiguous(), shift.spec.past
    exact = shift.double()(x.double(), num_frames).detach()
    found = interpreted_kernels.shift(x, taps, past, num_frames, num_frames, -past)
    assert found.is_contiguous(memory_format=layout)
    _close(found, exact, dtype)
    clips = x.double().unflatten(0, (2, num_frames))
    plain = plain_shift(clips, taps.double(), past).flatten(0, 1)
    torch.testing.assert_close(plain, exact)


@pytest.mark.parametrize("dtype", EVERY_DTYPE)
@pytest.mark.parametrize(("past", "future"), [(1, 1), (2, 0), (2, 2)])
def test_shift_of_a_stream_that_has_its_neighbours(interpreted_kernels, past, future, dtype, rng):
    width, ready = past + future + 1, 4
    row = torch.randn(past + ready + future, 10, 3, 7, generator=rng).to(dtype)
    row = row.contiguous(memory_format=torch.channels_last)
    taps = torch.randn(6, width, generator=rng).to(dtype)
    wanted = row[past : past + ready].double()
    wanted[:, :6] = sum(
        row[k : k + ready, :6].double() * taps[:, k, None, None].double() for k in range(width)
    )
    before = row.clone()
    _close(interpreted_kernels.shift(row, taps, past, len(row), ready, 0), wanted, dtype)
    assert torch.equal(row, before)


def test_broken_numbers_of_other_frames_stay_out_of_a_fixed_shift(interpreted_kernels):
    x = torch.zeros(3, 4, 1, 2)
    x[1] = float("nan")
    taps = torch.tensor([[0.0, 0, 1], [1, 0, 0]])
    found = interpreted_kernels.shift(x, taps, 1, 3, 3, -1)
    assert found[:, 2:].isnan().all(-1).all(-1).tolist() == [[False] * 2, [True] * 2, [False] * 2]
    assert found[:, 0, 0, 0].isnan().tolist() == [True, False, False]
    assert found[:, 1, 0, 0].isnan().tolist() == [False, False, True]


@pytest.mark.parametrize("dtype", EVERY_DTYPE)
def test_the_trial_passes_right_kernels_and_no_wrong_ones(interpreted_kernels, dtype):
    cpu = torch.device("cpu")
    assert _trial_error(interpreted_kernels, cpu, dtype) <= 1

    class Wrong:
        shift = staticmethod(interpreted_kernels.shift)

        @staticmethod
        def leaky_gate_(feature, gate, slope):
            return interpreted_kernels.leaky_gate_(feature, gate, slope + 0.1)

    assert _trial_error(Wrong, cpu, dtype) > 1


def test_a_cpu_has_no_kernels():
    with torch.no_grad():
        assert kernels_for(torch.zeros(1, 4, 2, 2)) is None


@pytest.mark.slow
def test_triton_is_not_imported_before_it_is_of_use():
    code = "import sys, lgtsm.engine.run, lgtsm.models.build; assert 'triton' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, timeout=120)


_COMPILE = """
import sys
import triton
from triton.backends.compiler import GPUTarget
from lgtsm.models import kernels

element, last = sys.argv[1], sys.argv[2] == "True"
pointers = ("x", "taps", "out", "feature", "gate")
kinds = {"slope": "fp32", **dict.fromkeys(pointers, f"*{element}")}
fixed = {"WIDTH": 3, "PAST": 1, "CHANNELS_LAST": last, "BLOCK": 1024}
for kernel in (kernels._shift_kernel, kernels._leaky_gate_kernel):
    known = {name: value for name, value in fixed.items() if name in kernel.arg_names}
    signature = {name: kinds.get(name, "i32") for name in kernel.arg_names}
    signature |= dict.fromkeys(known, "constexpr")
    source = triton.compiler.ASTSource(kernel, signature, constexprs=known)
    assert triton.compile(source, target=GPUTarget("cuda", 90, 32)).asm["cubin"]
"""


@pytest.mark.slow
@pytest.mark.parametrize("last", [True, False], ids=["channels_last", "contiguous"])
@pytest.mark.parametrize("element", ["fp32", "bf16"])
def test_kernels_compile_for_a_device_that_is_not_here(element, last, tmp_path):
    if importlib.util.find_spec("triton") is None:
        pytest.skip("needs triton, whose compiler needs no device")
    # in a process of its own: the interpreter leaves traces in triton
    plain = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
    words = [sys.executable, "-c", _COMPILE, element, str(last)]
    environment = plain | {"TRITON_CACHE_DIR": str(tmp_path)}
    subprocess.run(words, cwd=ROOT, env=environment, check=True, timeout=300)
