"""Too little memory, too little range, and where to compute."""

import pytest
import torch

from lgtsm.engine.layer import StreamLayer
from lgtsm.engine.policy import choose_device, choose_dtype, choose_policy
from lgtsm.errors import DeviceError, OptionError, WeightsError
from lgtsm.options import DType, RunOptions
from lgtsm.report import Report

slow = pytest.mark.slow


@pytest.fixture
def scarce_memory(monkeypatch):
    """scarce_memory(fails): convolutions raise what `fails(x, call)` returns, if anything."""
    convolve = StreamLayer._convolve

    def limit(fails):
        calls = []

        def scarce(layer, x, parameters):
            calls.append(1)
            error = fails(x, len(calls))
            if error is not None:
                raise error
            return convolve(layer, x, parameters)

        monkeypatch.setattr(StreamLayer, "_convolve", scarce)

    yield limit
    monkeypatch.undo()


CUDA = torch.OutOfMemoryError("CUDA out of memory.")
CPU = RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory")


@pytest.mark.parametrize(
    ("family", "first", "error"),
    [
        ("lgtsm", 5, CPU),
        pytest.param("lgtsm", 1, CUDA, marks=slow),
        ("lgtsm", 40, CUDA),
        pytest.param("refine", 1, CPU, marks=slow),
        pytest.param("refine", 40, CUDA, marks=slow),
        pytest.param("refine", 150, CUDA, marks=slow),
    ],
)
def test_too_little_memory_lowers_the_chunk_and_not_the_result(
    family, first, error, strong_network, whole_options, run_job, noise_clip, scarce_memory
):
    network = strong_network(family)
    frames, holes = noise_clip(30)
    options = whole_options(network, 8)
    wanted = run_job(network, frames, holes, options)
    scarce_memory(lambda x, call: error if call in (first, first + 1) else None)
    report = Report()
    found = run_job(network, frames, holes, options, report=report)
    assert (found - wanted).abs().max() < 1e-5
    assert report.chunk < 8
    assert any("out of memory" in note for note in report.notes)


def test_only_as_many_frames_as_fit_are_computed_together(
    strong_network, whole_options, run_job, noise_clip, scarce_memory
):
    network = strong_network("lgtsm")
    frames, holes = noise_clip(40)
    wanted = run_job(network, frames, holes, whole_options(network, 16))
    scarce_memory(lambda x, _: torch.OutOfMemoryError("x") if len(x) > 3 else None)
    report = Report()
    found = run_job(network, frames, holes, whole_options(network, 16), report=report)
    assert (found - wanted).abs().max() < 1e-5
    assert report.chunk <= 3


@pytest.mark.parametrize("family", ["lgtsm", pytest.param("refine", marks=slow)])
def test_a_frame_too_large_is_computed_in_parts(
    family, strong_network, whole_options, run_job, rng, scarce_memory
):
    network = strong_network(family)
    frames = torch.rand(20, 3, 16, 800, generator=rng)
    holes = torch.zeros(20, 1, 16, 800)
    holes[:, :, 4:12, 100:700] = 1
    options = whole_options(network, 4)
    wanted = run_job(network, frames, holes, options)
    widest = []
    # convolutions at full size see some 800 columns whole and some 620 in two parts
    scarce_memory(
        lambda x, _: torch.OutOfMemoryError("x") if x.shape[-1] > 700 else widest.append(len(x))
    )
    report = Report()
    found = run_job(network, frames, holes, options, report=report)
    assert (found - wanted).abs().max() < 1e-5
    assert any("in 2 parts" in note for note in report.notes)


def test_no_memory_at_all_is_one_sentence(
    strong_network, whole_options, run_job, noise_clip, scarce_memory, one_sentence
):
    network = strong_network("lgtsm")
    scarce_memory(lambda *_: torch.OutOfMemoryError("CUDA out of memory."))
    with pytest.raises(DeviceError) as error:
        run_job(network, *noise_clip(12), whole_options(network, 4))
    one_sentence(error.value)
    assert "max_side" in str(error.value)


