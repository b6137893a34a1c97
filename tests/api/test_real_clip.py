"""The whole chain on a real clip, which is not part of the repository: every other frame, half as wide and high."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import pytest
import torch
from torch.nn.functional import avg_pool2d, max_pool2d

import lgtsm
from lgtsm.mask_options import MaskOptions
from lgtsm.options import InpaintOptions

DEMO = Path(__file__).resolve().parents[3] / "shared" / "data" / "demo"
RATE = 10
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not DEMO.is_dir(), reason="needs ../shared/data, which is not part of the repository"
    ),
]


def _frames(path):
    with av.open(str(path)) as container:
        rows = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
    return torch.from_numpy(np.stack(rows)).permute(0, 3, 1, 2).float() / 255


def _write(path, frames, *, codec, pixels, tone=False):
    """Write frames (T,3,h,w) at the rate of the clip, with a tone as long as they are."""
    with av.open(str(path), "w") as out:
        video = out.add_stream(codec, rate=RATE, options={"crf": "12"} if tone else {})
        video.height, video.width, video.pix_fmt = *frames.shape[-2:], pixels
        sound = out.add_stream("aac", rate=48000, layout="mono") if tone else None
        for frame in frames:
            values = (frame * 255).round().byte().permute(1, 2, 0).contiguous().numpy()
            out.mux(video.encode(av.VideoFrame.from_ndarray(values, format="rgb24")))
        out.mux(video.encode(None))
        if sound is None:
            return
        wave = np.sin(np.arange(48000 * len(frames) // RATE) * 0.05).astype(np.float32)
        for start in range(0, len(wave) - 1024, 1024):
            frame = av.AudioFrame.from_ndarray(wave[None, start : start + 1024], "fltp", "mono")
            frame.sample_rate, frame.pts = 48000, start
            out.mux(sound.encode(frame))
        out.mux(sound.encode(None))


def _packets(path):
    with av.open(str(path)) as container:
        return [bytes(p) for p in container.demux(audio=0) if p.size]


def test_a_person_is_taken_out_and_sound_count_and_rate_stay(tmp_path):
    source, target = tmp_path / "a person.mp4", tmp_path / "leer ohne Person é.mp4"
    mask = tmp_path / "mask.mkv"
    small = avg_pool2d(_frames(DEMO / "person_walks_off.mp4")[::2], 2)
    _write(source, small, codec="libx264", pixels="yuv420p", tone=True)
    hole = max_pool2d(_frames(DEMO / "mask.mkv")[::2], 2)
    _write(mask, hole, codec="ffv1", pixels="gray")
    report = lgtsm.inpaint_video(
        source, mask, target, options=InpaintOptions(mask=MaskOptions(grow=4))
    )
    before, after = _frames(source), _frames(target)
    assert report.frames == len(after) == len(before) == 25
    with av.open(str(source)) as one, av.open(str(target)) as two:
        assert one.streams.video[0].average_rate == two.streams.video[0].average_rate
    assert _packets(source) == _packets(target) != []

    plate = _frames_of_plate(before.shape[-2:])
    hole = _frames(mask)[:, :1] > 0.5
    # the plate was taken at another exposure: compare after one gain per frame on known pixels
    known = ~hole.expand_as(before)
    gain = (before * known).sum((1, 2, 3)) / (plate * known).sum((1, 2, 3))
    relit = (plate * gain.view(-1, 1, 1, 1)).clamp(0, 1)
    inside = hole.expand_as(before)
    error = (after - relit)[inside].square().mean()
    with_person = (before - relit)[inside].square().mean()
    assert error < 0.02 * with_person
    assert -10 * torch.log10(error) > 24


def _frames_of_plate(size):
    from PIL import Image

    plate = Image.open(DEMO / "plate.png").convert("RGB")
    assert plate.size == (2 * size[1], 2 * size[0])
    return avg_pool2d(torch.from_numpy(np.array(plate)).permute(2, 0, 1)[None].float() / 255, 2)
