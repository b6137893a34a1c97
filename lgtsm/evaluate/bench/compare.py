"""Two bench runs side by side: what became faster, machine by machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ...errors import OptionError
from .result import BenchResult
from .table import aligned


@dataclass(frozen=True, kw_only=True)
class CaseChange:
    """One case in both runs.

    ratio: how many times the lead over the published form grew; holds across machines.
    speed: how many times faster in seconds; None unless both ran on one kind of device.
    memory: how many times the memory grew; None where it is not known or not comparable.
    """

    name: str
    num_frames: int
    ratio: float
    speed: float | None
    memory: float | None


def compare_runs(old: BenchResult, new: BenchResult) -> list[CaseChange]:
    """Compare the cases that both runs have.

    Args:
        old: earlier run.
        new: later run.

    Returns:
        One entry a case, in the order of the new run.

    Raises:
        OptionError: they share no case, or ran in different arithmetic.
    """
    if old.machine.dtype != new.machine.dtype:
        raise OptionError(
            f"Expected runs in one arithmetic, got {old.machine.dtype} and {new.machine.dtype}; "
            "choose the same --dtype."
        )
    before = {_key(row.case): row for row in old.cases}
    same = (old.machine.device, old.machine.device_name, old.machine.num_threads) == (
        new.machine.device,
        new.machine.device_name,
        new.machine.num_threads,
    )
    changes = []
    for row in new.cases:
        first = before.get(_key(row.case))
        if first is None:
            continue
        memory = None
        if same and first.peak_bytes and row.peak_bytes:
            memory = row.peak_bytes / first.peak_bytes
        changes.append(
            CaseChange(
                name=row.case.name,
                num_frames=row.case.num_frames,
                ratio=row.ratio / first.ratio,
                speed=first.seconds_per_frame / row.seconds_per_frame if same else None,
                memory=memory,
            )
        )
    if not changes:
        raise OptionError(
            "Expected two runs that share a case, got none in common; choose the same --preset."
        )
    return changes


def _key(case: object) -> tuple[tuple[str, object], ...]:
    # a target is a wish, not part of what ran
    return tuple((k, v) for k, v in vars(case).items() if k != "target")


def format_changes(changes: list[CaseChange]) -> str:
    """Return the comparison as text: a heading, then one row a case; 1.00 is as before."""
    rows = [("case", "frames", "lead over published", "speed", "memory")]
    rows += [
        (c.name, str(c.num_frames), _times(c.ratio), _times(c.speed), _times(c.memory))
        for c in changes
    ]
    return "\n".join(aligned(rows))


def _times(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}x"


def read_run(path: Path) -> BenchResult:
    """Read a file that `lgtsm bench --json` wrote.

    Raises:
        OptionError: it is not there, or something else.
    """
    try:
        return BenchResult.from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OptionError(
            f"Expected figures of an earlier run in {path}, got none ({error.strerror}); check the path."
        ) from error
    except (ValueError, TypeError, KeyError) as error:
        raise OptionError(
            f"Expected figures of `lgtsm bench --json` in {path}, got something else; give that "
            "file."
        ) from error
