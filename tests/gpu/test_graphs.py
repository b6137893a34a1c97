"""A stream on a CUDA device: plain, with fused kernels, and from recorded graphs."""

from dataclasses import replace

import pytest
import torch

import lgtsm
from lgtsm.box import Box
from lgtsm.engine.graphs import Graphs
from lgtsm.engine.stream import TrunkStream
from lgtsm.models.build import build
from lgtsm.models.spec import FAMILIES
from lgtsm.options import DType, InpaintOptions, Mode, RunOptions

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
SIZE = (96, 160)
STILL = Box(16, 32, 64, 128)


def _frames(trunk, dtype, *, graphs, fused):
    device = torch.device("cuda")
    stream = TrunkStream(
        trunk,
        SIZE,
        device=device,
        dtype=dtype,
        box_at=lambda t: STILL if 0 <= t < 96 else None,
        check=lambda: None,
    )
    stream.graphs = graphs
    if not fused:
        for layer in stream.layers:
            layer.fused = None
    x = torch.rand(96, trunk.spec.inputs, *SIZE, generator=torch.Generator().manual_seed(0))
    parts = []
    with torch.inference_mode():
        for start in range(0, 96, 8):
            box = stream.input_box(start, 8)
            part = x[start : start + 8, :, box.rows, box.columns].to(device)
            parts.append(stream.push(part, box, 8))
        while not stream.finished:
            parts.append(stream.finish(8))
        return torch.cat([stream.outputs(part) for part in parts if part.count])


@pytest.fixture
def trunk():
    spec = FAMILIES["lgtsm"]
    return build(replace(spec, trunk=replace(spec.trunk, width=16))).eval().trunk


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_recorded_fused_and_plain_agree(trunk, dtype, fused):
    plain = _frames(trunk, dtype, graphs=None, fused=False)
    graphs = Graphs()
    recorded = _frames(trunk, dtype, graphs=graphs, fused=fused)
    assert graphs.is_on, graphs.notes
    assert graphs.num_replays > 2
    allowed = 1e-3 if dtype is torch.float32 else 0.05
    assert (recorded - plain).abs().max() <= allowed * plain.abs().max()


def test_memory_of_a_recording_is_given_back(trunk):
    graphs = Graphs()
    _frames(trunk, torch.float32, graphs=graphs, fused=False)
    torch.cuda.synchronize()
    before = torch.cuda.memory_reserved()
    graphs.forget()
    torch.cuda.empty_cache()
    assert torch.cuda.memory_reserved() < before


def test_a_job_with_a_still_hole_reports_nothing_amiss():
    frames = torch.rand(120, 3, 96, 160, generator=torch.Generator().manual_seed(0))
    holes = torch.zeros(120, 1, 96, 160)
    holes[:, :, 30:60, 40:90] = 1
    spec = FAMILIES["lgtsm"]
    network = build(replace(spec, trunk=replace(spec.trunk, width=8))).eval()
    results = []
    for device in ("cpu", "cuda"):
        run = RunOptions(device=device, dtype=DType.FP32, chunk=4)
        report = lgtsm.Report()
        options = InpaintOptions(run=run, cuts=(), mode=Mode.FILL)
        results.append(lgtsm.inpaint(frames, holes, network, options, report=report))
        assert report.notes == []
    assert (results[0] - results[1]).abs().max() < 1e-2
