"""Burned-in text: its glyphs, and the frames of every line; lines are found by a stand-in, except in one test."""

from __future__ import annotations

import importlib.util
from fractions import Fraction

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

from lgtsm.box import Box, hole_box
from lgtsm.errors import OptionError, ShapeError
from lgtsm.masks.text.detector import text_detector
from lgtsm.masks.text.joined import text_masks
from lgtsm.masks.text.options import TextOptions, TextShape
from lgtsm.masks.text.region import text_region

SIZE = (96, 192)
PLACE = (96, 78)
OUTLINED = {"fill": (255, 255, 255), "stroke_width": 1, "stroke_fill": (0, 0, 0)}
PLAIN = {"fill": (250, 240, 80)}


def _background(frames, seed=3, speed=(2, 3)):
    """A pan over a smooth random picture, darker than text."""
    noise = torch.rand(1, 3, 50, 80, generator=torch.Generator().manual_seed(seed))
    wide = torch.nn.functional.interpolate(noise, scale_factor=5, mode="bilinear")[0] * 0.7
    return torch.stack(
        [wide[:, t * speed[0] :, t * speed[1] :][:, : SIZE[0], : SIZE[1]] for t in range(frames)]
    )


def _layer(text, place=PLACE, size=16, **look):
    """Text as colour and opacity (4,H,W)."""
    layer = Image.new("RGBA", (SIZE[1], SIZE[0]), (0, 0, 0, 0))
    pen = ImageDraw.Draw(layer)
    pen.text(place, text, font=ImageFont.load_default(size), anchor="mm", **(look or OUTLINED))
    return torch.from_numpy(np.array(layer)).permute(2, 0, 1).float() / 255


class Shot:
    """Frames with text, its pixels, and a detector that finds all text of a frame as boxes around it."""

    def __init__(self, frames=36):
        self.frames = _background(frames)
        self.text = torch.zeros(frames, 1, *SIZE)
        self.boxes = [[] for _ in range(frames)]
        self.asked = []

    def draw(self, layer, first, end, opacity=1.0):
        for t in range(first, end):
            alpha = layer[3:] * opacity
            self.frames[t] = self.frames[t] * (1 - alpha) + layer[:3] * alpha
            self.text[t] = torch.maximum(self.text[t], (layer[3:] > 0.25).float())
            self.boxes[t].append(hole_box(layer[3:] > 0.25))
        return self

    def detect(self, picture):
        t = next(t for t, f in enumerate(self.frames) if torch.equal(picture, f))
        self.asked.append(t)
        return self.boxes[t]

    def masks(self, **settings):
        return torch.stack(list(text_masks(self.frames, self.detect, **settings)))


def _shown(masks, text):
    """Return the frames in which most of the text is masked."""
    place = text.amax(0)[0] > 0
    return [t for t, mask in enumerate(masks) if mask[0][place].mean() > 0.5]


@pytest.mark.parametrize("look", [OUTLINED, PLAIN], ids=["outlined", "plain"])
@pytest.mark.parametrize("span", [(0, 36), (3, 30), (5, 17), (10, 19)])
def test_a_line_is_masked_from_its_first_frame_to_its_last(span, look):
    shot = Shot().draw(_layer("We should leave", **look), *span)
    masks = shot.masks()
    assert _shown(masks, shot.text) == list(range(*span))
    text = shot.text > 0
    assert float(masks[text].mean()) > 0.95
    assert float((masks * ~text).sum()) < 1.5 * float(text.sum())


def test_detection_runs_a_few_times_a_second_only():
    shot = Shot().draw(_layer("We should leave"), 3, 30)
    shot.masks(rate=Fraction(24), options=TextOptions(detections=2.0))
    assert shot.asked == [0, 12, 24]


def test_a_line_that_follows_another_at_once_has_its_own_glyphs():
    shot = Shot()
    first, second = _layer("illness"), _layer("MOWWOM")
    shot.draw(first, 2, 17).draw(second, 17, 34)
    masks = shot.masks()
    only = (second[3] > 0.9) & (first[3] < 0.1)
    covered = [float(mask[0][only].mean()) for mask in masks]
    assert max(covered[2:17]) < 0.5 < 0.9 < min(covered[17:34])
    assert max(covered[34:]) == 0


def test_a_running_time_code_is_covered_in_every_frame():
    shot = Shot()
    for t in range(36):
        shot.draw(_layer(f"00:01:{t // 24 + 10}:{t % 24:02}", size=14), t, t + 1)
    masks, text = shot.masks(), shot.text > 0
    assert min(float(m[x].mean()) for m, x in zip(masks, text, strict=True)) > 0.85
    assert float(masks[text].mean()) > 0.95


def test_a_line_that_fades_in_is_masked_before_it_is_full():
    shot, layer = Shot(), _layer("We should leave")
    for t, opacity in enumerate((0.5, 0.7, 0.85), 8):
        shot.draw(layer, t, t + 1, opacity)
    shot.draw(layer, 11, 30)
    assert _shown(shot.masks(), shot.text)[0] <= 9


def test_text_that_moves_with_the_scene_is_left_alone():
    shot = Shot()
    for t in range(36):
        shot.draw(_layer("EXIT", (30 + 4 * t, 40)), t, t + 1)
    assert not shot.masks().any()


def test_boxes_cover_the_line():
    shot = Shot().draw(_layer("We should leave"), 3, 30)
    masks = shot.masks(options=TextOptions(shape=TextShape.BOXES))
    box = shot.boxes[10][0]
    assert bool(masks[10, :, box.rows, box.columns].all())
    assert not masks[1].any()


def test_only_the_region_is_looked_at():
    shot = Shot().draw(_layer("We should leave"), 0, 36)
    seen = []

    def detect(picture):
        seen.append(picture.shape)
        return [Box(0, 0, 20, 150)] if picture.shape[1] == 40 else []

    masks = torch.stack(list(text_masks(shot.frames, detect, region=Box(56, 10, 96, 182))))
    assert set(seen) == {(3, 40, 172)}
    assert not masks[:, :, :50].any()


def test_a_region_is_the_part_of_a_box_that_lies_in_the_picture():
    assert text_region("-10, 80, 50, 90", SIZE) == Box(80, 0, 96, 40)


def test_one_mask_a_frame_however_short_the_clip(one_sentence):
    for frames in (1, 2, 5):
        assert Shot(frames).masks().shape == (frames, 1, *SIZE)
    assert list(text_masks([], lambda picture: [])) == []
    with pytest.raises(ShapeError, match="one size") as caught:
        list(text_masks([torch.zeros(3, 8, 8), torch.zeros(3, 8, 9)], lambda picture: []))
    one_sentence(caught.value)


def test_frames_are_read_no_further_than_needed():
    shot, read = Shot(), []

    def frames():
        for t, frame in enumerate(shot.frames):
            read.append(t)
            yield frame

    masks = text_masks(frames(), lambda picture: [])
    next(masks)
    assert max(read) < 24


def test_a_missing_detector_is_named(monkeypatch, one_sentence):
    monkeypatch.setitem(__import__("sys").modules, "rapidocr", None)
    with pytest.raises(OptionError, match="pip install rapidocr onnxruntime") as caught:
        text_detector()
    one_sentence(caught.value)


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("rapidocr") is None, reason="needs rapidocr")
def test_the_detector_finds_the_line():
    shot = Shot().draw(_layer("We should leave"), 0, 36)
    [found] = text_detector(1)(shot.frames[0])
    text = shot.boxes[0][0]
    assert (found & text).area > 0.9 * text.area
    assert found.area < 2 * text.area
