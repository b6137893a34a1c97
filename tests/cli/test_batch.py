"""`lgtsm batch`: exit codes, the table of what became of every film, mistakes, options of columns."""

import json

import pytest

FAST = ("--mode", "copy", "--motion", "none", "--unseen", "network", "--threads", "1", "--quiet")


@pytest.fixture
def pairs(tmp_path, make_film, make_mask):
    """pairs(count) -> folder of films with masks, made in this process by tests of the command."""

    def make(count):
        folder = tmp_path / "shots"
        folder.mkdir()
        for i in range(count):
            make_film(f"shots/s{i}.mkv", 9)
            make_mask(f"shots/s{i}_mask.png")
        return folder

    return make


@pytest.fixture
def in_this_process(monkeypatch):
    """Run tasks here: the processes of a batch are tested elsewhere."""
    from tests.batch.conftest import InProcess

    monkeypatch.setattr("lgtsm.batch.run.WorkerPool", lambda number, retries: InProcess())


def _truncate(film):
    film.write_bytes(film.read_bytes()[: film.stat().st_size // 2])


def test_the_exit_code_tells_all_some_or_none(lgtsm, pairs, in_this_process, tmp_path):
    sources, out = pairs(2), tmp_path / "out"
    assert lgtsm("batch", sources, "-o", out, *FAST)[0] == 0
    _truncate(sources / "s0.mkv")
    code, _, err = lgtsm("batch", sources, "-o", out, "--strict", *FAST)
    assert code == 4
    assert "lgtsm: s0.mkv: Expected " in err
    assert "1 of 2 failed" in err
    _truncate(sources / "s1.mkv")
    code, _, err = lgtsm("batch", sources, "-o", out, "--strict", *FAST)
    assert code == 1
    assert "2 of 2 failed" in err


def test_a_table_tells_what_became_of_every_film(lgtsm, pairs, in_this_process, tmp_path):
    sources, out = pairs(2), tmp_path / "out"
    quick = FAST[:-1]
    lgtsm("batch", sources, "-o", out, *quick)
    (out / "s1.mkv").unlink()
    code, _, err = lgtsm("batch", sources, "-o", out, *quick)
    assert code == 0
    rows = [line.split() for line in err.splitlines() if line.startswith(("film", "s0", "s1"))]
    assert [row[:3] for row in rows] == [
        ["film", "state", "frames"],
        ["s0.mkv", "skipped", "9"],
        ["s1.mkv", "done", "9"],
    ]
    report = [json.loads(line) for line in (out / "report.jsonl").read_text().splitlines()]
    assert {line["output"]: line["state"] for line in report} == {
        "s0.mkv": "skipped",
        "s1.mkv": "done",
    }


def test_a_program_is_told_the_progress_in_lines(lgtsm, pairs, in_this_process, tmp_path):
    code, _, err = lgtsm("batch", pairs(2), "-o", tmp_path / "out", "--progress", "lines", *FAST)
    assert code == 0
    steps = [line.split(" ", 2) for line in err.splitlines()]
    assert {word for word, *_ in steps} == {"progress"}
    told = [tuple(map(int, step[1].split("/"))) for step in steps if "films" in step[2]]
    assert told == sorted(told)
    assert 0 < told[0][0] < told[-1][0] == told[-1][1]
    assert len(steps) == len({tuple(step) for step in steps})


def test_every_mistake_is_told_and_nothing_is_done(lgtsm, pairs, tmp_path):
    table = pairs(1) / "jobs.csv"
    rows = ["source,mask,grow", "s0.mkv,lost.png,", "s9.mkv,s0_mask.png,", "s0.mkv,s0_mask.png,x"]
    table.write_text("\r\n".join(rows))
    code, _, err = lgtsm("batch", table, "-o", tmp_path / "out", *FAST)
    assert code == 1
    for line in (2, 3, 4):
        assert f"lgtsm: line {line}: Expected " in err
    assert not (tmp_path / "out").exists()


def test_options_of_a_row_take_precedence(lgtsm, pairs, in_this_process, read_film, tmp_path):
    table = pairs(1) / "jobs.jsonl"
    row = {"source": "s0.mkv", "mask": "s0_mask.png", "mask_used": "used.mkv"}
    text = [row, row | {"grow": 0, "output": "b.mkv", "mask_used": "b_used.mkv", "range": "2-5"}]
    table.write_text("\n".join(map(json.dumps, text)))
    assert lgtsm("batch", table, "-o", tmp_path / "out", "--grow", "2", *FAST)[0] == 0
    grown, plain = (
        read_film(tmp_path / "out" / name, "gray") for name in ("used.mkv", "b_used.mkv")
    )
    assert (len(grown), len(plain)) == (9, 3)
    assert (grown[2] > 0).sum() > (plain[0] > 0).sum()


def test_a_cluster_and_workers_of_this_machine_are_not_mixed(lgtsm, pairs, tmp_path):
    for words in (("--on", "ray", "--workers", "2"), ("--on", "slurm")):
        code, _, err = lgtsm("batch", pairs(0), "-o", tmp_path / "out", *words)
        assert code == 1
        assert "lgtsm: Expected " in err
        (tmp_path / "shots").rmdir()
