"""How fast a run is: clips a second, and its arithmetic against what this device can do at best."""

from __future__ import annotations

import copy
from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from lgtsm.evaluate.bench.measure import Clock, PeakConvolution, median

from ..data.sampling import Batch
from ..losses.perceptual import PerceptualNet
from ..process_group import ProcessGroup
from ..recipe import Stage
from ..step import Stepper, make_learner

_PEAK_BATCH = 32
_ROUNDS = 5


@dataclass(frozen=True)
class Throughput:
    """Of one step, data not included: clips a second, TFLOP/s, the device's peak, and the share."""

    clips_per_second: float
    tflops: float
    peak_tflops: float

    @property
    def peak_ratio(self) -> float:
        """Share of the measured convolution peak."""
        return self.tflops / self.peak_tflops


def measure_throughput(
    network, stage: Stage, batch: Batch, net: PerceptualNet | None, dtype: torch.dtype | None
) -> Throughput:
    """Time steps on one batch with a copy of a network, which stays as it is.

    Args:
        network: on its device.
        stage: whose losses and discriminator are run.
        batch: on the same device.
        net: for perceptual losses.
        dtype: half precision, None for float32; the peak is measured in the same.
    """
    device = batch.truth.device
    stepper = Stepper(
        make_learner(copy.deepcopy(network), stage, 0), net, ProcessGroup(), dtype=dtype
    )
    counter = FlopCounterMode(display=False)
    with counter:
        stepper(batch, 0.0)
    clock = Clock(device)
    seconds = median([clock.seconds(lambda: stepper(batch, 0.0)) for _ in range(_ROUNDS)])
    peak = PeakConvolution(device, dtype or torch.float32, _PEAK_BATCH if dtype else 4)
    best = min(peak.seconds() for _ in range(_ROUNDS))
    return Throughput(
        clips_per_second=len(batch) / seconds,
        tflops=counter.get_total_flops() / seconds / 1e12,
        peak_tflops=2 * peak.macs / best / 1e12,
    )
