"""Fixtures for every test: seeded draws, a clip with known motion, tiny networks."""

from __future__ import annotations

import errno
import importlib.util
import math
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lgtsm.models.build import build
from lgtsm.models.network import Network
from lgtsm.models.spec import FAMILIES, NetworkSpec

# small tensors gain nothing from threads, and on a loaded machine they wait for each other
torch.set_num_threads(1)
os.environ.setdefault("OMP_NUM_THREADS", "1")  # the same for programs that tests start

GOLDEN = Path(__file__).resolve().parent / "golden"


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int | None:
    """Run a test that is named by itself in this process: starting others takes longer than it."""
    return 0 if any("::" in word for word in config.args) else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs golden files that are not part of the repository."""
    for item in items:
        if "shared_golden" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.shared)


@pytest.fixture(autouse=True)
def _torch_state() -> Iterator[None]:
    """Put torch's global state back, and fail where something reseeded it or left it changed."""
    state, seed = torch.get_rng_state(), torch.initial_seed()
    dtype, grad = torch.get_default_dtype(), torch.is_grad_enabled()
    yield
    after = (torch.initial_seed(), torch.get_default_dtype(), torch.is_grad_enabled())
    torch.set_rng_state(state)
    torch.set_default_dtype(dtype)
    torch.set_grad_enabled(grad)
    # draws are fine (initial weights are drawn from the global generator), seeding is not
    assert after == (seed, dtype, grad), "torch's seed, default dtype or grad mode was changed"


@pytest.fixture
def rng() -> torch.Generator:
    """Return a generator with a fixed seed."""
    return torch.Generator().manual_seed(20190713)


@pytest.fixture
def hole_samples() -> Callable[[Tensor, str], tuple[Tensor, ...]]:
    """Return a function (hole, pixel format) -> one bool mask a plane: samples a writer may change.

    A luma or RGB sample may change where its own pixel is hole, a subsampled chroma sample where
    any pixel of its footprint is: else colour of the removed object would bleed along the edge.
    Alpha never changes. Masks have the plane's size; those of packed formats cover pixels.
    """
    from lgtsm.video.layout import known_layout  # needs av

    def masks(hole: Tensor, name: str) -> tuple[Tensor, ...]:
        layout = known_layout(name)
        inside = hole.reshape(hole.shape[-2:]) > 0
        found = {}
        for c in layout.colours:
            size = (1 << c.shift_y, 1 << c.shift_x)
            found[c.plane] = F.max_pool2d(inside[None].float(), size, ceil_mode=True)[0] > 0
        if layout.alpha and layout.alpha.plane not in found:
            found[layout.alpha.plane] = torch.zeros_like(inside)
        return tuple(found[plane] for plane in sorted(found))

    return masks


@pytest.fixture
def interpreted_kernels(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return `models.kernels` run by triton's interpreter, which works on a CPU; skip without."""
    if torch.cuda.is_available():
        pytest.skip("the interpreter would spoil triton for tests/gpu, which run the kernels")
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    pytest.importorskip("triton", reason="needs triton, whose interpreter runs on a CPU")
    # under a name of its own: the package's own module is compiled, if a device has made it
    path = GOLDEN.parents[1] / "lgtsm" / "models" / "kernels.py"
    spec = importlib.util.spec_from_file_location("interpreted_kernels", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def golden() -> Path:
    """Return the folder of stored figures."""
    return GOLDEN


@pytest.fixture
def shared_golden() -> Path:
    """Return the folder of golden containers beside the checkout, or skip."""
    folder = GOLDEN.parents[2] / "shared" / "golden"
    if not folder.is_dir():
        pytest.skip("needs ../shared/golden, which is not part of the repository")
    return folder


@pytest.fixture
def toy_clip() -> Tensor:
    """Return (8,3,48,64) in [0.1,0.9]: a smooth pattern that moves 2 px right and 1 px down a frame."""
    t, y, x = torch.meshgrid(
        torch.arange(8.0), torch.arange(48.0), torch.arange(64.0), indexing="ij"
    )
    x, y = x - 2 * t, y - t  # where the pattern's point now at (x,y) was in frame 0
    waves = [
        torch.sin(2 * math.pi * (a * x + b * y) + c)
        for a, b, c in ((1 / 32, 1 / 48, 0.3), (-1 / 40, 1 / 24, 1.1), (1 / 21, -1 / 37, 2.0))
    ]
    return 0.5 + 0.4 * torch.stack(waves, 1)  # (T,3,H,W)


@pytest.fixture
def toy_holes() -> Tensor:
    """Return (8,1,48,64) with 1 = hole: a box of 14x16 px that moves 4 px right a frame."""
    holes = torch.zeros(8, 1, 48, 64)
    for t in range(8):
        holes[t, :, 18:32, 10 + 4 * t : 26 + 4 * t] = 1
    return holes


def _draw_weights(network: nn.Module, rng: torch.Generator, gain: float) -> None:
    with torch.no_grad():
        for name, value in network.named_parameters():
            scale = 0.1
            if value.dim() >= 4:
                scale = gain / math.sqrt(value[0].numel())
            elif name.endswith("kernels"):
                scale = 0.7
            value.copy_(scale * torch.randn(value.shape, generator=rng))


@pytest.fixture
def random_network(rng: torch.Generator) -> Callable[..., Network]:
    """random_network(family, width=4, gain=2.0) -> Network in eval mode with every weight drawn."""

    def make(family: str | NetworkSpec, width: int = 4, gain: float = 2.0) -> Network:
        spec = family
        if isinstance(family, str):
            spec = FAMILIES[family]
            spec = replace(spec, trunk=replace(spec.trunk, width=width))
        network = build(spec)
        _draw_weights(network, rng, gain)
        return network.eval().requires_grad_(False)

    return make


@pytest.fixture
def tiny_network(random_network: Callable[..., Network]) -> Network:
    """Return the refine family at width 4 with random weights, the head's included."""
    return random_network("refine")


@pytest.fixture
def one_sentence() -> Callable[[Exception], None]:
    """one_sentence(error) checks the house form: Expected, got, what to do; one line, one stop."""

    def check(error: Exception) -> None:
        message = str(error)
        assert message.startswith("Expected ")
        assert message.endswith(".")
        assert "\n" not in message
        assert ";" in message
        assert "got " in message or "found " in message

    return check


def _is_open(path: str | Path) -> bool:
    """Tell whether this process has a file, or one in a folder, open or mapped."""
    real, names = os.path.realpath(path), []
    for number in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the listing itself, or another thread's
            names.append(str(number.readlink()))
    maps = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    names += [line.split(maxsplit=5)[-1] for line in maps]
    return any(name == real or name.startswith(real + "/") for name in names)


@pytest.fixture
def windows_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that are open can be neither renamed, replaced nor removed."""
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("needs /proc")

    def closed(change: Callable[..., object]) -> Callable[..., object]:
        def wrapped(*arguments: str | Path, **named: object) -> object:
            for path in arguments:
                if isinstance(path, str | Path) and _is_open(path):
                    raise PermissionError(errno.EACCES, "open elsewhere", str(path))
            return change(*arguments, **named)

        return wrapped

    for name in ("replace", "rename", "unlink"):
        monkeypatch.setattr(Path, name, closed(getattr(Path, name)))
    monkeypatch.setattr(shutil, "rmtree", closed(shutil.rmtree))
