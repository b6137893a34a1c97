"""A batch for a render farm: a job template of Open Job Description, and one task of it.

The template has a step whose tasks fill films, or parts of long ones split at cuts, and a step behind it that
joins parts. What each task does lies in a list beside the template.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..engine.hooks import Hooks
from ..errors import OptionError, VideoError
from ..whole_file import WholeFile
from .checks import check_media
from .columns import read_job
from .description import BatchJob, plain_values
from .job_list import read_jobs
from .manifest import state_folder
from .options import BatchOptions
from .tasks import Kind, State, Task, TaskResult, perform, plan

_SUFFIXES = (".yaml", ".yml", ".json")
_MIB = 2**20


@dataclass(frozen=True)
class FarmPlan:
    """What was written for a farm.

    template: the job template; tasks: the list beside it.
    num_films: films to do; num_fills, num_joins: tasks of the two steps.
    folder: of the results, where the template does not name it by itself.
    """

    template: Path
    tasks: Path
    num_films: int
    num_fills: int
    num_joins: int
    folder: Path | None


def write_template(
    jobs: Path | Sequence[BatchJob],
    folder: Path,
    template: Path,
    *,
    defaults: Mapping[str, object] | None = None,
    options: BatchOptions | None = None,
    hooks: Hooks | None = None,
) -> FarmPlan:
    """Write a job template for what a batch has still to do; films are read for their cuts.

    Args:
        jobs: as in `run_batch`.
        folder: of the results, created where needed.
        template: file to write, .yaml or .json; its list of tasks is written beside it.
        defaults: as in `run_batch`.
        options: as in `run_batch`; `split` decides about parts.
        hooks: progress and cancellation.

    Raises:
        OptionError: everything is done already; and whatever `run_batch` raises before anything runs.
    """
    options, hooks = options or BatchOptions(), hooks or Hooks()
    if template.suffix.lower() not in _SUFFIXES:
        raise OptionError(f"Expected a template ending in .yaml, got {template.name}; rename it.")
    found = read_jobs(jobs, str(folder), defaults)
    folder = folder.absolute()
    state_folder(folder).mkdir(parents=True, exist_ok=True)
    fills: list[Task] = []
    joins: list[Task] = []
    needs = check_media(found, folder, hooks, overwrite=options.overwrite)
    for job, need in zip(found, needs, strict=True):
        task = Task(
            job=job,
            folder=str(folder),
            split=options.split,
            memory=need.memory,
            deliver=options.deliver,
            patience=options.patience,
        )
        result = plan(task, hooks)
        if result is None:
            fills.append(replace(task, split=0))
        elif result.state is State.SPLIT:
            task = replace(task, key=result.key)
            fills += [replace(task, kind=Kind.PART, spans=(span,)) for span in result.spans]
            joins.append(replace(task, kind=Kind.JOIN, spans=result.spans))
    if not fills:
        raise OptionError(
            f"Expected something to do, got {len(found)} films that are done in {folder}; look there."
        )
    tasks = template.with_suffix(".tasks.jsonl")
    _write(tasks, "".join(json.dumps(_plain(task)) + "\n" for task in (*fills, *joins)))
    is_below = folder.is_relative_to(template.absolute().parent)
    below = folder.relative_to(template.absolute().parent).as_posix() if is_below else None
    _write(template, _template(tasks.name, below, fills, joins))
    num_films = len({task.job.output for task in fills})
    return FarmPlan(
        template, tasks, num_films, len(fills), len(joins), None if is_below else folder
    )


def run_task(tasks: Path, number: int, folder: Path, hooks: Hooks) -> TaskResult:
    """Do one task of a farm's list.

    Args:
        tasks: the list that `write_template` wrote.
        number: of the task, from 1.
        folder: of the results, as this machine names it.
        hooks: progress and cancellation.

    Raises:
        OptionError: no such list or task; Cancelled.
    """
    try:
        lines = tasks.read_text(encoding="utf-8").splitlines()
        values: dict[str, Any] = json.loads(lines[number - 1]) if number > 0 else {}
        job, problems = read_job(values["job"], Path.cwd(), {})
        if job is None:
            raise ValueError(problems[0])
        known = {name: values[name] for name in ("key", "memory", "deliver", "patience", "version")}
        spans = tuple((start, end) for start, end in values["spans"])
        task = Task(
            job=job, folder=str(folder.absolute()), kind=Kind(values["kind"]), spans=spans, **known
        )
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise OptionError(
            f"Expected task {number} in the list of a template, got none in {tasks} ({error}); write the "
            "template again."
        ) from error
    return perform(task, hooks)


def _plain(task: Task) -> dict[str, object]:
    """Return a task as JSON values, without the folder, which every machine may name differently."""
    return {
        "kind": task.kind.value,
        "spans": task.spans,
        "key": task.key,
        "memory": task.memory,
        "deliver": task.deliver,
        "patience": task.patience,
        "version": task.version,
        "job": plain_values(task.job),
    }


def _write(path: Path, text: str) -> None:
    try:
        with WholeFile(path) as partial:
            partial.write_text(text, encoding="utf-8")
    except OSError as error:
        raise VideoError(
            f"Expected to write {path}, got: {error.strerror}; choose another file."
        ) from error


def _template(tasks: str, folder: str | None, fills: Sequence[Task], joins: Sequence[Task]) -> str:
    """Return the template; JSON is also YAML, for people in the order of the specification."""
    place: dict[str, object] = {
        "name": "Folder",
        "type": "PATH",
        "objectType": "DIRECTORY",
        "dataFlow": "OUT",
        "description": "Folder of the results",
    }
    if folder is not None:
        place["default"] = folder
    described = {
        "specificationVersion": "jobtemplate-2023-09",
        "name": "lgtsm batch",
        "description": "Fill the holes of videos; made by lgtsm batch --openjd.",
        "parameterDefinitions": [
            {
                "name": "Tasks",
                "type": "PATH",
                "objectType": "FILE",
                "dataFlow": "IN",
                "default": tasks,
                "description": "What each task does",
            },
            place,
            {
                "name": "Lgtsm",
                "type": "STRING",
                "default": "lgtsm",
                "description": "The command on the machines of the farm",
            },
        ],
        "steps": [_step("Fill", 1, fills)],
    }
    if joins:
        join = _step("Join", len(fills) + 1, joins)
        described["steps"].append({"name": "Join", "dependencies": [{"dependsOn": "Fill"}]} | join)
    return json.dumps(described, indent=2) + "\n"


def _step(name: str, first: int, tasks: Sequence[Task]) -> dict[str, object]:
    """Return a step whose tasks have the numbers from `first` on."""
    memory = max(task.memory for task in tasks)
    threads = max(task.job.options.run.threads for task in tasks) or 1
    amounts: list[dict[str, object]] = [
        {"name": "amount.worker.vcpu", "min": threads},
        {"name": "amount.worker.memory", "min": -(-memory // _MIB)},
    ]
    if any(task.job.options.run.device.startswith("cuda") for task in tasks):
        amounts.append({"name": "amount.worker.gpu", "min": 1})
    words = ["batch", "{{Param.Tasks}}", "-o", "{{Param.Folder}}"]
    run = {"command": "{{Param.Lgtsm}}", "args": [*words, "--task", "{{Task.Param.Number}}"]}
    numbers = f"{first}-{first + len(tasks) - 1}"
    return {
        "name": name,
        "hostRequirements": {"amounts": amounts},
        "parameterSpace": {
            "taskParameterDefinitions": [{"name": "Number", "type": "INT", "range": numbers}]
        },
        "script": {"actions": {"onRun": run}},
    }
