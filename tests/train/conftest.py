"""A library of two short clips and a photograph."""

from __future__ import annotations

import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from train.data.sources import Library, prepare
from train.recipe import Initialisation, Recipe
from train.recipes import load_recipe

SIZE = (80, 96)


def _picture(shift: float) -> np.ndarray:
    y, x = np.mgrid[: SIZE[0], : SIZE[1]]
    waves = [np.sin((x - shift) / a + y / b) for a, b in ((5, 9), (-7, 6), (11, -8))]
    return (127 + 100 * np.stack(waves, -1)).astype(np.uint8)


@pytest.fixture(scope="session")
def _made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("toy") / "data"
    (data / "train" / "walk").mkdir(parents=True)
    (data / "stills").mkdir()
    for t in range(12):
        Image.fromarray(_picture(3 * t)).save(data / "train" / "walk" / f"{t:03d}.png")
    with av.open(str(data / "train" / "waves.mp4"), "w") as out:
        stream = out.add_stream("libx264", rate=Fraction(25))
        stream.width, stream.height, stream.pix_fmt = SIZE[1], SIZE[0], "yuv420p"
        for t in range(9):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(_picture(-2 * t), format="rgb24")))
        out.mux(stream.encode(None))
    Image.fromarray(_picture(17)).save(data / "stills" / "garden.png")
    return data


@pytest.fixture
def toy_data(_made: Path, tmp_path: Path) -> Path:
    """Return a folder with a film, a folder of frames and a photograph, which a test may change."""
    return shutil.copytree(_made, tmp_path / "data")


@pytest.fixture(scope="session")
def read_library(_made: Path) -> Library:
    """Return the decoded folder for tests that only read it."""
    return prepare(_made, _made.with_name("library"))


@pytest.fixture
def toy_library(read_library: Library, tmp_path: Path) -> Library:
    """Return the decoded folder, which a test may change."""
    return replace(read_library, root=shutil.copytree(read_library.root, tmp_path / "library"))


@pytest.fixture(scope="session")
def toy_recipe() -> Recipe:
    """Return the recipe of seconds."""
    return load_recipe("refine_toy")


@pytest.fixture(scope="session")
def quick_recipe(toy_recipe: Recipe) -> Recipe:
    """Return it with small items, two a step, and first weights that are not rescaled."""
    stages = (replace(stage, batch=2) for stage in (toy_recipe.stage1, toy_recipe.stage2))
    first, second = stages
    return replace(
        toy_recipe,
        initialisation=Initialisation.SCALED,
        data=replace(toy_recipe.data, size=32, num_context=1),
        stage1=first,
        stage2=second,
    )
