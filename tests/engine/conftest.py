"""Networks whose output varies, and clips run through the engine."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from lgtsm.engine import run as engine_run
from lgtsm.engine.hooks import Hooks
from lgtsm.engine.run import Job
from lgtsm.models.network import Network
from lgtsm.models.shift import one_hot_kernels
from lgtsm.models.spec import NetworkSpec
from lgtsm.options import InpaintOptions, Mode, RunOptions, Unseen
from lgtsm.report import Report


@pytest.fixture
def strong_network(
    random_network: Callable[..., Network], rng: torch.Generator
) -> Callable[..., Network]:
    """strong_network(family, num_frames) -> width 4; every layer's output varies on such clips."""

    def make(family: str | NetworkSpec, num_frames: int = 16) -> Network:
        network = random_network(family, gain=1.0)
        trunk = network.trunk
        layers = trunk.layers()
        with torch.no_grad():
            probe = torch.rand(1, min(num_frames, 16), trunk.spec.inputs, 32, 48, generator=rng)
            for module in layers:
                # steep gates and wild kernels would make rounding errors as large as the signal
                shift = getattr(module, "shift", None)  # CombCN's layers have none
                if isinstance(getattr(shift, "kernels", None), torch.nn.Parameter):
                    one_hot = one_hot_kernels(module.shift.spec)
                    module.shift.kernels.mul_(0.4).add_(one_hot, alpha=0.6)
                seen = {}
                trunk(probe, observe=lambda name, y, to=seen: to.__setitem__(name, y))
                std = seen[module.layer.name].std(dim=(0, 2, 3)).mean()
                module.feature.weight.mul_((0.2 if module is layers[-1] else 0.5) / std)
            if not network.spec.starts_from_fill:
                layers[-1].feature.bias.fill_(1.0)  # times a gate of about a half: grey
        return network

    return make


@pytest.fixture
def whole_options() -> Callable[..., InpaintOptions]:
    """whole_options(network, chunk) -> options under which a job is `Network.forward`."""

    def make(network: Network, chunk: int = 0, **changes) -> InpaintOptions:
        spec = network.spec
        run = changes.pop("run", RunOptions(device="cpu", chunk=chunk))
        values = {"mode": Mode.FILL, "feather": 0, "cuts": (), "run": run}
        values["unseen"] = Unseen.NETWORK  # a network alone synthesises nothing
        if spec.starts_from_fill:
            values |= {"mode": Mode.COPY_FILL, "source_frames": spec.source_frames}
            values |= {"reach": spec.reach}
        return InpaintOptions(**(values | changes))

    return make


@pytest.fixture
def run_job() -> Callable[..., Tensor]:
    """run_job(network, frames, holes, options, ...) -> (T,3,H,W) with all patches put in."""

    def run(
        network: Network | None,
        frames: Tensor,
        holes: Tensor,
        options: InpaintOptions,
        *,
        hooks: Hooks | None = None,
        report: Report | None = None,
        resume_from: int = 0,
    ) -> Tensor:
        result = frames.clone()
        job = Job(network, options, hooks or Hooks(), report or Report(), resume_from=resume_from)
        numbers = []
        for patch in job.run(zip(frames, holes, strict=True)):
            numbers.append(patch.index)
            if patch.box is not None:
                result[patch.index, :, patch.box.rows, patch.box.columns] = patch.pixels
        assert numbers == list(range(resume_from, len(frames)))
        return result

    return run


@pytest.fixture
def noise_clip(rng: torch.Generator) -> Callable[..., tuple[Tensor, Tensor]]:
    """noise_clip(T, size) -> frames and holes: a box that moves, every sixth frame without."""

    def make(num_frames: int, size: tuple[int, int] = (32, 48)) -> tuple[Tensor, Tensor]:
        frames = torch.rand(num_frames, 3, *size, generator=rng)
        holes = torch.zeros(num_frames, 1, *size)
        for t in range(num_frames):
            if t % 6 != 5:
                top, left = 2 + 3 * t % max(1, size[0] - 14), 1 + 5 * t % max(1, size[1] - 18)
                holes[t, :, top : top + 12, left : left + 15] = 1
        return frames, holes

    return make


@pytest.fixture
def forward() -> Callable[[Network, Tensor, Tensor], tuple[Tensor, Tensor]]:
    """forward(network, frames, holes) -> composed clip of one whole-clip forward, and its raw."""

    def run(network: Network, frames: Tensor, holes: Tensor) -> tuple[Tensor, Tensor]:
        with torch.inference_mode():
            raw = network(frames[None], holes[None])[0]
        return torch.where(holes > 0, raw.clamp(0, 1), frames), raw

    return run


@pytest.fixture
def running(monkeypatch):
    """Every job that starts while a test runs, so that the test can see what it holds."""
    started = []

    class Recorded(engine_run._Running):
        def __init__(self, *args):
            super().__init__(*args)
            started.append(self)

    monkeypatch.setattr(engine_run, "_Running", Recorded)
    return started
