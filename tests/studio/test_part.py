"""A part of the film alone: what is tracked, previewed, removed, and what commands and batches make of it."""

from __future__ import annotations

import io
import json
import shlex

import numpy as np
import pytest
from PIL import Image

from lgtsm.cli.main import main
from lgtsm.errors import OptionError
from lgtsm.video.read import read_frames


@pytest.mark.slow
def test_only_the_part_is_tracked_and_removed_as_by_the_commands(studio, film, painted, tmp_path):
    studio.json("POST", f"{painted}/options", {"start": 3, "end": 7})
    state = studio.do(painted, "track")
    found = state["found"]
    assert found["first"] == 2  # a frame more at both ends tells how the object goes on
    assert len(found["confidence"]) == 6
    assert found["confidence"][5 - found["first"]] == 100
    state = studio.do(painted, "remove")
    whole = state["results"]["whole"]
    assert (whole["start"], whole["count"]) == (3, 4)
    assert whole["passed"], whole["verdict"]
    for number, status in ((2, 400), (3, 200), (6, 200), (7, 400)):
        assert studio.ask("GET", f"{painted}/picture/whole/{number}")[0] == status
    after = studio.ask("GET", f"{painted}/picture/whole/3")[1]
    ours = [frame.rgb() for frame in read_frames(film.parent / "shot_clean.mkv")]
    shown = np.asarray(Image.open(io.BytesIO(after)))
    np.testing.assert_array_equal(shown, (ours[0] * 255).round().byte().permute(1, 2, 0).numpy())
    words = shlex.split(state["command"])
    assert words[words.index("--start") + 1] == "3"
    assert words[words.index("--end") + 1] == "7"
    words[words.index("-o") + 1] = str(tmp_path / "again.mkv")
    assert main([*words[1:], "--quiet"]) == 0
    assert main(["batch", state["project"], "-o", str(tmp_path / "out"), "--quiet"]) == 0
    for other in (tmp_path / "again.mkv", tmp_path / "out" / "shot_clean.mkv"):
        for one, frame in zip(ours, read_frames(other), strict=True):
            assert one.equal(frame.rgb()), other


def test_a_larger_part_is_tracked_again_and_a_smaller_one_is_not(studio, painted):
    studio.json("POST", f"{painted}/options", {"start": 3, "end": 7})
    studio.do(painted, "track")
    for part, stale in (((4, 6), False), ((3, 9), True), ((0, 7), True), ((3, 7), False)):
        given = dict(zip(("start", "end"), part, strict=True))
        state = studio.json("POST", f"{painted}/options", given)
        assert state["found"]["stale"] is stale, part


@pytest.mark.slow
def test_a_preview_stays_inside_the_part(studio, painted):
    studio.json("POST", f"{painted}/options", {"start": 3, "end": 7})
    result = studio.do(painted, "preview", frame=0, half=False)["results"]["preview"]
    assert (result["start"], result["count"]) == (3, 4)


def test_the_whole_film_is_chosen_again_and_an_impossible_part_is_told(
    studio, painted, one_sentence
):
    state = studio.json("POST", f"{painted}/options", {"start": 3, "end": 7})
    assert (state["options"]["start"], state["options"]["end"]) == (3, 7)
    for wrong in ({"start": 7}, {"start": 10, "end": None}, {"start": -1}, {"end": "x"}):
        status, answer = studio.ask("POST", f"{painted}/options", wrong)
        assert status == 400, wrong
        one_sentence(OptionError(json.loads(answer)["error"]))
    state = studio.json("POST", f"{painted}/options", {"start": 0, "end": None})
    assert not {"start", "end"} & state["options"].keys()
    assert "--start" not in state["command"]
