import math

import pytest

from lgtsm.evaluate.score.pictures import write_index
from lgtsm.evaluate.score.results import Results

pytest.importorskip("matplotlib")


@pytest.fixture
def results():
    rows = [
        {
            "clip": clip,
            "holes": "blob",
            "method": method,
            "psnr": base + number,
            "psnr_by_frame": [base, math.inf, None, base + 2],
            "seconds_per_frame": 0.1,
        }
        for number, clip in enumerate("xyz")
        for method, base in (("smooth", 15.0), ("lgtsm", 18.0), ("truth", math.inf))
    ]
    return Results(
        protocol={"name": "moving", "text": "t", "comparable": "c", "frames": 4},
        methods={
            "smooth": {"kind": "simple"},
            "lgtsm": {"kind": "ours"},
            "truth": {"kind": "truth"},
        },
        cases=[
            {"clip": c, "holes": "blob", "table": "blob", "coverage": 0.1 * i, "frames": 4}
            for i, c in enumerate("xyz")
        ],
        scores=rows,
    )


def test_three_plots_are_written_and_open_as_pictures(results, tmp_path):
    from PIL import Image

    from lgtsm.evaluate.score.plots import write_plots

    paths = write_plots(results, tmp_path / "plots")
    assert [p.stem for p in paths] == ["by_ratio", "by_time", "speed_quality"]
    for path in paths:
        assert len(set(Image.open(path).convert("L").getdata())) > 10


def test_results_without_truth_give_empty_plots_and_no_failure(results, tmp_path):
    from lgtsm.evaluate.score.plots import write_plots

    for row in results.scores:
        row["psnr"] = row["psnr_by_frame"] = None
    assert len(write_plots(results, tmp_path)) == 3


def test_the_page_of_pictures_lists_cases_in_the_order_given(tmp_path):
    worst = [
        {"clip": "b", "holes": "blob", "psnr": 12.0, "gain": -3.0},
        {"clip": "a", "holes": "own", "psnr": None, "gain": None},
    ]
    write_index(tmp_path, worst, "lgtsm")
    text = (tmp_path / "pictures" / "index.md").read_text()
    assert text.index("1. b.blob: 12.00 dB, -3.00") < text.index("2. a.own")
    assert "![](b.blob.jpg)" in text
