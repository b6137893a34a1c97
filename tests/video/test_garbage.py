"""Frames that were read are freed at once, not when the garbage collector comes round."""

from __future__ import annotations

import gc
from fractions import Fraction

import av
import torch

from lgtsm.video.clip import write_clip
from lgtsm.video.read import read_frames, read_masks


def test_read_frames_leave_no_cycles(tmp_path):
    path = tmp_path / "film.mp4"
    write_clip(path, torch.rand(12, 1, 32, 48).expand(-1, 3, -1, -1), rate=Fraction(24))
    gc.collect()
    gc.disable()
    try:
        for read in (read_frames, read_masks):
            assert sum(1 for _ in read(path)) == 12
        kept = sum(type(thing) is av.VideoFrame for thing in gc.get_objects())
    finally:
        gc.enable()
    assert kept <= 1
