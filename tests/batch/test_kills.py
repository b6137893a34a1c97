"""Worker processes and the batch itself are killed at random: every film is done, once, as by itself.

In small form with all tests; in full with LGTSM_KILLED_FILMS=200 in the environment.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from lgtsm.batch.run import REPORT
from tests.batch.conftest import FLAGS, assert_as_by_themselves

ROOT = Path(__file__).resolve().parents[2]
NUM = int(os.environ.get("LGTSM_KILLED_FILMS", "5"))
SEED = 28

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc"),
    pytest.mark.timeout(900 + 20 * NUM),
]


def _children(pid):
    """Return the worker processes of a batch, which are children of the server that it starts."""
    servers = _forked_by(pid)
    return [worker for server in servers for worker in _forked_by(server)]


def _forked_by(pid):
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
            is_ours = b"forkserver" in (stat.parent / "cmdline").read_bytes()
        except OSError:
            continue
        if parent == pid and is_ours:
            found.append(int(stat.parent.name))
    return found


def _alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _wait_until(condition, seconds=600):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


@pytest.fixture
def start():
    """start(sources, out) -> a running `lgtsm batch` with two workers."""
    running = []

    def begin(sources, out):
        words = [sys.executable, "-m", "lgtsm", "batch", str(sources), "-o", str(out)]
        words += ["--workers", "2", "--grow", "0", "--quiet", *FLAGS]
        running.append(subprocess.Popen(words, cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}))
        return running[-1]

    yield begin
    for process in running:
        process.kill()
        process.wait()


def _stamps(out):
    return {p.name: (p.stat().st_mtime_ns, p.stat().st_ino) for p in out.glob("*.mp4")}


def test_whatever_is_killed_every_film_is_done_once_and_as_by_itself(shots, start, tmp_path):
    sources, out, rng = shots(NUM, num=24), tmp_path / "out", np.random.default_rng(SEED)
    # two workers, then the batch, each once so many films are done
    first, second, third = np.sort(rng.choice(np.arange(1, NUM), 3, replace=False))
    batch, finished = start(sources, out), {}
    for number in (first, second):
        _wait_until(lambda number=number: len(_stamps(out)) >= number and _children(batch.pid))
        finished |= {name: s for name, s in _stamps(out).items() if name not in finished}
        os.kill(rng.choice(_children(batch.pid)), signal.SIGKILL)
    _wait_until(lambda: len(_stamps(out)) >= third)
    left = _children(batch.pid) + _forked_by(batch.pid)
    batch.kill()
    batch.wait()
    _wait_until(lambda: not any(map(_alive, left)))  # nothing goes on behind the user's back
    now = _stamps(out)
    assert {name: now[name] for name in finished} == finished
    assert start(sources, out).wait() == 0
    end = _stamps(out)
    assert {name: end[name] for name in now} == now
    states = [json.loads(line)["state"] for line in (out / REPORT).read_text().splitlines()]
    assert len(states) == NUM
    assert set(states) <= {"done", "skipped"}
    names = [f"shot{i:02}" for i in range(NUM)]
    assert_as_by_themselves(sources, out, names)
    found = sorted(p.name for p in out.iterdir())
    assert found == sorted([".lgtsm-batch", REPORT, *(f"{name}.mp4" for name in names)])
