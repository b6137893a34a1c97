"""Memory does not grow with the length of a clip."""

import gc

import pytest
import torch

from lgtsm.engine.hooks import Hooks
from lgtsm.engine.run import Job
from lgtsm.options import InpaintOptions, RunOptions
from lgtsm.report import Report


def _tensor_bytes():
    """Return the bytes of all live tensors, shared memory counted once."""
    gc.collect()
    found = {}
    for thing in gc.get_objects():
        if type(thing) in (torch.Tensor, torch.nn.Parameter):
            storage = thing.untyped_storage()
            found[storage.data_ptr()] = storage.nbytes()
    return sum(found.values())


def _feed(num_frames):
    """Yield noise frames of 64x48 with a hole that moves and stops at times."""
    rng = torch.Generator().manual_seed(0)
    for t in range(num_frames):
        hole = torch.zeros(1, 48, 64)
        if t % 100 < 80:
            left = (3 * t) % 50
            hole[:, 10:20, left : left + 12] = 1
        yield torch.rand(3, 48, 64, generator=rng), hole


def _figures(network, num_frames, options):
    """Return (peak bytes, most frames held by job and filler) over a run."""
    job = Job(network, options, Hooks(), Report())
    peak, held, count = 0, 0, 0
    for patch in job.run(_feed(num_frames)):
        count += 1
        filler = job._filler
        if filler is not None:
            kept = (filler._frames, filler._boxes, filler._evidence, filler._known)
            held = max(held, len(job._sources) + sum(len(x) for x in kept))
        if patch.index % 49 == 0:
            peak = max(peak, _tensor_bytes())
    assert count == num_frames
    return peak, held


@pytest.mark.parametrize("family", ["refine", "lgtsm"])
def test_a_thousand_frames_take_no_more_memory_than_two_hundred(family, random_network):
    network = random_network(family)
    run = RunOptions(device="cpu", chunk=16)
    options = InpaintOptions(num_references=1, reach=24, cuts=(), run=run)
    short, short_held = _figures(network, 200, options)
    long, long_held = _figures(network, 1000, options)
    assert long <= 1.05 * short + 100_000
    assert long_held == short_held
    assert long_held < 4 * (16 + 24 + 2 * 17 + 16)
