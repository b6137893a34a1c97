"""The contest of networks that read a frame and its references, instead of a stream of frames.

Both forms run the same arithmetic on whole frames, one reference after the other where the published
code takes one at a time. The published one computes in torch's default layout of memory.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import partial

import torch
from torch import nn
from torch.nn.utils import convert_conv2d_weight_memory_format
from torch.utils.flop_counter import FlopCounterMode

from ...models.build import build
from ...models.neighbours.frames import Aligner, Views
from ...models.neighbours.guided import Guided
from ...models.neighbours.orders import unmoved
from ...models.painter import PainterNetwork
from .cases import BenchCase
from .measure import Clock

_NUM_REFERENCES = 2


class PairContest:
    """One case, run both ways, always in float32.

    Args:
        case: of a family in `cases.PAIRWISE`.
        device: where both run.
    """

    def __init__(self, case: BenchCase, device: torch.device) -> None:
        self.case, self.clock, self.published_frames = case, Clock(device), case.num_frames
        self.first_frame_seconds: list[float] = []
        shape = (1, 1 + _NUM_REFERENCES, 3, case.height, case.width)
        frames = torch.rand(shape, generator=torch.Generator().manual_seed(0))
        holes = torch.zeros_like(frames[:, :, :1])
        holes[:, 0, :, case.hole.rows, case.hole.columns] = 1
        views = Views.of_clip(frames.to(device), holes.to(device), 0)
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)
            network = build(case.network).to(device).eval()
        self._published = _call(network, views)
        fast = convert_conv2d_weight_memory_format(deepcopy(network), torch.channels_last)
        self._ours = _call(fast, views)
        self.macs = self.published_macs = _count(self._published)

    def stream(self) -> float:
        """Run the engine's form; return seconds per frame."""
        seconds = self._run(self._ours)
        self.first_frame_seconds.append(seconds)
        return seconds

    def published(self) -> float:
        """Run the published form; return seconds per frame."""
        return self._run(self._published)

    def _run(self, call: Callable[[], object]) -> float:
        count = self.case.num_frames
        return self.clock.seconds(lambda: [call() for _ in range(count)]) / count


def _call(network: nn.Module, views: Views) -> Callable[[], object]:
    """Return what a frame costs: its motion to all references, or the frame painted from them."""
    references = zip(views.references.split(1, 1), views.reference_holes.split(1, 1), strict=True)
    pairs = [Views(views.target, views.hole, *pair) for pair in references]
    if isinstance(network, Aligner):
        return lambda: [network.align(pair) for pair in pairs]
    if isinstance(network, PainterNetwork):
        return lambda: [network.painter(pair, unmoved(pair)) for pair in pairs]
    assert isinstance(network, Guided)  # no other family is in `cases.PAIRWISE`
    flow = torch.zeros_like(views.references[:, :, :2])
    return partial(network, views, flow, flow[:, :, :1])


def _count(call: Callable[[], object]) -> int:
    """Return the multiply-adds of a call."""
    counter = FlopCounterMode(display=False)
    with counter:
        call()
    return counter.get_total_flops() // 2
