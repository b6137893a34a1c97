"""A long film is split at cuts and joined: picture and sound stay in step, to the sample.

In small form with all tests; in full with LGTSM_FILM_MINUTES=20 in the environment.
"""

import os
from fractions import Fraction
from itertools import pairwise

import av
import numpy as np
import pytest

import lgtsm
from lgtsm.batch.options import BatchOptions
from lgtsm.batch.parts import group_shots
from lgtsm.masks.boxes import MaskBox
from tests.batch.conftest import OPTIONS

MINUTES = float(os.environ.get("LGTSM_FILM_MINUTES", "0.5"))
SIZE = (48, 64)
RATE = Fraction(15000, 1001)
"""3203.2 samples of sound a frame: they never end together."""
SAMPLES = 48000
NUM = int(MINUTES * 60 * RATE)
SEED = 28

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900 + 300 * MINUTES)]


def _sample(frame):
    """Return the first sample of sound at or after the beginning of a frame."""
    return -(-frame * SAMPLES // RATE)


def _shots():
    """Return the first frames of shots of 3 to 13 seconds."""
    rng, starts = np.random.default_rng(SEED), [0]
    while starts[-1] < NUM:
        starts.append(starts[-1] + int(rng.integers(45, 200)))
    return starts[:-1]


def _write(path, shots):
    """Write a film: every other shot is dark with sound below zero, the others are bright with sound above."""
    y, x = np.indices(SIZE)
    with av.open(str(path), "w") as out:
        film = out.add_stream("prores_ks", rate=RATE)
        film.height, film.width, film.pix_fmt = *SIZE, "yuv422p10le"
        film.time_base = 1 / RATE
        track = out.add_stream("pcm_s16le", rate=SAMPLES, layout="mono")
        bounds = [*shots, NUM]
        for number, (start, end) in enumerate(pairwise(bounds)):
            sign, rng = number % 2 * 2 - 1, np.random.default_rng([SEED, number])
            colour = 110 + 60 * sign + rng.uniform(-15, 15, 3)
            for t in range(start, end):
                wave = np.sin((x - 2 * t) / 4) + np.sin((y + x - t) / 7)
                rgb = np.clip(colour + 15 * wave[..., None], 0, 255).astype(np.uint8)
                frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
                frame.pts, frame.time_base = t, 1 / RATE
                out.mux(film.encode(frame))
            first, last = _sample(start), _sample(end)
            for begin in range(first, last, 4800):
                tone = rng.integers(500, 9000, (1, min(4800, last - begin)))
                block = av.AudioFrame.from_ndarray((sign * tone).astype(np.int16), "s16", "mono")
                block.sample_rate, block.pts = SAMPLES, begin
                out.mux(track.encode(block))
        out.mux([*film.encode(None), *track.encode(None)])
    return path


def _read(path):
    """Return times in seconds and mean brightness of all frames, and all samples of sound with their first time."""
    with av.open(str(path)) as film:
        times, brightness = [], []
        for frame in film.decode(video=0):
            times.append(frame.pts * frame.time_base)
            brightness.append(frame.to_ndarray(format="gray").mean())
    with av.open(str(path)) as film:
        blocks = list(film.decode(audio=0))
    sound = np.concatenate([block.to_ndarray()[0] for block in blocks])
    return times, np.array(brightness), sound, blocks[0].pts * blocks[0].time_base


def _frames(path):
    with av.open(str(path)) as film:
        return np.stack([frame.to_ndarray(format="yuv422p10le") for frame in film.decode(video=0)])


def test_a_long_film_is_joined_with_its_sound_in_step(tmp_path):
    shots = _shots()
    film = _write(tmp_path / "film.mov", shots)
    # holes before, on and after every cut
    boxes = [f"20,16,14,12@{max(0, cut - 8)}-{cut + 12}" for cut in shots]
    split = max(60, NUM // 12)
    job = lgtsm.BatchJob(source=str(film), boxes=tuple(boxes), output="film.mov", options=OPTIONS)
    result = lgtsm.run_batch([job], tmp_path / "out", options=BatchOptions(workers=2, split=split))
    (entry,) = result.entries
    assert entry.state == "done", entry.error
    assert entry.report["shots"] == shots
    assert len(group_shots(shots, None, split)) >= 3
    made = tmp_path / "out" / "film.mov"
    times, brightness, sound, begin = _read(made)
    source = _read(film)
    assert times == source[0]
    assert len(times) == NUM
    assert begin == source[3] == 0
    assert np.array_equal(sound, source[2])
    # where the picture changes, the sound does, in the very sample
    seen = np.flatnonzero(np.diff(brightness > 110)) + 1
    heard = np.flatnonzero(np.diff(np.sign(sound.astype(int)))) + 1
    assert seen.tolist() == shots[1:]
    assert heard.tolist() == [_sample(cut) for cut in shots[1:]]
    single = tmp_path / "single.mov"
    lgtsm.inpaint_video(film, [MaskBox.parse(text) for text in boxes], single, options=OPTIONS)
    assert np.array_equal(_frames(made), _frames(single))
