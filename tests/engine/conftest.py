"""Networks whose output varies, and clips run through the engine."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import suppress

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


class _Seen(Exception):  # noqa: N818  no error: it ends a forward
    """The layer that is scaled has put out what it does; no later one is needed."""


@pytest.fixture(scope="session")
def _scaled() -> dict[tuple[str | NetworkSpec, int, bytes], tuple[Network, Tensor]]:
    """Return networks that were scaled already, and the generator's state behind their draws."""
    return {}


@pytest.fixture
def strong_network(
    random_network: Callable[..., Network],
    rng: torch.Generator,
    _scaled: dict[tuple[str | NetworkSpec, int, bytes], tuple[Network, Tensor]],
) -> Callable[..., Network]:
    """strong_network(family, num_frames) -> width 4; every layer's output varies on such clips."""

    def make(family: str | NetworkSpec, num_frames: int = 16) -> Network:
        count = min(num_frames, 16)
        key = family, count, rng.get_state().numpy().tobytes()
        if key not in _scaled:
            network = random_network(family, gain=1.0)
            _scale(network, count, rng)
            _scaled[key] = network, rng.get_state()
        network, state = _scaled[key]
        rng.set_state(state)
        return copy.deepcopy(network)

    return make


@torch.no_grad()
def _scale(network: Network, num_frames: int, rng: torch.Generator) -> None:
    """Scale every layer, in order, so that its output varies on a clip of noise."""
    trunk = network.trunk
    layers = trunk.layers()
    probe = torch.rand(1, num_frames, trunk.spec.inputs, 32, 48, generator=rng)
    for module in layers:
        # steep gates and wild kernels would make rounding errors as large as the signal
        shift = getattr(module, "shift", None)  # CombCN's layers have none
        if isinstance(getattr(shift, "kernels", None), torch.nn.Parameter):
            one_hot = one_hot_kernels(module.shift.spec)
            module.shift.kernels.mul_(0.4).add_(one_hot, alpha=0.6)
        found = []

        def observe(name: str, y: Tensor, wanted=module.layer.name, found=found) -> None:
            if name == wanted:
                found.append(y.std(dim=(0, 2, 3)).mean())
                raise _Seen

        with suppress(_Seen):
            trunk(probe, observe=observe)
        module.feature.weight.mul_((0.2 if module is layers[-1] else 0.5) / found[0])
    if not network.spec.starts_from_fill:
        layers[-1].feature.bias.fill_(1.0)  # times a gate of about a half: grey


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
