"""RESULTS.md matches the stored results."""

import json
import re
from pathlib import Path

import pytest

from lgtsm.errors import OptionError
from lgtsm.evaluate.score.page import page_of_folder, results_page
from lgtsm.evaluate.score.paper import PUBLISHED_METHODS, TABLE_1, TABLE_2, TABLE_2_HEAD
from lgtsm.evaluate.score.results import read_results
from lgtsm.evaluate.tracking.results import TrackingResults

ROOT = Path(__file__).resolve().parents[3]
KEPT = ROOT / "docs" / "results"
FILLS = sorted(path for path in KEPT.glob("*.json") if path.stem != "tracking")
VARIANTS = {"shift": "fixed", "own": "unsynthesised", "moving_synthesised": "truth"}
"""Results in which variants of the product are beside each other, and what is beside it."""


def test_results_page_is_generated_from_the_kept_results():
    assert (ROOT / "RESULTS.md").read_text(encoding="utf-8") == page_of_folder(KEPT)


def test_a_changed_figure_changes_the_page(tmp_path):
    source = KEPT / "removal_demo.json"  # a small one
    values = json.loads(source.read_text(encoding="utf-8"))
    row = next(r for r in values["scores"] if r["method"] == "lgtsm" and r.get("psnr"))
    row["psnr"] += 50
    (tmp_path / source.name).write_text(json.dumps(values), encoding="utf-8")
    assert page_of_folder(tmp_path) != results_page({source.stem: read_results(source)})


def test_kept_results_name_no_folder_and_hash_every_case():
    for path in FILLS:
        text = path.read_text(encoding="utf-8")
        assert "/" not in re.sub(r'"(text|comparable|reason)": "[^"]*"', "", text)
        for case in json.loads(text)["cases"]:
            assert len(case["frames_sha256"]) == len(case["holes_sha256"]) == 64


@pytest.mark.parametrize("path", FILLS, ids=lambda path: path.stem)
def test_kept_results_hold_every_baseline_and_the_truth(path):
    results = read_results(path)
    if results.protocol["name"] == "rendered":  # what it sets its motion beside is in it
        assert all("dis" in str(case["motion_errors"]).lower() for case in results.cases)
        return
    if path.stem in VARIANTS:
        assert {"lgtsm", VARIANTS[path.stem]} <= set(results.methods)
        return
    names = set(results.methods)
    simple = {"mean", "telea", "ns", "smooth", "nearest", "median", "homography", "flow"}
    assert simple | {"network", "lgtsm", "truth"} <= names


def test_the_published_table_is_whole():
    assert all(len(row) == len(PUBLISHED_METHODS) for row in TABLE_1.values())
    assert TABLE_1["FVI", "LPIPS", "object"][-1] == "0.1086"
    assert len(TABLE_1) == 15
    assert {len(row) for row in TABLE_2} == {len(TABLE_2_HEAD)}


def test_a_folder_without_results_is_refused(tmp_path, one_sentence):
    with pytest.raises(OptionError) as caught:
        page_of_folder(tmp_path)
    one_sentence(caught.value)


def test_results_of_tracking_are_part_of_the_page(tmp_path):
    row = {"clip": "one", "painted": 1, "frames": 3, "J": 0.5, "R": 0.75, "seconds": 0.1}
    row |= {"overlap": [0.4, 0.6], "confidence": [0.3, 0.9]}
    results = TrackingResults(protocol={"name": "tracking"}, scores=[row], versions={})
    (tmp_path / "tracking.json").write_text(results.to_json(), encoding="utf-8")
    page = page_of_folder(tmp_path)
    assert "| 1 | 0.50 | 0.75 | 1.00 | 0.10 |" in page
    assert "| one | 0.50 / 0.75 |" in page


def test_a_file_that_is_no_results_is_refused(tmp_path):
    (tmp_path / "other.json").write_text("[1]", encoding="utf-8")
    with pytest.raises(OptionError, match=r"^Expected the results\.json"):
        page_of_folder(tmp_path)
