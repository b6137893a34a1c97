"""Fused kernels on a CUDA device: the same numbers as plain torch, alone and in the engine."""

import pytest
import torch

import lgtsm
from lgtsm.engine import layer
from lgtsm.models.fused import kernels_for, plain_shift
from lgtsm.options import DType, InpaintOptions, RunOptions
from lgtsm.scene.camera import SceneOptions
from lgtsm.scene.render import render_scene

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
DTYPES = [torch.float32, torch.bfloat16, torch.float16]


@pytest.fixture
def kernels():
    pytest.importorskip("triton", reason="needs triton")
    with torch.no_grad():
        found = kernels_for(torch.zeros(1, 8, 4, 4, device="cuda"))
    assert found is not None, "the trial on the device failed"
    return found


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(1, 3, 1, 1), (5, 33, 17, 29), (16, 128, 90, 160)])
def test_kernels_equal_plain_torch(kernels, shape, dtype, layout):
    rng = torch.Generator("cuda").manual_seed(0)
    x, gate = (
        torch.randn(shape, device="cuda", generator=rng).to(dtype).contiguous(memory_format=layout)
        for _ in range(2)
    )
    taps = torch.randn(shape[1] // 2, 3, device="cuda", generator=rng).to(dtype)
    wanted = plain_shift(x.double()[None], taps.double(), 1)[0]
    eps = torch.finfo(dtype).eps
    found = kernels.shift(x, taps, 1, len(x), len(x), -1)
    torch.testing.assert_close(found.double(), wanted, rtol=2 * eps, atol=1e-6)
    wanted = torch.nn.functional.leaky_relu(x.double(), 0.2) * gate.double().sigmoid()
    found = kernels.leaky_gate_(x, gate, 0.2)
    torch.testing.assert_close(found.double(), wanted, rtol=2 * eps + 1e-6, atol=1e-6)


@pytest.mark.parametrize("dtype", [DType.FP32, DType.BF16])
def test_a_job_with_kernels_equals_one_without(kernels, dtype, monkeypatch):
    scene = render_scene(SceneOptions(num_frames=12, height=90, width=160))
    run = RunOptions(device="cuda", dtype=dtype)
    options = InpaintOptions(run=run, cuts=())
    fused = lgtsm.inpaint(scene.frames, scene.mask, None, options)
    monkeypatch.setattr(layer, "kernels_on", lambda *_: None)
    plain = lgtsm.inpaint(scene.frames, scene.mask, None, options)
    assert (fused - plain).abs().max() < (1e-3 if dtype is DType.FP32 else 0.05)