def test_other_failures_pass_through(
    strong_network, whole_options, run_job, noise_clip, scarce_memory
):
    network = strong_network("lgtsm")
    scarce_memory(lambda *_: RuntimeError("expected scalar type"))
    with pytest.raises(RuntimeError, match="scalar type"):
        run_job(network, *noise_clip(12), whole_options(network, 4))


def _enlarge(network, name, factor):
    """Make one layer's features larger and take it back in the next: the same function."""
    layers = network.trunk.layers()
    index = next(i for i, layer in enumerate(layers) if layer.layer.name == name)
    with torch.no_grad():
        layers[index].feature.weight.mul_(factor)
        layers[index].feature.bias.mul_(factor)
        for conv in (layers[index + 1].feature, layers[index + 1].gate):
            conv.weight.div_(factor)
    return network


@pytest.mark.parametrize(
    ("name", "chunk"),
    [
        ("conv1", 4),
        pytest.param("conv3", 1, marks=slow),
        ("dilated_conv4", 16),
        pytest.param("dilated_conv4", 4, marks=slow),
        pytest.param("conv10", 1, marks=slow),
    ],
)
def test_half_precision_that_overflows_goes_on_in_float32(
    name, chunk, strong_network, whole_options, run_job, noise_clip
):
    network = _enlarge(strong_network("lgtsm"), name, 60000.0)
    frames, holes = noise_clip(20)
    wanted = run_job(network, frames, holes, whole_options(network, chunk))
    report = Report()
    run = RunOptions(device="cpu", dtype=DType.FP16, chunk=chunk)
    options = whole_options(network, run=run)
    found = run_job(network, frames, holes, options, report=report)
    assert sum("overflowed" in note for note in report.notes) == 1
    # frames that were on their way keep what half precision had made of them
    assert (found - wanted).abs().max() < 0.02


@pytest.mark.parametrize("dtype", [pytest.param(DType.BF16, marks=slow), DType.FP16])
def test_half_precision_is_near_float32(dtype, strong_network, whole_options, run_job, noise_clip):
    network = strong_network("refine")
    frames, holes = noise_clip(8)
    wanted = run_job(network, frames, holes, whole_options(network, 4))
    report = Report()
    options = whole_options(network, run=RunOptions(device="cpu", dtype=dtype, chunk=4))
    found = run_job(network, frames, holes, options, report=report)
    assert 0 < (found - wanted).abs().max() < 0.1
    assert (report.dtype, report.notes) == (
        {"bf16": "bfloat16", "fp16": "float16"}[dtype.value],
        [],
    )


def test_numbers_that_are_none_in_float32_are_an_error(
    strong_network, whole_options, run_job, noise_clip, one_sentence
):
    network = strong_network("lgtsm")
    with torch.no_grad():
        network.trunk.layers()[3].feature.bias.fill_(float("nan"))
    with pytest.raises(WeightsError) as error:
        run_job(network, *noise_clip(4), whole_options(network))
    one_sentence(error.value)


def test_the_chunk_follows_the_frame_size():
    cpu = RunOptions(device="cpu")
    assert choose_policy(cpu, (48, 64), ()).chunk == 16
    assert 1 <= choose_policy(cpu, (720, 1280), ()).chunk < 16
    assert choose_policy(cpu, (8000, 8000), ()).chunk == 1
    assert choose_policy(RunOptions(device="cpu", chunk=5), (8000, 8000), ()).chunk == 5


def test_dtypes_are_those_asked_for_or_listed():
    cpu = torch.device("cpu")
    assert choose_dtype(DType.AUTO, cpu, ()) is torch.float32
    assert choose_dtype(DType.FP16, cpu, ()) is torch.float16
    assert choose_dtype(DType.BF16, cpu, ()) is torch.bfloat16


def test_auto_takes_no_device_that_the_copies_were_never_run_on(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    assert choose_device("auto") == torch.device("cpu")
    with pytest.raises(DeviceError, match="nothing was ever run"):
        choose_device("mps")


def test_devices_that_are_none_are_named(one_sentence):
    with pytest.raises(OptionError) as error:
        choose_device("warp9")
    one_sentence(error.value)
    with pytest.raises(DeviceError) as missing:
        choose_device("cuda:77")
    one_sentence(missing.value)
    assert choose_device("cpu") == torch.device("cpu")
