"""How long a job will take, from a trial of a few frames at reduced size."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ..masks.morph import stretch
from ..models.network import Network
from ..options import InpaintOptions
from ..report import Report
from .fitting import plan_fit
from .hooks import Hooks
from .policy import Policy, choose_policy
from .run import Job

TRIAL_FRAMES = 4
TRIAL_SIDE = 320
"""Longer side of the trial's frames, in pixels; its time grows with their area."""


@dataclass(frozen=True)
class Plan:
    """What a job would do.

    working: (height, width) of the frames that the network sees.
    policy: where and how it computes.
    seconds: for one frame, without reading and writing.
    """

    working: tuple[int, int]
    policy: Policy
    seconds: float


def try_out(
    frames: Sequence[Tensor],
    hole: Tensor,
    network: Network | None,
    options: InpaintOptions,
    num_frames: int,
    cancel: Callable[[], bool] | None = None,
) -> Plan:
    """Fill a few frames at a small size, and scale the time of every stage to the job's.

    Args:
        frames: neighbouring ones, (3,H,W) float in [0,1]; two or more, one only of a single frame.
        hole: (1,H,W) of all of them, 1 = hole.
        network: as for `Job`.
        options: of the job.
        num_frames: of the job.
        cancel: as for `Job`.
    """
    size = (hole.shape[1], hole.shape[2])
    multiple = network.multiple if network else 4
    fit = plan_fit(size, max_side=options.run.max_side, multiple=multiple)
    policy = choose_policy(options.run, fit.padded, network.passed_dtypes if network else ())
    small = plan_fit(size, max_side=min(TRIAL_SIDE, options.run.max_side), multiple=multiple)
    hole = stretch(hole[None], small.working)[0]
    pairs = [(interpolate(f[None], small.working, mode="area")[0], hole) for f in frames]
    run = replace(options.run, chunk=min(policy.chunk, len(frames)))
    stages = ("reading", "measuring motion", "copying", "filling")
    spent: dict[str, float] = dict.fromkeys(stages, 0.0)
    last = time.perf_counter()

    def told(_done: int, _total: int, note: str) -> None:
        nonlocal last
        now = time.perf_counter()
        spent[note] += now - last
        last = now

    hooks = Hooks(told, cancel)
    for _ in Job(network, replace(options, run=run, cuts=()), hooks, Report()).run(pairs):
        pass
    count = len(frames)
    area = torch.tensor(fit.padded).prod() / torch.tensor(small.padded).prod()
    # every stage is counted per frame, but motion joins two frames and copies come from the others
    motion = (spent["measuring motion"] + spent["reading"]) / max(1, count - 1)
    sources = min(options.source_frames, num_frames - 1) / max(1, count - 1)
    copying = spent["copying"] / count * max(1.0, sources)
    seconds = float(area) * (motion + copying + spent["filling"] / count)
    return Plan(fit.working, policy, seconds)
