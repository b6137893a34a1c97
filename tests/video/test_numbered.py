"""Masks of image sequences with gaps belong to the frames of their numbers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

from lgtsm.api import inpaint_video
from lgtsm.errors import ShapeError, VideoError
from lgtsm.mask_options import MaskOptions
from lgtsm.options import InpaintOptions, VideoOptions
from lgtsm.video.clip import write_clip
from lgtsm.video.numbered import masks_of_frames
from lgtsm.video.read import read_masks


@pytest.fixture
def sequence(tmp_path):
    """sequence(folder, pattern, numbers, mask=False): images whose masks move with their number."""

    def make(name, pattern, numbers, *, mask=False):
        folder = tmp_path / name
        folder.mkdir()
        for number in numbers:
            pixels = np.full((24, 40, 3), 40 + number % 100, np.uint8)
            if mask:
                pixels[:] = 0
                pixels[4:12, number % 10 * 3 : number % 10 * 3 + 6] = 255
            Image.fromarray(pixels).save(folder / pattern.format(number))
        return folder

    return make


COPY = InpaintOptions(mode="copy", motion="none")


def _holes(folder):
    return [
        int(np.asarray(Image.open(path).convert("L")).any(0).argmax() // 3)
        for path in sorted(folder.iterdir())
    ]


@pytest.mark.parametrize(
    ("frames", "masks"),
    [
        ([1, 2, 5, 6], [1, 2, 3, 4, 5, 6]),
        ([1, 2, 5, 6], [6, 1, 2, 5, 8]),
        ([2, 4, 6], [1, 2, 3, 4, 5, 6]),
        ([1001, 1002, 1005], [1001, 1002, 1003, 1004, 1005]),
    ],
)
def test_masks_have_the_numbers_of_their_frames(tmp_path, sequence, frames, masks):
    source = sequence("in", "shot_v2_{:04}.png", frames)
    mask = sequence("masks", "{:05}_v2_mask.png", masks, mask=True)
    used = tmp_path / "used"
    report = inpaint_video(source, mask, tmp_path / "out", options=COPY, mask_used=used)
    assert report.frames == len(frames)
    assert _holes(used) == [number % 10 for number in frames]
    part = VideoOptions(start=1, end=3)
    inpaint_video(source, mask, tmp_path / "p", options=COPY, video=part, mask_used=tmp_path / "q")
    assert _holes(tmp_path / "q") == [number % 10 for number in frames[1:3]]


def test_a_frame_without_its_mask_is_left_as_it_is(tmp_path, sequence):
    source = sequence("in", "f{:04}.png", [1, 2, 5, 6])
    mask = sequence("masks", "m{:04}.png", [1, 2, 3, 4], mask=True)
    used = tmp_path / "used"
    report = inpaint_video(source, mask, tmp_path / "out", options=COPY, mask_used=used)
    shown = [np.asarray(Image.open(path)).any() for path in sorted(used.iterdir())]
    assert shown == [True, True, False, False]
    assert any("2 of 4 frames have none" in note for note in report.notes)


@pytest.fixture
def film(tmp_path):
    """A film of 14 frames as large as the masks of `sequence`."""
    path = tmp_path / "film.mkv"
    write_clip(path, torch.rand(14, 3, 24, 40, generator=torch.Generator().manual_seed(0)), rate=24)
    return path


def _empty(path):
    return [index for index, mask in enumerate(read_masks(path)) if not mask.any()]


@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize("numbers", [[2, 3, 12], [5, 6, 7, 8]])
def test_masks_of_a_film_belong_to_the_frames_of_their_numbers(
    tmp_path, sequence, film, numbers, invert
):
    mask = sequence("masks", "mask_{:04}.png", numbers, mask=True)
    if invert:
        for path in mask.iterdir():
            Image.fromarray(255 - np.asarray(Image.open(path))).save(path)
    options = dataclasses.replace(COPY, mask=MaskOptions(invert=invert))
    used = tmp_path / "used.mkv"
    report = inpaint_video(film, mask, tmp_path / "out.mkv", options=options, mask_used=used)
    assert _empty(used) == [t for t in range(14) if t not in numbers]
    assert sum("lgtsm masks between" in note for note in report.notes) == 1
    part = VideoOptions(start=3, end=13)
    inpaint_video(
        film, mask, tmp_path / "p.mkv", options=options, video=part, mask_used=tmp_path / "q.mkv"
    )
    assert _empty(tmp_path / "q.mkv") == [t - 3 for t in range(3, 13) if t not in numbers]


def test_one_mask_a_frame_keeps_its_order_whatever_its_numbers(tmp_path, sequence, film):
    mask = sequence("masks", "m{:04}.png", [*range(100, 113), 200], mask=True)
    used = tmp_path / "used.mkv"
    report = inpaint_video(film, mask, tmp_path / "out.mkv", options=COPY, mask_used=used)
    assert not _empty(used)
    assert not any("numbers" in note for note in report.notes)


def test_one_numbered_mask_still_serves_every_frame(tmp_path, sequence, film):
    mask = sequence("masks", "m{:04}.png", [7], mask=True)
    inpaint_video(film, mask, tmp_path / "o.mkv", options=COPY, mask_used=tmp_path / "used.mkv")
    assert not _empty(tmp_path / "used.mkv")


def test_a_number_beyond_the_film_is_named(tmp_path, sequence, film, one_sentence):
    mask = sequence("masks", "m{:04}.png", [3, 14], mask=True)
    with pytest.raises(VideoError, match=r"0 to 13, got m0014\.png") as caught:
        inpaint_video(film, mask, tmp_path / "out.mkv", options=COPY)
    one_sentence(caught.value)


def test_whole_sequences_from_one_on_are_still_counted(tmp_path, sequence, film):
    mask = sequence("masks", "m{:04}.png", [1, 2, 3, 4], mask=True)
    with pytest.raises(ShapeError, match="got 4"):
        inpaint_video(film, mask, tmp_path / "out.mkv", options=COPY)


@pytest.mark.parametrize("masks", [[11, 12, 15, 16], [0, 1, 2, 3], [900, 907, 950, 999]])
def test_other_numbers_are_paired_in_order(tmp_path, sequence, masks):
    frames = [1, 2, 5, 6] if masks[0] else [1, 2, 3, 4]
    source = sequence("in", "f{:04}.png", frames)
    mask = sequence("masks", "m{:04}.png", masks, mask=True)
    inpaint_video(source, mask, tmp_path / "out", options=COPY, mask_used=tmp_path / "used")
    assert _holes(tmp_path / "used") == [number % 10 for number in masks]


def test_whole_sequences_of_two_lengths_are_still_refused(tmp_path, sequence):
    source = sequence("in", "f{:04}.png", [1, 2, 3])
    mask = sequence("masks", "m{:04}.png", [1, 2, 3, 4], mask=True)
    with pytest.raises(ShapeError, match="got 4"):
        inpaint_video(source, mask, tmp_path / "out", options=COPY)


def test_names_without_own_numbers_keep_their_order(tmp_path):
    frames = [tmp_path / f"f{n}.png" for n in (1, 2, 5)]
    for names in (["a.png", "b.png", "c.png"], ["m1.png", "m1b.png", "m7.png"], ["m1.png"]):
        masks = [tmp_path / name for name in names]
        assert masks_of_frames(masks, frames) == masks
