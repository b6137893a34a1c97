import math

import pytest

from lgtsm.evaluate.score.results import Results
from lgtsm.evaluate.score.tables import full_text


def _results():
    cases = [
        {"clip": clip, "holes": holes, "table": holes, "frames": 2, "coverage": 0.1}
        for clip in ("a", "b")
        for holes in ("object", "blob", "squares")
    ]
    values = {("smooth", "object"): 10.0, ("smooth", "blob"): 20.0, ("smooth", "squares"): 99.0}
    values |= {("lgtsm", "object"): 16.0, ("lgtsm", "blob"): 18.0, ("lgtsm", "squares"): 99.0}
    scores = [
        {"clip": case["clip"], "holes": case["holes"], "method": method, "psnr": value}
        for case in cases
        for (method, holes), value in values.items()
        if holes == case["holes"]
    ]
    methods = {"smooth": {"kind": "simple"}, "lgtsm": {"kind": "ours"}}
    protocol = {"name": "moving", "text": "t", "comparable": "c"}
    return Results(protocol=protocol, methods=methods, cases=cases, scores=scores)


def test_moving_holes_are_averaged_clip_by_clip():
    both = _results().together(("object", "blob"), "both")
    assert both.tables() == ["both"]
    assert both.figures("both", "lgtsm", "psnr") == {"a": 17.0, "b": 17.0}
    assert both.figures("both", "smooth", "psnr") == pytest.approx({"a": 15.0, "b": 15.0})
    assert not any(math.isclose(row["psnr"], 99.0) for row in both.scores)


def test_the_page_shows_them_below_their_own_tables():
    text = full_text(_results())
    assert text.index("### squares") < text.index("### object and blob together")
    assert "| a | 17.00 | 15.00 | +2.00 | smooth |" in text
