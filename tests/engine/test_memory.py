"""Memory does not grow with the length of a clip."""

import gc
import weakref

import pytest
import torch

from lgtsm.engine.hooks import Hooks
from lgtsm.engine.run import Job
from lgtsm.engine.window_stream import window_frames
from lgtsm.options import InpaintOptions, RunOptions
from lgtsm.report import Report


def _tensor_bytes():
    """Return the bytes of all live tensors, shared memory counted once."""
    gc.collect()
    found = {}
    for thing in gc.get_objects():
        if type(thing) in (torch.Tensor, torch.nn.Parameter) and thing.layout is torch.strided:
            storage = thing.untyped_storage()
            found[storage.data_ptr()] = storage.nbytes()
    return sum(found.values())


def _feed(num_frames):
    """Yield noise frames of 64x48 with a hole that moves, for 12 of 100."""
    rng = torch.Generator().manual_seed(0)
    for t in range(num_frames):
        hole = torch.zeros(1, 48, 64)
        if t % 100 < 12:
            left = (3 * t) % 50
            hole[:, 10:20, left : left + 12] = 1
        yield torch.rand(3, 48, 64, generator=rng), hole


def _held(shot):
    """Return how many frames, boxes and the like a job and what it is made of hold by number."""
    filler, composer = shot.filler, shot.composer
    ours = [x for x in vars(filler).values() if type(x).__module__.startswith("lgtsm.")]
    tables = [v for x in (filler, *ours) for v in getattr(x, "__dict__", {}).values()]
    by_number = [v for v in tables if isinstance(v, dict) and any(type(k) is int for k in v)]
    return len(composer._waiting) + sum(len(table) for table in by_number)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["refine", "lgtsm", "gated3d_skips", "combcn"])
def test_a_thousand_frames_take_no_more_memory_than_two_hundred(family, random_network, running):
    run = RunOptions(device="cpu", chunk=16)
    # key frames, which noise makes until there are six, have a test of their own
    options = InpaintOptions(source_frames=1, reach=24, unseen="network", cuts=(), run=run)
    network = random_network(family, 2 if family == "combcn" else 4)
    job = Job(network, options, Hooks(), Report())
    peaks, held = {}, {}
    for patch in job.run(_feed(1000)):
        part = patch.index // 200
        if running[0].shot is not None:
            held[part] = max(held.get(part, 0), _held(running[0].shot))
        if patch.index % 50 == 9:
            peaks[part] = max(peaks.get(part, 0), _tensor_bytes())
    # a window fills at another beat than the holes come, so it may end anywhere among them
    in_windows = network.spec.trunk.in_windows
    first = max(peaks[part] for part in range(3 if in_windows else 1))
    assert max(peaks.values()) <= 1.05 * first + 100_000
    window = 3 * window_frames(16) if in_windows else 0
    assert max(held.values()) <= held[0] + window
    assert held[0] < 4 * (16 + 24 + 2 * 17 + 16) + window


@pytest.mark.parametrize("family", ["refine", "lgtsm", "combcn"])
def test_a_shot_is_freed_at_its_end(family, random_network, running):
    """By itself: cycles wait for a collection, which may come shots later."""
    options = InpaintOptions(source_frames=1, reach=2, cuts=(12,), run=RunOptions(device="cpu"))
    job = Job(random_network(family, 2 if family == "combcn" else 4), options, Hooks(), Report())
    shots = []
    gc.collect()
    gc.disable()
    try:
        for _ in job.run(_feed(40)):
            shot = running[0].shot
            if shot is not None and not any(ref() is shot.filler for ref in shots):
                shots.append(weakref.ref(shot.filler))
            del shot
        assert len(shots) == 2
        assert [ref() for ref in shots] == [None, None]
    finally:
        gc.enable()
