"""A job template for a render farm, run by openjd-cli, gives the films of single runs."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import lgtsm
from lgtsm.batch.openjd import run_task, write_template
from lgtsm.batch.options import BatchOptions
from lgtsm.batch.tasks import State
from lgtsm.engine.hooks import Hooks
from lgtsm.errors import OptionError
from tests.batch.conftest import FAST, InProcess, assert_as_by_themselves, write_film, write_mask

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def written(shots, tmp_path):
    """Return a farm's plan for a short film and one of two shots, and the folder of results."""
    sources = shots(1)
    write_film(sources / "long.mp4", 32, seed=5, shot=16)
    write_mask(sources / "long_mask.png")
    out = tmp_path / "out"
    options = BatchOptions(split=12)
    plan = write_template(sources, out, tmp_path / "farm.yaml", defaults=FAST, options=options)
    return plan, sources, out


def _check(sources, out):
    assert_as_by_themselves(sources, out, ("shot00", "long"))
    result = lgtsm.run_batch(sources, out, defaults=FAST, make=InProcess)
    assert {entry.state for entry in result.entries} == {"skipped"}


def test_a_template_has_a_task_for_every_film_and_part(written):
    plan, _, _ = written
    described = json.loads(plan.template.read_text())
    fill, join = described["steps"]
    assert (plan.num_films, plan.num_fills, plan.num_joins) == (2, 3, 1)
    assert fill["parameterSpace"]["taskParameterDefinitions"][0]["range"] == "1-3"
    assert join["parameterSpace"]["taskParameterDefinitions"][0]["range"] == "4-4"
    assert join["dependencies"] == [{"dependsOn": "Fill"}]
    assert [p.get("default") for p in described["parameterDefinitions"]] == [
        "farm.tasks.jsonl",
        "out",
        "lgtsm",
    ]


@pytest.mark.slow
def test_the_tasks_of_a_template_give_the_films_of_single_runs(written):
    plan, sources, out = written
    for number in (3, 1, 2, 4):
        assert run_task(plan.tasks, number, out, Hooks()).state is State.DONE
    _check(sources, out)


def test_a_task_that_is_not_there_is_told(written, one_sentence, tmp_path):
    for tasks, number in ((written[0].tasks, 5), (written[0].tasks, 0), (tmp_path / "x", 1)):
        with pytest.raises(OptionError) as error:
            run_task(tasks, number, written[2], Hooks())
        one_sentence(error.value)


@pytest.mark.slow
def test_openjd_runs_the_template_with_its_dependent_step(written, tmp_path):
    pytest.importorskip("openjd.cli", reason="needs openjd-cli")
    plan, sources, out = written
    command = tmp_path / "lgtsm"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m lgtsm "$@"\n')
    command.chmod(0o755)
    words = [sys.executable, "-m", "openjd", "run", str(plan.template), "-p", f"Lgtsm={command}"]
    done = subprocess.run(
        [*words, "--run-dependencies", "--step", "Join"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "openjd_progress: 100" in done.stdout
    _check(sources, out)
