"""Small films, masks in every form, and a tiny network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from lgtsm.models.network import Network
from lgtsm.options import InpaintOptions, RunOptions

SIZE = (48, 64)


@pytest.fixture
def options() -> Callable[..., InpaintOptions]:
    """Return options(**changes) for the CPU, in chunks of four frames."""

    def make(**changes) -> InpaintOptions:
        return InpaintOptions(run=RunOptions(device="cpu", chunk=4), **changes)

    return make


@pytest.fixture
def network(tiny_network: Network) -> Network:
    """Return the tiny network under a name of its own."""
    tiny_network.name = "tiny"
    return tiny_network


@pytest.fixture
def holes_of() -> Callable[[int], Tensor]:
    """holes_of(T) -> (T,1,48,64): a box that moves, none in every seventh frame."""

    def make(num_frames: int) -> Tensor:
        holes = torch.zeros(num_frames, 1, *SIZE)
        for t in range(num_frames):
            if t % 7 != 6:
                left = 4 + t % 30
                holes[t, :, 12:30, left : left + 20] = 1
        return holes

    return make


@pytest.fixture
def make_film() -> Callable[..., Path]:
    """make_film(path, num=20, lossless=False, sound=False, fmt="yuv420p") -> path of a 64x48 film."""

    def frames(num: int) -> Iterator[np.ndarray]:
        y, x = np.mgrid[: SIZE[0], : SIZE[1]]
        for t in range(num):
            waves = [np.sin((x - 2 * t) / a + y / b) for a, b in ((5, 9), (-7, 6), (11, -8))]
            yield (127 + 100 * np.stack(waves, -1)).astype(np.uint8)

    def make(
        path: Path,
        num: int = 20,
        *,
        lossless: bool = False,
        sound: bool = False,
        fmt: str = "yuv420p",
    ) -> Path:
        with av.open(str(path), "w") as out:
            stream = out.add_stream("ffv1" if lossless else "libx264", rate=Fraction(25))
            stream.width, stream.height, stream.pix_fmt = SIZE[1], SIZE[0], fmt
            if sound:
                track = out.add_stream("aac", rate=48000)
                track.layout = "stereo"
            for array in frames(num):
                out.mux(stream.encode(av.VideoFrame.from_ndarray(array, format="rgb24")))
            out.mux(stream.encode(None))
            if sound:
                rng = np.random.default_rng(0)
                for i in range(num * 48000 // 25 // 1024):
                    wave = rng.standard_normal((2, 1024)).astype(np.float32) * 0.1
                    block = av.AudioFrame.from_ndarray(wave, format="fltp", layout="stereo")
                    block.sample_rate, block.pts = 48000, i * 1024
                    out.mux(track.encode(block))
                out.mux(track.encode(None))
        return path

    return make


@pytest.fixture
def save_masks() -> Callable[[Path, Tensor], Path]:
    """Write masks (T,1,H,W) as a still (.png), a grey film (.mkv) or a folder, by the name."""

    def save(path: Path, masks: Tensor) -> Path:
        arrays = (255 * masks[:, 0]).round().numpy().astype(np.uint8)
        if path.suffix == ".png":
            Image.fromarray(arrays[0]).save(path)
        elif path.suffix:
            with av.open(str(path), "w") as out:
                stream = out.add_stream("ffv1", rate=Fraction(25))
                stream.width, stream.height = arrays.shape[2], arrays.shape[1]
                stream.pix_fmt = "gray"
                for array in arrays:
                    out.mux(stream.encode(av.VideoFrame.from_ndarray(array, format="gray")))
                out.mux(stream.encode(None))
        else:
            path.mkdir()
            for number, array in enumerate(arrays):
                Image.fromarray(array).save(path / f"{number:04d}.png")
        return path

    return save
