"""A rendered film, its true mask, and a studio that shows it."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

pytest.importorskip("starlette", reason="needs starlette and uvicorn")

from lgtsm.scene.render import Scene, render_scene
from lgtsm.video.clip import write_clip
from tests.completion.conftest import texture
from tests.studio.browsing import Browser, Tab, browse, program
from tests.studio.serving import SMALL, Studio, serve


@pytest.fixture(scope="session")
def scene() -> Scene:
    """Return a small rendered shot of a passing vehicle."""
    return render_scene(SMALL)


@pytest.fixture(scope="session")
def rendered(scene: Scene, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scene") / "shot.mp4"
    write_clip(path, scene.frames, rate=scene.rate)
    return path


@pytest.fixture(scope="session")
def long_film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a film of 2000 frames."""
    path = tmp_path_factory.mktemp("long") / "long.mp4"
    noise = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(1))
    write_clip(path, noise.expand(2000, -1, -1, -1), rate=SMALL.rate)
    return path


@pytest.fixture
def film(rendered: Path, tmp_path: Path) -> Path:
    """Return a film in a folder of its own."""
    folder = tmp_path / "films"
    folder.mkdir()
    return Path(shutil.copy(rendered, folder))


@pytest.fixture
def still(film: Path, scene: Scene) -> Path:
    """Return a film in which nothing moves, beside the other: no frame shows what is behind anything."""
    path = film.with_name("still.mp4")
    write_clip(path, scene.frames[5:6].expand(10, -1, -1, -1), rate=scene.rate)
    return path


@pytest.fixture(scope="session")
def shadow_scene() -> tuple[Tensor, Tensor, Tensor]:
    """Return frames (T,3,H,W), a square that crosses them and its shadow below it (T,1,H,W)."""
    count, height, width, side, step = 14, 96, 160, 24, 8
    wide = texture(height, width + 2 * count, 1, (0.3, 0.6, 0.3))
    frames = torch.stack([wide[..., 2 * t : 2 * t + width] for t in range(count)])
    objects, shadows = torch.zeros(2, count, 1, height, width)
    square = texture(side, side, 2, (0.9, 0.3, 0.2))
    for t in range(count):
        left = 12 + step * t
        shadows[t, :, 54:63, left + 6 : left + 6 + side] = 1
        objects[t, :, 30:54, left : left + side] = 1
        frames[t] = torch.where(shadows[t] > 0, 0.55 * frames[t], frames[t])
        frames[t, :, 30:54, left : left + side] = square
    return frames, objects, shadows


@pytest.fixture
def studio(film: Path) -> Iterator[Studio]:
    """Return a studio for the folder of the film."""
    with serve(film.parent) as running:
        yield running


@pytest.fixture
def png() -> Callable[[Tensor], bytes]:
    """png(mask) -> what a page sends for a mask (1,H,W)."""

    def make(mask: Tensor) -> bytes:
        buffer = io.BytesIO()
        values = (mask[0] > 0.5).to(torch.uint8).mul(255).numpy()
        Image.fromarray(np.stack([values] * 3, -1)).save(buffer, "PNG")
        return buffer.getvalue()

    return make


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    pytest.importorskip("playwright", reason="needs tests/comfyui/driver.txt")
    if program() is None:
        pytest.skip("needs chromium")
    with browse() as running:
        yield running


@pytest.fixture
def context(browser: Browser) -> Iterator[Any]:
    """Return what the tabs of one window share."""
    found = browser.context()
    yield found
    browser.do(found.close())


@pytest.fixture
def tab(browser: Browser, context: Any, studio: Studio) -> Tab:
    """Return a page of the studio, without a film."""
    found = browser.tab(context)
    found.goto(studio.address)
    found.see("#entries", "shot.mp4")
    return found


@pytest.fixture
def painted(studio: Studio, film: Path, scene: Scene, png: Callable[[Tensor], bytes]) -> str:
    """Return the address of a film whose middle frame is painted, for a quick fill."""
    opened = studio.open(film)
    studio.json("PUT", f"{opened}/painted/5", png(scene.mask[5]))
    quick = {"mode": "copy", "motion": "planar", "threads": 1, "lossless": True}
    studio.json("POST", f"{opened}/options", quick)
    return opened
