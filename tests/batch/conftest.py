"""Tiny films with cuts and sound, still masks, and how results are compared."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

import lgtsm
from lgtsm.batch.executor import Event
from lgtsm.batch.tasks import perform
from lgtsm.engine.hooks import Hooks
from lgtsm.options import InpaintOptions, RunOptions

SIZE = (96, 128)
"""x264 encodes smaller pictures than these differently every time."""
RATE = 24
FAST = {
    "mode": "copy",
    "unseen": "network",
    "motion": "none",
    "source_frames": 2,
    "reach": 6,
    "threads": 1,
    "device": "cpu",
    "max_side": 128,
}
"""Options of a job that takes a fraction of a second, in columns."""
OPTIONS = InpaintOptions.of(FAST, run=RunOptions.of(FAST))
"""The same for a call."""
FLAGS = [w for name, v in FAST.items() for w in ("--" + name.replace("_", "-"), str(v))]
"""The same for a command."""


def write_film(path, num, *, seed=0, shot=None, sound=False):
    """Write a moving pattern that changes entirely every `shot` frames."""
    y, x = np.indices(SIZE)
    with av.open(str(path), "w") as out:
        film = out.add_stream("libx264", rate=RATE, options={"crf": "14", "g": "12"})
        film.height, film.width, film.pix_fmt = *SIZE, "yuv420p"
        track = out.add_stream("aac", rate=48000, layout="mono") if sound else None
        for t in range(num):
            part = 0 if shot is None else t // shot
            rng = np.random.default_rng([seed, part])
            base = (65, 180)[part % 2] + rng.uniform(-20, 20, 3)  # a cut that none overlooks
            gain = rng.uniform(12, 25, 3)
            wave = np.sin((x - 2 * t) / (4 + part % 3)) + np.sin((y + x - t) / 7)
            rgb = np.clip(base + gain * wave[..., None], 0, 255).astype(np.uint8)
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame.pts, frame.time_base = t, Fraction(1, RATE)
            out.mux(film.encode(frame))
        out.mux(film.encode(None))
        if track is not None:
            for i in range(num * 2000 // 1024 + 1):
                wave = np.sin(np.arange(i * 1024, (i + 1) * 1024) * 0.06, dtype=np.float32)[None]
                block = av.AudioFrame.from_ndarray(wave * 0.1, format="fltp", layout="mono")
                block.sample_rate, block.pts = 48000, i * 1024
                out.mux(track.encode(block))
            out.mux(track.encode(None))
    return path


def write_mask(path):
    mask = np.zeros(SIZE, np.uint8)
    mask[32:60, 40:76] = 255
    with av.open(str(path), "w", format="image2", options={"update": "1"}) as out:
        stream = out.add_stream("png", rate=1)
        stream.height, stream.width, stream.pix_fmt = *SIZE, "gray"
        out.mux(stream.encode(av.VideoFrame.from_ndarray(mask, format="gray")))
        out.mux(stream.encode(None))
    return path


@pytest.fixture
def shots(tmp_path):
    """shots(count, num=8) -> folder with shot00.mp4 ... and a still mask for each."""

    def make(count, num=8):
        folder = tmp_path / "shots"
        folder.mkdir()
        for i in range(count):
            write_film(folder / f"shot{i:02}.mp4", num, seed=i)
            write_mask(folder / f"shot{i:02}_mask.png")
        return folder

    return make


class InProcess:
    """Performs tasks in this process, one at every `wait`; an `Executor` that starts nothing."""

    threads, splits = 0, True

    def __init__(self, options=None):
        self.tasks = []

    def submit(self, task):
        self.tasks.append(task)

    def wait(self, seconds):
        task = self.tasks.pop(0)
        return [Event(task, perform(task, Hooks()))]

    def close(self):
        self.tasks.clear()


def streams(path):
    """Return the decoded frames (T,H,W,3), and times and bytes of all packets of sound, of a film."""
    with av.open(str(path)) as container:
        frames = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
    with av.open(str(path)) as container:
        packets = [(p.pts, bytes(p)) for p in container.demux(container.streams.audio) if p.size]
    return np.stack(frames), packets


def assert_same_film(first, second):
    """Check that two films show the same frames, bit for bit, and carry the same sound."""
    (a, sound_a), (b, sound_b) = streams(Path(first)), streams(Path(second))
    assert a.shape == b.shape
    assert np.array_equal(a, b)
    assert sound_a == sound_b


def assert_as_by_themselves(sources, out, names):
    """Check that films of a batch, named without suffix, equal those of single runs."""
    single = out.with_name("single.mp4")
    for name in names:
        film, mask = sources / f"{name}.mp4", sources / f"{name}_mask.png"
        lgtsm.inpaint_video(film, mask, single, options=OPTIONS)
        assert_same_film(out / film.name, single)
