"""The preset that measures batches runs whole commands; what it says of their times is what they took."""

import json
from dataclasses import replace

import pytest

from lgtsm.errors import VideoError
from lgtsm.evaluate.bench import batch
from lgtsm.evaluate.bench.batch import BatchCase, batch_json, format_batch, run_batch_bench

SMALL = BatchCase(seconds=0.1, shots=2, height=48, width=64)


@pytest.fixture
def no_commands(monkeypatch):
    """Note commands instead of running them; every one takes as long as its place in the round."""
    words, clock = [], [0.0]

    def run(given):
        words.append(list(given))
        clock[0] += 0 if "--report" in given else 10.0 * ((len(words) - 2) % 4 + 1)
        return json.dumps({"seconds": 2.0})

    monkeypatch.setattr(batch, "_command", run)
    monkeypatch.setattr(batch.time, "perf_counter", lambda: clock[0])
    return words


@pytest.mark.slow
def test_overhead_and_ratios_are_those_of_the_commands(no_commands, tmp_path):
    figures = run_batch_bench(replace(SMALL, seconds=1.0), tmp_path, rounds=2)
    assert figures.frames == 24  # not less than the trial
    assert (figures.single_seconds, figures.batch_seconds) == (10.0, 20.0)
    assert figures.overhead == pytest.approx(1.0)
    assert figures.shots_an_hour == {
        "one process, 2 threads": pytest.approx(240),
        "2 workers": pytest.approx(180),
    }
    assert figures.ratio["2 workers"] == pytest.approx(0.75)
    trial, *rest = no_commands
    assert len(rest) == 8
    assert "--report" in trial
    outs = [next(word for word in words if "/out" in word) for words in rest]
    assert len(set(outs)) == 8  # a batch that finds its results would skip them
    assert rest[3][-2:] == ["--workers", "2"]
    assert "+100.0%" in format_batch(figures)
    assert json.loads(batch_json(figures))["shots"] == 2


@pytest.mark.slow
def test_a_cluster_is_one_more_way(no_commands, tmp_path):
    case = replace(SMALL, seconds=1.0, on="ray://h:1")
    figures = run_batch_bench(case, tmp_path, rounds=1)
    assert list(figures.ratio) == ["one process, 2 threads", "2 workers", "ray://h:1"]
    assert no_commands[-1][-2:] == ["--on", "ray://h:1"]


@pytest.mark.slow
def test_the_commands_run(tmp_path, monkeypatch):
    monkeypatch.setattr(batch, "_TRIAL_FRAMES", 3)
    figures = run_batch_bench(SMALL, tmp_path, rounds=1)
    assert figures.single_seconds > 0
    assert len(list(tmp_path.glob("out*/shot0*.mp4"))) == 4
    with pytest.raises(VideoError, match="exit code 1"):
        batch._command(["batch", str(tmp_path / "lost.csv"), "-o", str(tmp_path / "x")])
