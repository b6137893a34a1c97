import time
from dataclasses import replace

import pytest
import torch

from lgtsm.engine.threads import computing_threads
from lgtsm.evaluate.bench.cases import BenchCase
from lgtsm.evaluate.bench.macs import frame_macs, region_macs
from lgtsm.evaluate.bench.measure import Clock, PeakConvolution, interleave
from lgtsm.models.build import build
from lgtsm.models.spec import FAMILIES, TrunkSpec

CPU = torch.device("cpu")


@pytest.mark.parametrize(("base_width", "expected"), [(64, 70e9), (32, 17.6e9)])
def test_multiply_adds_of_a_published_frame(base_width, expected):
    assert frame_macs(TrunkSpec(width=base_width), (180, 320)) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize(
    ("width", "height", "hole_ratio", "expected"),
    [
        (320, 180, 0.02, 2.1),
        (320, 180, 0.08, 1.9),
        (320, 180, 0.20, 1.7),
        (640, 360, 0.02, 4.2),
        (640, 360, 0.08, 2.8),
        (640, 360, 0.20, 2.0),
        (1280, 720, 0.02, 10.5),
        (1280, 720, 0.08, 5.4),
        (1280, 720, 0.20, 3.0),
        (1920, 1080, 0.02, 16.6),
        (1920, 1080, 0.08, 7.2),
        (1920, 1080, 0.20, 3.7),
    ],
)
def test_region_of_need_saves_as_counted_by_hand(width, height, hole_ratio, expected):
    case = BenchCase(height=height, width=width, base_width=64, hole_ratio=hole_ratio)
    spec, size = case.spec.trunk, (height, width)
    ratio = frame_macs(spec, size) / region_macs(spec, size, case.hole)
    assert ratio == pytest.approx(expected, rel=0.1)


def test_dense_hole_saves_only_by_the_transposed_form():
    case = BenchCase(height=180, width=320)
    spec = case.spec.trunk
    ratio = frame_macs(spec, (180, 320)) / region_macs(spec, (180, 320), case.hole)
    assert ratio == pytest.approx(1 / (1 - 0.24 * 5 / 9), rel=0.02)


def test_skips_cost_more():
    spec = TrunkSpec(width=16)
    assert frame_macs(replace(spec, skips=True), (64, 64)) > frame_macs(spec, (64, 64))


@pytest.mark.parametrize("family", FAMILIES)
def test_counts_are_those_of_the_convolutions_that_run(family):
    spec = FAMILIES[family]
    spec = replace(spec, trunk=replace(spec.trunk, width=2))
    trunk, counts = build(spec).trunk.eval(), []

    def note(module, inputs, output):
        taps = module.weight[0, 0].numel() * module.weight.shape[0 if module.transposed else 1]
        pixels = inputs[0] if module.transposed else output
        reached = module.weight.shape[1] if module.transposed else 1
        counts.append(
            taps * reached * pixels.numel() // (pixels.shape[1] if module.transposed else 1)
        )

    kinds = (torch.nn.modules.conv._ConvNd,)
    for module in trunk.modules():
        if isinstance(module, kinds):
            module.register_forward_hook(note)
    with torch.inference_mode():
        trunk(torch.rand(1, 1, spec.trunk.inputs, 32, 48))
    assert sum(counts) == frame_macs(spec.trunk, (32, 48))


def test_interleaving_alternates_and_drops_the_first_round():
    order = []

    def work(name):
        def run():
            order.append(name)
            return float(len(order))

        return run

    assert interleave([work("a"), work("b")], 2) == [[3.0, 5.0], [4.0, 6.0]]
    assert order == ["a", "b"] * 3


@pytest.mark.parametrize("threads", [1, 2])
def test_a_single_thread_is_timed_by_its_processor(threads):
    with computing_threads(threads):
        seconds = Clock(CPU).seconds(lambda: time.sleep(0.1))
    assert (seconds < 0.05) == (threads == 1)


def test_peak_gives_positive_seconds():
    peak = PeakConvolution(CPU, torch.float32, batch=1)
    assert peak.seconds() > 0
    assert peak.macs == 45 * 80 * 9 * 256 * 256
