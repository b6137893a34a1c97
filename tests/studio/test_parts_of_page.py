"""What is marked beside painting, in a real browser: shadow and rim, burned-in text, a part of the film."""

from __future__ import annotations

import importlib.util
from fractions import Fraction

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageFont

from lgtsm.scene.camera import Camera, SceneOptions
from lgtsm.scene.render import render_scene
from lgtsm.video.clip import write_clip, write_mask_clip
from lgtsm.video.read import read_masks
from tests.studio.serving import serve

pytestmark = pytest.mark.slow
_BLUE = """() => {
  const canvas = document.getElementById('rim'), {width, height} = canvas;
  const {data} = canvas.getContext('2d').getImageData(0, 0, width, height);
  let count = 0;
  for (let at = 0; at < data.length; at += 4) count += data[at + 3] > 0 && data[at + 2] > data[at];
  return count;
}"""


def test_a_shadow_is_added_and_taken_away_again(browser, context, shadow_scene, tmp_path):
    frames, objects, shadows = shadow_scene
    write_clip(tmp_path / "walk.mp4", frames, rate=Fraction(24))
    mask = tmp_path / "given.mkv"
    write_mask_clip(mask, objects, tuple(frames.shape[-2:]), rate=Fraction(24))
    with serve(tmp_path) as studio:
        tab = browser.tab(context)
        tab.goto(studio.address)
        tab.click("text=walk.mp4")
        tab.see("#count", "0 / 13")
        tab.give("#mask-file", mask)
        tab.see("#track-said", "the file that was loaded")
        tab.go(7)
        tab.click("[data-add=shadow]")
        tab.see("#added-said", "Added, in blue: its shadow")
        tab.until(f"() => ({_BLUE})() > 0")
        assert tab.evaluate(_BLUE) == pytest.approx(float(shadows[7].sum()), rel=0.4)
        tab.see("#command", "--complete shadow", hidden=True)
        tab.click("[data-add=shadow]")
        tab.see("#added-said", "If its shadow")
        tab.until(f"() => ({_BLUE})() === 0")


@pytest.mark.skipif(importlib.util.find_spec("rapidocr") is None, reason="needs rapidocr")
def test_burned_in_text_is_found_by_a_button(browser, context, tmp_path):
    options = SceneOptions(camera=Camera.PLANAR, num_frames=12, height=180, width=320)
    frames = render_scene(options).frames.clone()
    layer = Image.new("RGBA", (320, 180), (0, 0, 0, 0))
    look = {"fill": "white", "stroke_width": 1, "stroke_fill": "black"}
    font = ImageFont.load_default(22)
    ImageDraw.Draw(layer).text((160, 155), "We should leave", font=font, anchor="mm", **look)
    pixels = torch.from_numpy(np.array(layer)).permute(2, 0, 1).float() / 255
    frames = frames * (1 - pixels[3:]) + pixels[:3] * pixels[3:]
    write_clip(tmp_path / "titled.mp4", frames, rate=Fraction(24))
    with serve(tmp_path) as studio:
        tab = browser.tab(context)
        tab.goto(studio.address)
        tab.click("text=titled.mp4")
        tab.see("#count", "0 / 11")
        studio.quick()
        tab.click("[data-do=text]")
        tab.see("#track-said", "burned-in text", 120)
        found = studio.desk.sessions()[0].found
        masks = torch.stack(list(read_masks(found.mask)))
    letters = pixels[3:] > 0.5
    assert (masks[:, letters] > 0.5).float().mean() > 0.9
    assert masks.mean() < 4 * letters.float().mean()


def test_a_part_of_the_film_is_chosen_by_buttons_and_handles(tab, studio):
    tab.click("#entries .film")
    tab.see("#count", "0 / 9")
    tab.see("#part-said", "Whole film")
    tab.go(2)
    tab.click("#part-start")
    tab.see("#part-said", "Only frames 2 to 9")
    tab.go(6)
    tab.click("#part-end")
    tab.see("#part-said", "Only frames 2 to 6 (0.2 s)")
    options = studio.desk.sessions()[0].project.options
    assert (options["start"], options["end"]) == (2, 7)
    wide, high = tab.evaluate(
        "() => { const one = document.getElementById('timeline'); "
        "return [one.clientWidth, one.clientHeight]; }"
    )

    def drag(*frames):
        points = [(8 + (wide - 16) * frame / 9, high - 4) for frame in frames]
        tab.drag(points, (wide, high), "#timeline")

    drag(6, 8)
    tab.see("#part-said", "Only frames 2 to 8")
    tab.see("#count", "8 / 9")  # what is chosen is shown
    drag(2, 4)
    tab.see("#part-said", "Only frames 4 to 8")
    tab.go(1)
    tab.click("#part-end")  # before the beginning: the part begins there, too
    tab.see("#part-said", "Only frames 1 to 1")
    tab.click("#part-all")
    tab.see("#part-said", "Whole film")
    assert not {"start", "end"} & studio.desk.sessions()[0].project.options.keys()
