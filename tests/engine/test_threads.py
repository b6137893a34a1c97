"""Threads: as asked for, else as many as find a core; torch's own number comes back."""

from __future__ import annotations

import os

import pytest
import torch

import lgtsm
from lgtsm.cli.main import main
from lgtsm.engine import threads
from lgtsm.engine.threads import computing_threads, free_threads
from lgtsm.options import InpaintOptions, Mode, RunOptions


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """machine(running, **files): four cores, tasks that run now, files of the control group."""
    monkeypatch.setattr(os, "cpu_count", lambda: 4)
    monkeypatch.setattr(threads, "_PAUSE", 0)
    monkeypatch.setattr(threads, "_LOAD", tmp_path / "loadavg")
    monkeypatch.setattr(threads, "_GROUP", tmp_path)
    (tmp_path / "cpu").mkdir()

    def make(running, **files):
        if running is not None:
            (tmp_path / "loadavg").write_text(f"0.10 0.20 0.30 {running}/123 4567\n")
        for name, text in files.items():
            (tmp_path / name.replace("__", "/").replace("_DOT_", ".")).write_text(text)

    return make


@pytest.mark.parametrize(("running", "free"), [(1, 4), (2, 3), (4, 1), (40, 1), (None, 4)])
def test_cores_that_others_use_are_left_to_them(machine, running, free):
    machine(running)
    assert free_threads(4) == free
    assert free_threads(1) == 1
    assert free_threads(2) == min(2, free)


@pytest.mark.parametrize(
    ("files", "free"),
    [
        ({"cpu_DOT_max": "200000 100000\n"}, 2),
        ({"cpu_DOT_max": "150000 100000\n"}, 2),
        ({"cpu_DOT_max": "max 100000\n"}, 4),
        ({"cpu__cpu_DOT_cfs_quota_us": "100000\n", "cpu__cpu_DOT_cfs_period_us": "100000\n"}, 1),
        ({"cpu__cpu_DOT_cfs_quota_us": "-1\n", "cpu__cpu_DOT_cfs_period_us": "100000\n"}, 4),
    ],
)
def test_a_container_gets_no_more_threads_than_cores(machine, files, free):
    machine(1, **files)
    assert free_threads(4) == free


def test_torch_gets_its_own_number_back():
    before = torch.get_num_threads()
    seen = []

    def interrupted():
        with computing_threads(3) as number:
            seen.extend([number, torch.get_num_threads()])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert seen == [3, 3]
    assert torch.get_num_threads() == before


def test_a_job_computes_with_the_threads_asked_for(toy_clip, toy_holes):
    seen = set()
    options = InpaintOptions(mode=Mode.COPY, run=RunOptions(device="cpu", threads=3))
    result = lgtsm.inpaint_clip(
        toy_clip, toy_holes, None, options, progress=lambda *_: seen.add(torch.get_num_threads())
    )
    assert seen == {3}
    assert result.report.threads == 3


def test_threads_of_a_command_sleep_while_they_wait(monkeypatch, capsys):
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    assert main(["models"]) == 0
    capsys.readouterr()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    assert main(["models"]) == 0
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
