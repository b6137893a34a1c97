"""Media made on the spot; nothing is stored."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest
import torch

from lgtsm.options import VideoOptions
from lgtsm.video.layout import layout_of, samples
from lgtsm.video.read import read_frames
from lgtsm.video.write import open_writer


def _noise_frame(fmt, width, height, rng):
    frame = av.VideoFrame(width, height, fmt)
    layout = layout_of(fmt)
    for plane in frame.planes:
        np.frombuffer(plane, np.uint8)[:] = 0
    channels = layout.colours + ((layout.alpha,) if layout.alpha else ())
    for channel in channels:
        view = samples(frame, layout, channel)
        view[:] = rng.integers(0, 1 << layout.bits, view.shape)
    return frame


@pytest.fixture
def noise_frame():
    """noise_frame(fmt, width, height, rng) -> av.VideoFrame with every sample random."""
    return _noise_frame


@pytest.fixture
def make_video():
    """Write a video of smooth moving patterns (or noise) and return its path."""

    def make(
        path,
        *,
        num=10,
        size=(48, 64),
        codec="libx264",
        fmt="yuv420p",
        rate=Fraction(30000, 1001),
        times=None,
        time_base=None,
        audio=False,
        rotation=None,
        noise=False,
        options=None,
        tags=None,
        metadata=None,
    ):
        height, width = size
        rng = np.random.default_rng(0)
        time_base = time_base or 1 / rate
        times = times or list(range(num))
        with av.open(str(path), "w") as out:
            out.metadata.update(metadata or {})
            stream = out.add_stream(codec, rate=rate, options=options or {})
            stream.width, stream.height, stream.pix_fmt = width, height, fmt
            stream.codec_context.time_base = time_base
            for name, value in (tags or {}).items():
                setattr(stream.codec_context, name, value)
            if rotation is not None:
                stream.set_display_rotation(rotation)
            if audio:
                sound = out.add_stream("aac", rate=48000)
                sound.layout = "stereo"
            layout = layout_of(fmt)
            for i, time in enumerate(times):
                frame = _noise_frame(fmt, width, height, rng)
                if not noise:
                    for channel in layout.colours:
                        view = samples(frame, layout, channel)
                        rows, columns = np.indices(view.shape)
                        pattern = (columns * 3 + rows * 2 + i * 5) % 200 + 20
                        view[:] = pattern << (layout.bits - 8)
                for name, value in (tags or {}).items():
                    if hasattr(frame, name):
                        setattr(frame, name, value)
                frame.pts, frame.time_base = time, time_base
                out.mux(stream.encode(frame))
            out.mux(stream.encode(None))
            if audio:
                seconds = float((times[-1] + 1) * time_base)
                for i in range(int(seconds * 48000 / 1024) + 1):
                    wave = rng.standard_normal((2, 1024)).astype(np.float32) * 0.1
                    block = av.AudioFrame.from_ndarray(wave, format="fltp", layout="stereo")
                    block.sample_rate, block.pts = 48000, i * 1024
                    out.mux(sound.encode(block))
                out.mux(sound.encode(None))
        return path

    return make


@pytest.fixture
def refill():
    """Copy a source to a target, filling a hole (or none) with one colour."""

    def run(source, target, *, hole=None, colour=(0.9, 0.1, 0.4), **options):
        options = VideoOptions(**options)
        num = 0
        with open_writer(target, source, options=options) as writer:
            for frame in read_frames(source, start=options.start, end=options.end):
                mask = torch.zeros(1, *frame.rgb().shape[1:])
                if hole is not None:
                    mask[:, hole[0], hole[1]] = 1
                pixels = torch.tensor(colour).view(3, 1, 1).expand_as(frame.rgb())
                writer.write(frame, pixels, mask)
                num += 1
        return num

    return run


@pytest.fixture
def packets():
    """packets(path, kind) -> [(seconds, bytes)] of the first stream of a kind."""

    def read(path, kind):
        with av.open(str(path)) as container:
            stream = next(s for s in container.streams if s.type == kind)
            return [(p.pts * p.time_base, bytes(p)) for p in container.demux(stream) if p.size]

    return read
