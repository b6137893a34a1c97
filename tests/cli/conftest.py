"""Short films, masks and a tiny weight file; nothing is stored, no default weights are needed."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from lgtsm.cli.main import main
from lgtsm.weights.header import Card
from lgtsm.weights.save import save_model

RATE = Fraction(24)


def _add_sound(out, stream, seconds):
    for i in range(int(seconds * 48000 / 1024) + 1):
        wave = np.sin(np.arange(i * 1024, (i + 1) * 1024) * 0.06, dtype=np.float32)[None] * 0.1
        block = av.AudioFrame.from_ndarray(wave, format="fltp", layout="mono")
        block.sample_rate, block.pts = 48000, i * 1024
        out.mux(stream.encode(block))
    out.mux(stream.encode(None))


@pytest.fixture
def make_film(tmp_path):
    """make_film(name, num=12, size=(48, 64)) -> path of a moving pattern with sound."""

    def make(name="film.mp4", num=12, size=(48, 64)):
        path = tmp_path / name
        y, x = np.indices(size)
        with av.open(str(path), "w") as out:
            film = out.add_stream("libx264", rate=RATE, options={"crf": "12"})
            film.height, film.width, film.pix_fmt = *size, "yuv420p"
            sound = out.add_stream("aac", rate=48000, layout="mono")
            for t in range(num):
                wave = np.sin((x - 2 * t) / 5) + np.sin((y + x - t) / 7)
                rgb = np.stack([128 + 50 * wave, 128 - 50 * wave, 110 + 30 * wave], -1)
                frame = av.VideoFrame.from_ndarray(rgb.astype(np.uint8), format="rgb24")
                frame.pts, frame.time_base = t, 1 / RATE
                out.mux(film.encode(frame))
            out.mux(film.encode(None))
            _add_sound(out, sound, num / 24)
        return path

    return make


@pytest.fixture
def make_mask(tmp_path):
    """make_mask(name, size=(48, 64), num=None): a still image, or a folder of num images."""

    def make(name="mask.png", size=(48, 64), num=None):
        mask = np.zeros(size, np.uint8)
        mask[size[0] // 3 : size[0] // 2, size[1] // 4 : size[1] // 2] = 255
        path = tmp_path / name
        paths = [path]
        if num is not None:
            path.mkdir()
            paths = [path / f"{t:03d}.png" for t in range(num)]
        for one in paths:
            _write_png(one, mask)
        return path

    return make


def _write_png(path, grey):
    with av.open(str(path), "w", format="image2", options={"update": "1"}) as out:
        stream = out.add_stream("png", rate=1)
        stream.height, stream.width, stream.pix_fmt = *grey.shape, "gray"
        frame = av.VideoFrame.from_ndarray(grey, format="gray")
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))


@pytest.fixture
def model(tmp_path, tiny_network):
    """Path of the refine family at width 4 with random weights."""
    path = tmp_path / "weights" / "tiny.safetensors"
    save_model(tiny_network, path, Card(spec=tiny_network.spec, licence="Apache-2.0"))
    return path


@pytest.fixture
def lgtsm(capsys):
    """lgtsm(*arguments) -> (exit code, stdout, stderr) of one command in this process."""

    def run(*arguments):
        try:
            code = main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = stop.code
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


@pytest.fixture
def read_film():
    """read_film(path, pixels="rgb24") -> (T,H,W,3) bytes of all frames, (T,H,W) for gray."""

    def read(path, pixels="rgb24"):
        with av.open(str(path)) as container:
            frames = [f.to_ndarray(format=pixels) for f in container.decode(video=0)]
        return np.stack(frames)

    return read


@pytest.fixture
def leftovers(tmp_path):
    """leftovers() -> names of hidden and partial things below tmp_path."""

    def find():
        names = [p.name for p in tmp_path.rglob("*")]
        return sorted(n for n in names if n.startswith(".") or "partial" in n)

    return find
