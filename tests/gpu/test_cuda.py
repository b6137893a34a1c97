"""What only a CUDA device can prove."""

from dataclasses import replace

import pytest
import torch

import lgtsm
from lgtsm.models.build import build
from lgtsm.models.spec import FAMILIES
from lgtsm.options import DType, InpaintOptions, RunOptions
from lgtsm.scene.camera import SceneOptions
from lgtsm.scene.render import render_scene

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]


@pytest.fixture(scope="module")
def scene():
    return render_scene(SceneOptions(num_frames=12, height=90, width=160))


@pytest.fixture
def full_precision():
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = False
    yield
    torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = before


def _filled(scene, device, dtype, model=None):
    run = RunOptions(device=device, dtype=dtype)
    return lgtsm.inpaint(scene.frames, scene.mask, model, InpaintOptions(run=run, cuts=()))


def test_float32_on_cuda_equals_the_cpu(scene, full_precision):
    one = _filled(scene, "cpu", DType.FP32)
    two = _filled(scene, "cuda", DType.FP32)
    assert (one - two).abs().max() < 1e-3


@pytest.mark.parametrize("dtype", [DType.BF16, DType.FP16])
def test_half_precision_stays_within_45_db_in_the_hole(scene, full_precision, dtype):
    one, two = _filled(scene, "cuda", DType.FP32), _filled(scene, "cuda", dtype)
    inside = scene.mask.expand_as(one) > 0
    error = (one - two)[inside].square().mean()
    assert -10 * torch.log10(error + 1e-12) > 45


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_outside_the_hole_nothing_changes(scene, family):
    spec = FAMILIES[family]
    network = build(replace(spec, trunk=replace(spec.trunk, width=8))).eval()
    result = _filled(scene, "cuda", DType.FP32, network)
    outside = scene.mask.expand_as(result) == 0
    assert torch.equal(result[outside], scene.frames[outside])


def test_frames_on_cuda_come_back_on_cuda(scene):
    result = lgtsm.inpaint(scene.frames.cuda(), scene.mask.cuda(), None, InpaintOptions(cuts=()))
    assert result.is_cuda
    outside = scene.mask.expand_as(scene.frames) == 0
    assert torch.equal(result.cpu()[outside], scene.frames[outside])
