"""On a Ray cluster of several nodes on this machine: whatever is killed, every film is done once."""

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

import lgtsm
from lgtsm.batch.options import BatchOptions
from lgtsm.errors import OptionError
from tests.batch.conftest import FAST, FLAGS, assert_as_by_themselves, write_film, write_mask

ray = pytest.importorskip("ray", reason="needs ray")

from ray.cluster_utils import Cluster  # noqa: E402  behind the question whether there is ray

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:.*"),  # of ray itself
]
ROOT = Path(__file__).resolve().parents[2]
NODE = {"num_cpus": 1, "memory": 8 * 10**9, "object_store_memory": 80 * 10**6}
NUM = 5


@pytest.fixture(scope="module")
def cluster():
    """Return a cluster whose head computes nothing, with two nodes of one CPU."""
    patch = pytest.MonkeyPatch()
    patch.setenv("PYTHONPATH", str(ROOT))
    nodes = Cluster(
        initialize_head=True,
        head_node_args=NODE | {"num_cpus": 0, "memory": 10**6, "include_dashboard": False},
    )
    for _ in range(2):
        nodes.add_node(**NODE)
    patch.setenv("RAY_ADDRESS", nodes.address)
    yield nodes
    patch.undo()
    ray.shutdown()
    nodes.shutdown()


@pytest.fixture(scope="module")
def _made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ray") / "shots"
    folder.mkdir()
    for i in range(NUM):
        write_film(folder / f"s{i}.mp4", 40, seed=i, shot=20 if i == 0 else None)
        write_mask(folder / f"s{i}_mask.png")
    return folder


@pytest.fixture
def sources(_made, tmp_path):
    """Return a folder of films with masks, the first one with a cut."""
    return shutil.copytree(_made, tmp_path / "shots")


def _check(sources, out):
    """Compare all films with those of single runs, and look for what may have been left."""
    assert_as_by_themselves(sources, out, [f"s{i}" for i in range(NUM)])
    names = [p.name for p in out.iterdir() if p.suffix != ".jsonl"]
    assert sorted(names) == [".lgtsm-batch", *(f"s{i}.mp4" for i in range(NUM))]
    assert not list(out.glob(".lgtsm-batch/parts/**/*.safetensors"))


def _run(sources, out, **named):
    options = BatchOptions(on="ray", split=16)
    return lgtsm.run_batch(sources, out, defaults=FAST, options=options, **named)


def _task_processes():
    """Return the processes of Ray that perform a task, which they are named after."""
    found = []
    for line in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            if line.read_bytes().startswith(b"ray::s"):
                found.append(int(line.parent.name))
    return found


def test_a_lost_process_and_a_lost_node_cost_only_their_films(cluster, sources, tmp_path):
    out, killed = tmp_path / "out", []

    def progress(done, total, note):
        if not killed and done > 5 and (found := _task_processes()):
            os.kill(found[0], signal.SIGKILL)
            killed.append("process")
        if len(killed) == 1 and len(list(out.glob("*.mp4"))) >= 2:
            cluster.remove_node(sorted(cluster.worker_nodes, key=id)[0], allow_graceful=False)
            killed.append("node")

    result = _run(sources, out, progress=progress)
    assert killed == ["process", "node"]
    # skipped: a film whose process was lost between its end and the news of it
    assert {entry.state for entry in result.entries} <= {"done", "skipped"}
    _check(sources, out)
    cluster.add_node(**NODE)


def test_a_killed_driver_is_started_again_and_does_nothing_twice(cluster, sources, tmp_path):
    out = tmp_path / "out"
    words = [sys.executable, "-m", "lgtsm", "batch", str(sources), "-o", str(out), "--quiet"]
    words += ["--on", "ray", "--split", "16", "--grow", "0", *FLAGS]
    driver = subprocess.Popen(words, cwd=ROOT)
    late = time.monotonic() + 300
    while len(list(out.glob("*.mp4"))) < 2:
        assert driver.poll() is None
        assert time.monotonic() < late
        time.sleep(0.05)
    driver.kill()
    driver.wait()
    made = {path: path.stat().st_mtime_ns for path in out.glob("*.mp4")}
    assert subprocess.run(words, cwd=ROOT, check=False, timeout=600).returncode == 0
    assert {path: path.stat().st_mtime_ns for path in made} == made
    _check(sources, out)
    states = [entry.state for entry in _run(sources, out).entries]
    assert states == ["skipped"] * NUM


def test_another_version_on_a_node_is_refused_before_anything_runs(cluster, sources, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(ROOT / "lgtsm", other / "lgtsm", ignore=shutil.ignore_patterns("__pycache__"))
    package = other / "lgtsm" / "__init__.py"
    package.write_text(package.read_text().replace('__version__ = "', '__version__ = "99.'))
    # the folder of the driver comes first in the path of a process, so import it before
    (other / "sitecustomize.py").write_text("import lgtsm")
    node = cluster.add_node(**NODE, env_vars={"PYTHONPATH": str(other)})
    with pytest.raises(OptionError, match=r"got 99\."):
        _run(sources, tmp_path / "out")
    assert list((tmp_path / "out").glob("*.mp4")) == []
    cluster.remove_node(node)


def test_a_node_lost_just_before_the_start_is_no_node_of_another_version(
    cluster, sources, tmp_path
):
    for path in sources.glob("s[1-9]*"):
        path.unlink()
    # Ray calls it alive for seconds yet, until heartbeats are missing
    cluster.remove_node(cluster.add_node(**NODE), allow_graceful=False)
    result = _run(sources, tmp_path / "out")
    assert {entry.state for entry in result.entries} == {"done"}


def test_a_film_too_large_for_every_node_is_told(cluster, sources, tmp_path):
    values = FAST | {"threads": 64}
    result = lgtsm.run_batch(
        sources, tmp_path / "out", defaults=values, options=BatchOptions(on="ray")
    )
    assert {entry.state for entry in result.entries} == {"failed"}
    assert "64 CPUs" in result.entries[0].error


def test_a_cluster_that_is_not_there_is_told(sources, tmp_path, monkeypatch, one_sentence):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    with pytest.raises(OptionError) as error:
        _run(sources, tmp_path / "out")
    one_sentence(error.value)
