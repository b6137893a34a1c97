"""`python -m train` as a program: signals, several processes, a full disk, a clip by heart."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from safetensors import safe_open
from safetensors.torch import save_file

from lgtsm.models.neighbours.vgg import VggPools
from train.__main__ import main
from train.checkpoint import STATE
from train.data.sampling import Items
from train.data.sources import Library
from train.logs import read_csv
from train.recipes import load_recipe
from train.step import seeded
from train.tools.export import averaged
from train.validate import validate

ROOT = Path(__file__).parents[2]


def _header(folder):
    with safe_open(folder / STATE, "pt") as file:
        return file.metadata()


def _step(folder):
    return json.loads(_header(folder)["progress"])["step"]


def _start(module_args, **environment):
    return subprocess.Popen(
        [sys.executable, "-m", *module_args],
        cwd=ROOT,
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def _words(library, out, *more):
    words = ["--data", str(library.root), "--out", str(out), "--recipe", "refine_toy"]
    return [*words, "--workers", "0", "--log-steps", "1", "--validate-items", "1", *more]


def _run_two(words):
    """Run a command in two processes."""
    start = ["torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "train"]
    process = _start([*start, *words])
    out, _ = process.communicate(timeout=240)
    assert process.returncode == 0, out


@pytest.mark.slow
def test_ctrl_c_writes_the_state_and_ends_the_run(toy_library, tmp_path):
    words = _words(toy_library, tmp_path / "run", "--minutes", "5")
    process = _start(["train", "stage1", *words])
    log = tmp_path / "run" / "log.csv"
    while process.poll() is None and len(read_csv(log)) < 2:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)  # the test of a clip by heart sends SIGTERM
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 0, out
    steps = _step(tmp_path / "run")
    assert steps >= 2
    assert int(read_csv(log)[-1]["step"]) == steps


@pytest.mark.slow
@pytest.mark.parametrize(("recipe", "stage"), [("refine_toy", "stage2"), ("lgtsm_small", "stage1")])
def test_two_processes_give_the_losses_of_one(recipe, stage, toy_library, tmp_path):
    words = ["--steps", "3", "--batch", "2", "--recipe", recipe, "--width", "4", "--size", "32"]
    assert main([stage, *_words(toy_library, tmp_path / "one", *words)]) == 0
    _run_two([stage, *_words(toy_library, tmp_path / "two", *words)])
    one, two = (read_csv(tmp_path / name / "log.csv") for name in ("one", "two"))
    assert len(one) == len(two) == 3
    for a, b in zip(one, two, strict=True):
        for key in a.keys() - {"seconds"}:
            assert float(a[key]) == pytest.approx(float(b[key]), rel=1e-4), key


@pytest.mark.slow
def test_two_processes_find_the_flow_of_one(toy_library, tmp_path):
    with seeded(0):
        save_file(VggPools(4).state_dict(), tmp_path / "vgg.safetensors")
    words = ["--steps", "2", "--recipe", "dfpn_small", "--width", "2", "--batch", "2"]
    words += ["--perceptual", str(tmp_path / "vgg.safetensors")]
    assert main(["stage1", *_words(toy_library, tmp_path / "one", *words)]) == 0
    _run_two(["stage1", *_words(toy_library, tmp_path / "two", *words)])
    one, two = (read_csv(tmp_path / name / "log.csv")[0] for name in ("one", "two"))
    # alignment is a ratio of sums, which each process has its own of
    for key in ("correlation", "flow_16", "flow_64", "flow_256"):
        assert float(one[key]) == pytest.approx(float(two[key]), rel=1e-5), key


@pytest.mark.slow
def test_two_processes_go_through_both_stages_by_the_clock_of_the_first(toy_library, tmp_path):
    words = ["--minutes", "0.03", "--batch", "2", "--recipe", "refine_toy", "--width", "4"]
    _run_two(["all", *_words(toy_library, tmp_path / "run", *words, "--size", "32")])
    for stage in ("stage1", "stage2"):
        assert (tmp_path / "run" / stage / STATE).is_file()


@pytest.mark.slow
def test_a_full_disk_leaves_the_last_state_whole(toy_library, tmp_path):
    resource = pytest.importorskip("resource")
    out = tmp_path / "run"
    words = _words(toy_library, out)
    assert main(["stage1", *words, "--steps", "2"]) == 0
    before = (out / STATE).read_bytes()
    limit = len(before) // 2
    code = (
        "import resource, signal, sys\n"
        "from train.__main__ import main\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {resource.RLIM_INFINITY}))\n"
        "raise SystemExit(main(sys.argv[1:]))\n"
    )
    command = [sys.executable, "-c", code, "stage1", *words, "--steps", "4", "--resume"]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 1
    assert "Expected room for state.safetensors" in done.stderr
    assert (out / STATE).read_bytes() == before
    assert [p.name for p in out.iterdir() if "partial" in p.name] == []


@pytest.mark.slow
def test_one_command_learns_a_clip_by_heart(toy_library, tmp_path):
    """Both stages, interrupted and resumed, end three decibels above the fill they start from."""
    kept = [clip for clip in toy_library.clips if clip.source == "walk"]
    index = {"clips": [dataclasses.asdict(clip) for clip in kept], "masks": []}
    (toy_library.root / "index.json").write_text(json.dumps(index), encoding="utf-8")
    recipe = load_recipe("refine_overfit")
    words = _words(toy_library, tmp_path, "--recipe", "refine_overfit", "--steps", "60")
    process = _start(["train", "all", *words])
    second = tmp_path / "stage2" / "log.csv"
    while process.poll() is None and len(read_csv(second)) < 5:
        time.sleep(0.2)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=120) == 0
    assert _step(tmp_path / "stage2") < 60
    process = _start(["train", "all", *words, "--resume"])
    out, _ = process.communicate(timeout=240)
    assert process.returncode == 0, out
    items = Items(Library(toy_library.root, tuple(kept)), recipe)
    for stage in ("stage1", "stage2"):
        learner = averaged(tmp_path / stage, recipe, stage)
        assert learner.step == 60
        score = validate(learner.network, [items[0], items[1]], None)
        assert score.psnr - score.baseline_psnr > 3
