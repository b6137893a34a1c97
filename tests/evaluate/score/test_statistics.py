"""Means, intervals, the oracle and paired differences, on made-up results."""

import json
import math

import numpy as np
import pytest

from lgtsm.errors import OptionError
from lgtsm.evaluate.score.results import Results, read_results, strict_json
from lgtsm.evaluate.score.summary import (
    ORACLE,
    mean_of,
    oracle_values,
    paired_difference,
    summarise,
    worst_cases,
)
from lgtsm.evaluate.score.tables import difference_table, full_text, oracle_table, quality_table
from lgtsm.metrics.bootstrap import estimate_mean


def make_results(psnr, holes=("blob",), **others):
    """make_results({method: {clip: psnr}}): one table; methods a, b simple, the last is ours."""
    clips = list(next(iter(psnr.values())))
    kinds = dict.fromkeys(psnr, "simple") | {list(psnr)[-1]: "ours"}
    return Results(
        protocol={"name": "moving", "text": "test", "comparable": "nothing", "frames": 4},
        methods={m: {"kind": kind, "text": m} for m, kind in kinds.items()},
        cases=[
            {"clip": c, "holes": h, "table": "blob", "coverage": 0.1, "frames": 4}
            for c in clips
            for h in holes
        ],
        scores=[
            {"clip": c, "holes": h, "method": m, "psnr": values[c], "seconds_per_frame": 0.1}
            for m, values in psnr.items()
            for c in clips
            for h in holes
        ],
        **others,
    )


@pytest.fixture
def results():
    """Two simple methods, each better on one clip, and ours."""
    return make_results(
        {
            "a": {"x": 20.0, "y": 10.0, "z": 12.0},
            "b": {"x": 15.0, "y": 18.0, "z": 11.0},
            "lgtsm": {"x": 19.0, "y": 19.0, "z": 13.0},
        }
    )


def test_interval_covers_the_mean_at_the_nominal_rate():
    rng = np.random.default_rng(0)
    hits = 0
    for _ in range(100):
        one = estimate_mean(list(rng.normal(3, 1, 30)))
        hits += one.low <= 3 <= one.high
    assert 85 <= hits <= 99


def test_interval_agrees_with_theory_and_repeats():
    values = list(np.random.default_rng(1).normal(0, 2, 400))
    one = estimate_mean(values)
    half = 1.96 * np.std(values) / 20
    assert one.high - one.mean == pytest.approx(half, rel=0.08)
    assert estimate_mean(values) == one


def test_infinite_values_are_counted_not_averaged_and_not_dropped():
    one = estimate_mean([10.0, math.inf, 20.0])
    assert (one.mean, one.num, one.num_infinite) == (15.0, 2, 1)
    assert estimate_mean([math.inf]).mean == math.inf
    assert estimate_mean([]).mean is None
    assert estimate_mean([5.0]).low is None


def test_a_difference_to_an_exact_result_is_a_loss():
    exact = dict.fromkeys("xyz", math.inf)
    results = make_results({"a": exact, "ours": dict.fromkeys("xyz", 20.0)})
    mean = paired_difference(results, "blob", "psnr", "ours", "a").mean
    assert (mean.mean, mean.num_infinite, mean.num_minus_infinite) == (-math.inf, 0, 3)
    assert "| ours - a | -inf |" in difference_table(results, "blob")
    text = json.dumps(strict_json(summarise(results)), allow_nan=False)
    assert json.loads(text)["blob"]["differences"][0]["mean"]["mean"] == "-inf"


def test_few_clips_have_no_interval():
    assert estimate_mean([1.0] * 5).low is None
    assert not estimate_mean([1.0] * 5).excludes_zero
    assert estimate_mean([1.0] * 6).excludes_zero


def test_the_oracle_takes_the_best_simple_method_of_every_clip(results):
    assert oracle_values(results, "blob", "psnr") == {"x": 20.0, "y": 18.0, "z": 12.0}
    assert mean_of(results, "blob", ORACLE, "psnr").mean == pytest.approx(50 / 3)
    assert oracle_values(results, "blob", "flicker") == {}


def test_differences_are_paired_by_clip(results):
    one = paired_difference(results, "blob", "psnr", "lgtsm", ORACLE)
    assert one.by_clip == {"x": -1.0, "y": 1.0, "z": 1.0}
    assert one.mean.mean == pytest.approx(1 / 3)
    assert not one.mean.excludes_zero
    many = make_results(
        {
            "a": {str(i): 10.0 + i for i in range(8)},
            "lgtsm": {str(i): 11.0 + 1.2 * i for i in range(8)},
        }
    )
    assert paired_difference(many, "blob", "psnr", "lgtsm", "a").mean.excludes_zero


def test_equal_infinite_values_differ_by_nothing():
    results = make_results({"a": {"x": math.inf}, "lgtsm": {"x": math.inf}})
    assert paired_difference(results, "blob", "psnr", "lgtsm", "a").by_clip == {"x": 0.0}
    assert "inf" in quality_table(results, "blob")


def test_holes_of_one_table_are_averaged_within_a_clip_first():
    results = make_results({"a": {"x": 10.0}, "lgtsm": {"x": 12.0}}, holes=("h1", "h2"))
    results.scores[0]["psnr"] = 20.0
    assert results.figures("blob", "a", "psnr") == {"x": 15.0}
    assert mean_of(results, "blob", "a", "psnr").num == 1


def test_worst_cases_are_those_furthest_below_the_best_simple_method(results):
    rows = worst_cases(results, "lgtsm")
    assert [row["clip"] for row in rows] == ["x", "y", "z"]
    assert rows[0]["gain"] == -1.0
    assert oracle_table(results, "blob", "lgtsm").splitlines()[2] == (
        "| x | 19.00 | 20.00 | -1.00 | a |"
    )


def test_without_truth_the_worst_have_the_worst_seam():
    results = make_results({"a": {"x": None, "y": None}, "lgtsm": {"x": None, "y": None}})
    for row in results.scores:
        row["seam"] = 3.0 if row["clip"] == "y" else 1.0
    assert [row["clip"] for row in worst_cases(results, "lgtsm")] == ["y", "x"]


def test_tables_list_exclusions():
    excluded = [{"clip": "x", "holes": "blob", "method": None, "reason": "too short"}]
    results = make_results({"a": {"y": 1.0}, "lgtsm": {"y": 2.0}}, excluded=excluded)
    assert "all methods: too short: x (blob)" in full_text(results)


def test_results_round_trip_through_their_file(results, tmp_path):
    results.scores[0]["psnr"] = math.inf
    path = tmp_path / "results.json"
    path.write_text(results.to_json())
    assert "Infinity" not in path.read_text()
    assert read_results(path) == results
    assert summarise(read_results(path)) == summarise(results)


def test_other_files_are_refused(tmp_path, one_sentence):
    path = tmp_path / "results.json"
    for text in ("no json", "[]", '{"format": 99}', '{"format": 1}'):
        path.write_text(text)
        with pytest.raises(OptionError) as caught:
            read_results(path)
        one_sentence(caught.value)
    with pytest.raises(OptionError):
        read_results(tmp_path / "none.json")
