from __future__ import annotations

import multiprocessing
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from lgtsm.interruption import Interruption

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")


def _start(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "lgtsm", "inpaint", *(str(a) for a in arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def _wait_for(path, process, seconds=180):
    until = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, process.communicate()[1]
        assert time.monotonic() < until, f"{path.name} did not come"
        time.sleep(0.005)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_job_leaves_no_file_and_resumes(
    number, make_film, make_mask, model, read_film, lgtsm, leftovers, tmp_path
):
    film, mask, target = make_film(num=40), make_mask(), tmp_path / "out.mkv"
    side = ["--fill-layer", tmp_path / "fill.mov", "--mask-used", tmp_path / "used"]
    common = [film, "--mask", mask, "--model", model, "--lossless", "--chunk", 1, "--no-cuts"]
    common += ["--motion", "none", "--unseen", "network"]
    job = _start(*common, "-o", target, *side)
    journal = tmp_path / "out.mkv.lgtsm-partial"
    _wait_for(journal / "00000000.safetensors", job)  # the first 16 frames are done
    job.send_signal(number)
    _, stderr = job.communicate(timeout=30)
    assert job.returncode == 130, stderr
    assert stderr.splitlines()[-1] == "lgtsm: interrupted; run again with --resume to continue"
    assert "Traceback" not in stderr
    assert leftovers() == [journal.name]
    written = {p.name for p in tmp_path.iterdir()}
    assert written == {"film.mp4", "mask.png", "weights", journal.name}

    code, _, stderr = lgtsm("inpaint", *common, "-o", target, *side, "--resume")
    assert code == 0, stderr
    assert "of them from before" in stderr
    assert leftovers() == []
    assert lgtsm("inpaint", *common, "-o", tmp_path / "whole.mkv")[0] == 0
    resumed, whole = read_film(target), read_film(tmp_path / "whole.mkv")
    assert resumed.shape == whole.shape == read_film(film).shape
    assert np.abs(resumed.astype(int) - whole).max() <= 1
    assert len(read_film(tmp_path / "fill.mov")) == 40


_AT_TORCH = """
import importlib.abc, sys, time

class Tell(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "torch":
            print("importing", flush=True)
            time.sleep(60)

sys.meta_path.insert(0, Tell())
from lgtsm.cli.main import main
sys.exit(main(sys.argv[1:]))
"""


def test_an_interruption_while_torch_is_imported_is_one_line(make_film, make_mask, tmp_path):
    words = ["inpaint", make_film(), "--mask", make_mask(), "-o", tmp_path / "o.mp4"]
    job = subprocess.Popen(
        [sys.executable, "-c", _AT_TORCH, *map(str, words)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
    )  # fmt: skip
    assert job.stdout.readline() == "importing\n"
    job.send_signal(signal.SIGINT)
    _, stderr = job.communicate(timeout=60)
    assert job.returncode == 130
    assert stderr == "lgtsm: interrupted\n"


def test_ctrl_c_does_not_wait_for_the_cases_of_a_score(lgtsm, tmp_path, monkeypatch):
    def interrupted(waiting):
        until = time.monotonic() + 60
        while not any(future.running() for future in waiting):
            assert time.monotonic() < until
            time.sleep(0.01)
        raise KeyboardInterrupt

    monkeypatch.setattr("lgtsm.evaluate.score.run.as_completed", interrupted)
    words = ("--quick", "--workers", 2, "--methods", "none", "--frames", 64, "-o", tmp_path)
    assert lgtsm("score", *words)[0] == 130
    assert multiprocessing.active_children() == []
    assert list((tmp_path / "cells").rglob("*.json")) == []


def test_a_second_signal_does_not_disturb_and_handlers_come_back():
    before = signal.getsignal(signal.SIGTERM)
    with Interruption() as interruption:
        assert not interruption.happened()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)
        assert interruption.happened()
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_deferred_interruption_lets_the_step_end_and_a_second_ctrl_c_does_not():
    with Interruption(deferred=True) as interruption:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGTERM)
        assert interruption.happened()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_other_threads_leave_signals_alone():
    seen = []

    def work():
        with Interruption() as interruption:
            seen.append(interruption.happened())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]
