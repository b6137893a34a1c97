"""`lgtsm masks static`, `text` and `between`, from files to files."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from lgtsm.masks.text import detector
from lgtsm.video.clip import write_clip
from lgtsm.video.read import read_masks

SIZE = (64, 96)


def _read(path):
    return torch.stack(list(read_masks(path)))


@pytest.fixture
def shot(tmp_path):
    """A pan of 20 frames with a white square in its corner."""
    wide = torch.rand(1, 3, 30, 40, generator=torch.Generator().manual_seed(1))
    wide = torch.nn.functional.interpolate(wide, scale_factor=4, mode="bilinear")[0] * 0.8
    frames = torch.stack([wide[:, 2 * t : 2 * t + 64, 3 * t : 3 * t + 96] for t in range(20)])
    frames[:, :, 6:18, 70:88] = 1
    path = tmp_path / "shot.mkv"
    write_clip(path, frames, rate=24, crf=4)
    return path


def test_a_logo_becomes_one_mask_a_frame(lgtsm, shot, tmp_path):
    out = tmp_path / "logo.mkv"
    code, stdout, stderr = lgtsm("masks", "static", shot, "-o", out, "--range", "4-18")
    assert code == 0, stderr
    assert "of the picture" in stderr
    assert not stdout
    masks = _read(out)
    assert len(masks) == 20
    assert [bool(mask.any()) for mask in masks] == [False] * 4 + [True] * 14 + [False] * 2
    assert bool(masks[5, :, 7:17, 71:87].all())
    assert float(masks[5].mean()) < 0.07


def test_a_shot_of_which_nothing_can_be_told_writes_nothing(lgtsm, tmp_path):
    still = torch.rand(3, *SIZE, generator=torch.Generator().manual_seed(1)).expand(12, -1, -1, -1)
    write_clip(tmp_path / "still.mkv", still, rate=24)
    code, _, stderr = lgtsm("masks", "static", tmp_path / "still.mkv", "-o", tmp_path / "m.mkv")
    assert code == 1
    assert "nothing can be told" in stderr
    assert not (tmp_path / "m.mkv").exists()


def test_text_is_looked_for_in_the_region_and_range(lgtsm, shot, tmp_path, monkeypatch):
    asked = []

    def detect(picture):
        asked.append(tuple(picture.shape))
        return []

    monkeypatch.setattr(detector, "text_detector", lambda: detect)
    out = tmp_path / "text.mkv"
    code, _, stderr = lgtsm(
        "masks", "text", shot, "-o", out, "--range", "2-19", "--region", "0,40,96,40"
    )
    assert code == 0, stderr
    assert "nothing was found" in stderr
    assert asked == [(3, 24, 96)] * 3
    assert _read(out).shape == (20, 1, *SIZE)


def _key(folder, number, left):
    mask = np.zeros(SIZE, np.uint8)
    mask[20:40, left : left + 20] = 255
    folder.mkdir(exist_ok=True)
    Image.fromarray(mask).save(folder / f"mask_{number:04}.png")


def test_key_masks_become_one_mask_a_frame(lgtsm, shot, tmp_path):
    _key(tmp_path / "keys", 4, 10)
    _key(tmp_path / "keys", 12, 50)
    out = tmp_path / "masks.mkv"
    code, _, stderr = lgtsm("masks", "between", shot, "--keys", tmp_path / "keys", "-o", out)
    assert code == 0, stderr
    assert "frames 4, 12" in stderr
    masks = _read(out)
    lefts = [int(mask[0].any(0).float().argmax()) for mask in masks]
    assert lefts == [10] * 5 + [15, 20, 25, 30, 35, 40, 45] + [50] * 8


def test_key_masks_are_not_replaced(lgtsm, shot, tmp_path):
    keys = tmp_path / "keys"
    _key(keys, 4, 10)
    code, _, stderr = lgtsm("masks", "between", shot, "--keys", keys, "-o", keys)
    assert code == 1
    assert "keys twice" in stderr
    assert [path.name for path in keys.iterdir()] == ["mask_0004.png"]


def test_key_masks_of_a_folder_have_the_numbers_of_its_pictures(lgtsm, tmp_path):
    frames = tmp_path / "frames"
    frames.mkdir()
    for number in range(1001, 1006):
        Image.new("RGB", SIZE[::-1]).save(frames / f"f{number}.png")
    _key(tmp_path / "keys", 1001, 0)
    _key(tmp_path / "keys", 1005, 8)
    out = tmp_path / "masks"
    assert lgtsm("masks", "between", frames, "--keys", tmp_path / "keys", "-o", out)[0] == 0
    assert [int(mask[0].any(0).float().argmax()) for mask in _read(out)] == [0, 2, 4, 6, 8]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["static", "--range", "20-30"], "begins before frame 20"),
        (["text", "--region", "200,0,10,10"], "inside 96x64"),
        (["text", "--region", "0,0,10,10@3-4"], "use --range"),
        (["between", "--keys", "nowhere"], "folder of key masks"),
        (["between", "--keys", "unnumbered"], "mask_0012.png"),
        (["between", "--keys", "late"], "0 to 19"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(lgtsm, shot, tmp_path, arguments, said):
    _key(tmp_path / "late", 20, 0)
    (tmp_path / "unnumbered").mkdir()
    Image.new("L", SIZE[::-1]).save(tmp_path / "unnumbered" / "mask.png")
    words = [
        tmp_path / word if word in ("nowhere", "unnumbered", "late") else word for word in arguments
    ]
    code, _, stderr = lgtsm("masks", words[0], shot, *words[1:], "-o", tmp_path / "m.mkv")
    assert code == 1
    assert said in stderr
    assert stderr.count("\n") == 1
    assert not (tmp_path / "m.mkv").exists()
