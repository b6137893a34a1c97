"""`lgtsm batch --openjd` and `--task`: a template for a render farm, and what the farm runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from ..batch.options import BatchOptions
from ..interruption import Interruption
from .terminal import film_progress

DONE, FAILED = 0, 1


def add_farm(parser: argparse._ActionsContainer) -> None:
    """Add `--openjd` and `--task`."""
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--openjd",
        type=Path,
        metavar="FILE",
        help="do nothing but write a job template of Open Job Description (.yaml) for a render farm, and a "
        "list of its tasks beside it",
    )
    group.add_argument(
        "--task", type=int, metavar="N", help="do one task of such a list, given as JOBS"
    )


def write_farm(
    arguments: argparse.Namespace,
    interruption: Interruption,
    options: BatchOptions,
    defaults: dict[str, object],
) -> int:
    """Write the template; tell what it holds."""
    from ..batch.openjd import write_template
    from ..engine.hooks import Hooks

    with film_progress(arguments, "plan") as bar:
        plan = write_template(
            arguments.jobs,
            arguments.folder,
            arguments.openjd,
            defaults=defaults,
            options=options,
            hooks=Hooks(bar, interruption.happened),
        )
    if not arguments.quiet:
        joined = f", {plan.num_joins} films joined from parts" if plan.num_joins else ""
        print(
            f"{plan.template}: {plan.num_films} films in {plan.num_fills} tasks{joined}",
            file=sys.stderr,
        )
        if plan.folder is not None:
            print(f"give the farm the parameter Folder={plan.folder}", file=sys.stderr)
    return DONE


def do_task(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Do one task of a farm, with lines that the farm understands."""
    from ..batch.openjd import run_task
    from ..batch.tasks import State
    from ..engine.hooks import Hooks

    hooks = Hooks(_tell(), interruption.happened)
    result = run_task(arguments.jobs, arguments.task, arguments.folder, hooks)
    if result.state is State.FAILED:
        print(f"openjd_fail: {result.error}", flush=True)
        return FAILED
    print("openjd_progress: 100", flush=True)
    return DONE


def _tell() -> Callable[[int, int, str], None]:
    """Return a progress function that prints a line for every new percentage and note."""
    said = ["", ""]

    def tell(done: int, total: int, note: str) -> None:
        percent = f"{min(100.0, 100 * done / total):.0f}" if total else ""
        for i, (name, value) in enumerate((("progress", percent), ("status", note))):
            if value and value != said[i]:
                said[i] = value
                print(f"openjd_{name}: {value}", flush=True)

    return tell
