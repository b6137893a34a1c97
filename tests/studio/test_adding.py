"""Shadow and rim of an object: added to its mask, shown apart, and filled as the commands do it."""

from __future__ import annotations

import io
import json
import shlex
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from lgtsm.cli.main import main
from lgtsm.errors import OptionError
from lgtsm.video.clip import write_clip, write_mask_clip
from lgtsm.video.read import read_frames, read_masks
from tests.studio.serving import serve

_QUICK = {"mode": "copy", "motion": "planar", "threads": 1, "lossless": True, "grow": 0}


def _mask_picture(studio, opened, number):
    return np.asarray(
        Image.open(io.BytesIO(studio.ask("GET", f"{opened}/picture/mask/{number}")[1]))
    )


@pytest.fixture
def shadowed(shadow_scene, tmp_path):
    """Return a film whose object casts a shadow, and the mask of the object alone, as a film."""
    folder = tmp_path / "films"
    folder.mkdir()
    frames, objects, _ = shadow_scene
    write_clip(folder / "walk.mp4", frames, rate=Fraction(24))
    write_mask_clip(tmp_path / "given.mkv", objects, tuple(frames.shape[-2:]), rate=Fraction(24))
    return folder / "walk.mp4", (tmp_path / "given.mkv").read_bytes()


@pytest.mark.slow
def test_a_shadow_is_added_shown_apart_and_filled_as_by_the_commands(
    shadowed, shadow_scene, tmp_path
):
    film, given = shadowed
    _, objects, shadows = shadow_scene
    with serve(film.parent) as studio:
        opened = studio.open(film)
        studio.json("PUT", f"{opened}/mask?name=m.mkv", given)
        assert studio.json("GET", f"{opened}/state")["added"] is None
        studio.json("POST", f"{opened}/options", {**_QUICK, "complete": ["shadow"]})
        state = studio.do(opened, "complete")
        levels = _mask_picture(studio, opened, 7)
        state = studio.do(opened, "remove")
    added, shadow = levels == 176, shadows[7, 0].numpy() > 0
    np.testing.assert_array_equal(levels == 255, objects[7, 0].numpy() > 0)
    assert (added & shadow).sum() > 0.6 * (added | shadow).sum()
    assert state["added"]["shadow"] == pytest.approx(float(shadows.mean()), rel=0.4)
    assert "rim" not in state["added"]
    used = list(read_masks(film.parent / "walk.lgtsm-studio" / "mask_used.mkv"))
    assert (used[7] * shadows[7]).sum() > 0.7 * shadows[7].sum()
    words = shlex.split(state["command"])
    assert words[words.index("--complete") + 1] == "shadow"
    words[words.index("-o") + 1] = str(tmp_path / "again.mkv")
    assert main([*words[1:], "--quiet"]) == 0
    assert main(["batch", state["project"], "-o", str(tmp_path / "out"), "--quiet"]) == 0
    ours = [frame.rgb() for frame in read_frames(film.with_name("walk_clean.mkv"))]
    for other in (tmp_path / "again.mkv", tmp_path / "out" / "walk_clean.mkv"):
        for one, frame in zip(ours, read_frames(other), strict=True):
            assert one.equal(frame.rgb()), other


@pytest.mark.slow
def test_additions_follow_the_mask_and_the_wishes(shadowed, shadow_scene, png):
    film, given = shadowed
    _, objects, _ = shadow_scene
    with serve(film.parent) as studio:
        opened = studio.open(film)
        studio.json("PUT", f"{opened}/painted/7", png(objects[7]))
        studio.json("POST", f"{opened}/options", {**_QUICK, "complete": ["shadow", "rim"]})
        state = studio.do(opened, "complete")  # tracks first
        assert state["found"]["kind"] == "track"
        assert state["added"]["shadow"] > 0
        assert (_mask_picture(studio, opened, 7) == 176).any()
        paint = studio.desk.sessions()[0].painted.read(7)
        assert paint.equal(objects[7])  # what is added is no paint
        state = studio.json("PUT", f"{opened}/painted/2", png(objects[2]))
        assert state["added"] is None
        assert state["complete"] == ["shadow", "rim"]
        assert not (_mask_picture(studio, opened, 7) == 176).any()
        assert studio.do(opened, "track")["added"]["shadow"] > 0
        state = studio.json("POST", f"{opened}/options", {"complete": []})
        assert state["added"] is None
        assert "--complete" not in state["command"]
        state = studio.json("POST", f"{opened}/options", {"complete": ["shadow", "rim"]})
        assert state["added"]["shadow"] > 0  # known already
        state = studio.json("PUT", f"{opened}/mask?name=m.mkv", given)
        assert state["complete"] == []  # they belonged to the other mask


@pytest.mark.slow
def test_additions_are_there_again_when_the_film_is_opened_again(shadowed):
    film, given = shadowed
    with serve(film.parent) as studio:
        opened = studio.open(film)
        studio.json("PUT", f"{opened}/mask?name=m.mkv", given)
        studio.json("POST", f"{opened}/options", {**_QUICK, "complete": ["shadow"]})
        before = studio.do(opened, "complete")
    with serve(film.parent) as studio:
        again = studio.json("GET", studio.open(film) + "/state")
    assert again["added"] == before["added"]
    assert again["complete"] == ["shadow"]


def test_another_word_is_told_and_changes_nothing(studio, painted, one_sentence):
    status, answer = studio.ask("POST", f"{painted}/options", {"complete": ["reflection"]})
    assert status == 400
    one_sentence(OptionError(json.loads(answer)["error"]))
    assert studio.json("GET", f"{painted}/state")["complete"] == []
