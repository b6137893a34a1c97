"""Training speed: clips per second, and arithmetic as a share of the device's peak."""

from __future__ import annotations

import copy
from statistics import median

import torch
from torch.utils.flop_counter import FlopCounterMode

from lgtsm.evaluate.bench.measure import Clock, PeakConvolution

from ..data.sampling import Batch
from ..process_group import ProcessGroup
from ..step import Stepper, make_learner

_PEAK_BATCH, _PEAK_BATCH_FLOAT32 = 32, 4
"""Frames in the convolution whose speed is the peak."""
_ROUNDS = 5


def measure_throughput(stepper: Stepper, batch: Batch) -> dict[str, float]:
    """Time steps on one batch with a copy of the stepper's network, which itself stays unchanged.

    The batch, on the network's device, goes through the network at once.

    Returns:
        clips_per_second of a step without its data, its tflops, the device's peak_tflops in a
        convolution, and peak_ratio, the share of this peak.
    """
    device, dtype = batch.truth.device, stepper.dtype
    learner = make_learner(copy.deepcopy(stepper.learner.network), stepper.learner.stage, 0)
    stepper = Stepper(learner, stepper.net, ProcessGroup(), dtype=dtype)
    counter = FlopCounterMode(display=False)
    with counter:
        stepper(batch, 0.0)
    clock = Clock(device)
    seconds = median([clock.seconds(lambda: stepper(batch, 0.0)) for _ in range(_ROUNDS)])
    peak = PeakConvolution(
        device, dtype or torch.float32, _PEAK_BATCH if dtype else _PEAK_BATCH_FLOAT32
    )
    best = min(peak.seconds() for _ in range(_ROUNDS))
    tflops = counter.get_total_flops() / seconds / 1e12
    peak_tflops = 2 * peak.macs / best / 1e12
    return {
        "clips_per_second": len(batch) / seconds,
        "tflops": tflops,
        "peak_tflops": peak_tflops,
        "peak_ratio": tflops / peak_tflops,
    }
