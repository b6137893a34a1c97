"""Damaged and cut-off files: every kind is warned of, and an error under `strict`."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest
import torch

from lgtsm.api import inpaint_video
from lgtsm.cli.main import main
from lgtsm.errors import VideoError
from lgtsm.masks.boxes import MaskBox
from lgtsm.options import VideoOptions
from lgtsm.video.read import read_frames, read_masks


def _cut(data):
    return data[: len(data) * 6 // 10]


def _cut_at_the_end(data):
    return data[: len(data) * 97 // 100]


def _lose(data):
    return data[: len(data) // 2] + data[len(data) // 2 + 6000 :]


def _overwrite(data):
    noise = np.random.default_rng(0).integers(0, 256, 6000, dtype=np.uint8).tobytes()
    return data[: len(data) // 3] + noise + data[len(data) // 3 + 6000 :]


def _flip(data):
    data, rng = bytearray(data), np.random.default_rng(1)
    for place in rng.integers(len(data) // 4, len(data) * 3 // 4, 12):
        data[place] ^= 16
    return bytes(data)


CASES = [
    ("a.mkv", "libx264", (_cut, _flip)),
    ("a.ts", "libx264", (_lose, _overwrite, _flip)),
    ("a.mkv", "ffv1", (_cut, _cut_at_the_end, _lose, _overwrite)),
    ("a.avi", "mpeg4", (_cut, _cut_at_the_end, _lose, _overwrite, _flip)),
    ("a.avi", "mjpeg", (_cut, _cut_at_the_end, _overwrite)),
    ("a.mpg", "mpeg2video", (_cut, _cut_at_the_end, _lose, _overwrite, _flip)),
    ("a.mov", "prores_ks", (_overwrite, _flip)),
]
FORMATS = {"mjpeg": "yuvj420p", "prores_ks": "yuv422p10le"}


@pytest.mark.parametrize(
    ("name", "codec", "damage"),
    [
        # two ways of damage for every codec, the others beside them
        pytest.param(name, codec, damage, marks=() if damage in damages[-2:] else pytest.mark.slow)
        for name, codec, damages in CASES
        for damage in damages
    ],
)
def test_damage_is_warned_of_once_and_strict_stops(
    tmp_path, make_video, caplog, one_sentence, name, codec, damage
):
    options = {"g": "10"} if codec in ("libx264", "mpeg4", "mpeg2video") else {}
    source = make_video(
        tmp_path / name, num=30, codec=codec, noise=True, rate=Fraction(25), size=(64, 96),
        fmt=FORMATS.get(codec, "yuv420p"), options=options,
    )  # fmt: skip
    assert len(list(read_frames(source, strict=True))) == 30
    assert not caplog.records
    source.write_bytes(damage(source.read_bytes()))
    num = len(list(read_frames(source)))
    assert [r.message.count("is damaged or cut off") for r in caplog.records] == [1]
    assert f"{num} frames were decoded" in caplog.text
    with pytest.raises(VideoError, match="undamaged file") as caught:
        list(read_frames(source, strict=True))
    one_sentence(caught.value)


@pytest.fixture
def damaged(tmp_path, make_video):
    source = make_video(tmp_path / "in.mkv", num=30, codec="ffv1", noise=True)
    source.write_bytes(_cut(source.read_bytes()))
    return source


def test_damage_before_the_end_of_a_range_is_told(make_video, tmp_path, caplog):
    source = make_video(tmp_path / "in.mkv", num=30, noise=True, options={"g": "10"})
    source.write_bytes(_flip(source.read_bytes()))
    frames = read_frames(source, end=20)
    assert len(list(frames)) == 20
    assert "is damaged" in caplog.text


def test_the_report_notes_damage_and_strict_writes_nothing(tmp_path, damaged):
    target = tmp_path / "out.mkv"
    box, options = [MaskBox(2, 2, 8, 8)], VideoOptions(lossless=True)
    report = inpaint_video(damaged, box, target, options=_copies(), video=options)
    assert sum("is damaged or cut off" in note for note in report.notes) == 1
    target.unlink()
    strict = VideoOptions(lossless=True, strict=True)
    with pytest.raises(VideoError, match="undamaged"):
        inpaint_video(damaged, box, target, options=_copies(), video=strict)
    assert [p.name for p in tmp_path.glob("*out*")] in ([], [".out.mkv.lgtsm-partial"])


def _copies():
    from lgtsm.options import InpaintOptions

    return InpaintOptions(mode="copy", motion="none")


@pytest.mark.slow
def test_strict_on_the_command_line(tmp_path, damaged, capsys):
    command = ["inpaint", str(damaged), "--box", "2,2,8,8", "--mode", "copy", "--motion", "none"]
    command += ["-o", str(tmp_path / "out.mkv"), "--quiet"]
    assert main([*command, "--report", str(tmp_path / "r.json")]) == 0
    notes = json.loads((tmp_path / "r.json").read_text())["notes"]
    assert sum("is damaged or cut off" in note for note in notes) == 1
    assert capsys.readouterr().err == ""
    (tmp_path / "out.mkv").unlink()
    assert main([*command, "--strict"]) == 1
    assert "undamaged" in capsys.readouterr().err
    assert not (tmp_path / "out.mkv").exists()


def test_masks_may_be_strict_too(tmp_path, make_video):
    damaged = make_video(tmp_path / "m.mkv", num=30, codec="ffv1", fmt="gray", noise=True)
    damaged.write_bytes(_cut(damaged.read_bytes()))
    with pytest.raises(VideoError, match="undamaged"):
        list(read_masks(damaged, strict=True))
    assert torch.stack(list(read_masks(damaged))).shape[0] > 10


@pytest.mark.parametrize("share", [0.1, 0.3, 0.45])
def test_a_recording_that_begins_between_key_frames_is_whole(tmp_path, make_video, caplog, share):
    source = make_video(tmp_path / "a.ts", num=40, noise=True, options={"g": "12", "bf": "3"})
    data = source.read_bytes()
    source.write_bytes(data[int(len(data) * share) // 188 * 188 :])
    assert 10 < len(list(read_frames(source, strict=True))) < 40
    assert not caplog.records
