"""The protocol `text`: what is drawn, how it is scored, and its part of the page."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest
import torch

from lgtsm.box import hole_box
from lgtsm.errors import OptionError
from lgtsm.evaluate.score import drawn_text
from lgtsm.evaluate.score.drawn_text import Script, draw_text
from lgtsm.evaluate.score.page import page_of_folder
from lgtsm.evaluate.score.text_masks import TextScore, TextScores, score_drawn

ROOT = Path(__file__).resolve().parents[3]
_HAS_JAPANESE = importlib.util.find_spec("matplotlib_fontja") is not None
SCRIPTS = [
    Script.LATIN,
    pytest.param(
        Script.JAPANESE,
        marks=pytest.mark.skipif(not _HAS_JAPANESE, reason="needs matplotlib-fontja"),
    ),
]


def _clip(frames=48):
    """A pan over a smooth picture, (T,3,120,216)."""
    noise = torch.rand(1, 3, 40, 60, generator=torch.Generator().manual_seed(5))
    wide = torch.nn.functional.interpolate(noise, scale_factor=7, mode="bilinear")[0] * 0.7
    return torch.stack([wide[:, 2 * t : 2 * t + 120, 3 * t : 3 * t + 216] for t in range(frames)])


@pytest.mark.parametrize("script", SCRIPTS)
def test_text_is_drawn_in_its_frames_and_nowhere_else(script):
    clip = _clip()
    drawn = draw_text(clip, script)
    changed = (drawn.frames - clip).abs().amax(1, keepdim=True) > 0.3
    assert bool((drawn.text[changed] > 0).all())
    low = drawn.text[:, :, 60:].flatten(1).any(1)
    shown = [t for first, end in drawn.subtitles for t in range(first, end)]
    assert torch.nonzero(low)[:, 0].tolist() == shown
    assert bool(drawn.text[:, :, :30].flatten(1).any(1).all())


def _perfect(drawn):
    """A detector that knows the text: the subtitle and the time code of a frame."""

    def detect(picture):
        t = next(t for t, frame in enumerate(drawn.frames) if torch.equal(frame, picture))
        code, low = drawn.text[t].clone(), drawn.text[t].clone()
        code[:, 60:], low[:, :60] = 0, 0
        return [box for box in (hole_box(code), hole_box(low)) if box is not None]

    return detect


def test_found_text_and_missed_text_are_told_apart():
    drawn = draw_text(_clip(), Script.LATIN)
    found = score_drawn("pan", Script.LATIN, drawn, _perfect(drawn))
    assert found.recall > 0.9
    assert found.exact >= 2 / 3
    missed = score_drawn("pan", Script.LATIN, drawn, lambda picture: [])
    assert (missed.recall, missed.false_area, missed.exact) == (0, 0, 0)
    assert missed.text_area == found.text_area > 0.01


def _scores():
    values = {"false_area": 0.01, "text_area": 0.02, "exact": 1.0}
    return TextScores(
        text="Two clips",
        scores=(
            TextScore(clip="a", script="Latin", recall=0.9, **values),
            TextScore(clip="b", script="Latin", recall=0.5, **values),
        ),
    )


def test_results_survive_their_file_and_stand_on_the_page(tmp_path):
    scores = _scores()
    assert TextScores.from_json(scores.to_json()) == scores
    assert "| **mean** | all | 0.700 | 1.00 % |" in scores.table()
    with pytest.raises(OptionError, match="protocol text"):
        TextScores.from_json(json.dumps({"scores": []}))
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "two.json").write_text(scores.to_json(), encoding="utf-8")
    kept = next((ROOT / "docs" / "results").glob("*.json"))
    (tmp_path / kept.name).write_bytes(kept.read_bytes())
    assert scores.table() in page_of_folder(tmp_path)


def test_a_missing_font_is_named(monkeypatch, one_sentence):
    monkeypatch.setattr(drawn_text.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(OptionError, match="matplotlib-fontja") as caught:
        draw_text(_clip(9), Script.JAPANESE)
    one_sentence(caught.value)
