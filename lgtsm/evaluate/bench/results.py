"""Results of a bench run: as JSON, as a table, and beside an earlier run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from operator import attrgetter
from pathlib import Path

from ...errors import OptionError
from .cases import BenchCase


@dataclass(frozen=True, kw_only=True)
class CaseResult:
    """Figures of one case; medians over the rounds.

    seconds_per_frame: of the engine's stream over the whole clip, start and flush included.
    published_seconds_per_frame: of the published form over a clip of `published_frames`.
    ratio: speed as a multiple of the published form's.
    frames_per_second: of the engine's stream.
    macs_per_frame: multiply-adds of the engine per frame; published_macs_per_frame: of a whole frame
        in the published form.
    peak_share: the engine's multiply-adds per second as a fraction of what one wide convolution
        reaches on this machine in the same rounds.
    first_frame_seconds: from the first pushed frame to the first finished one.
    peak_bytes: peak memory: of the device on CUDA, of the whole process so far elsewhere.
    """

    case: BenchCase
    seconds_per_frame: float
    published_seconds_per_frame: float
    published_frames: int
    ratio: float
    frames_per_second: float
    macs_per_frame: int
    published_macs_per_frame: int
    peak_share: float
    first_frame_seconds: float
    peak_bytes: int | None


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Where it ran.

    peak_macs_per_second: multiply-adds per second of a 3x3 convolution 256 -> 256 at 45x80.
    """

    torch_version: str
    device: str
    device_name: str
    dtype: str
    num_threads: int
    cpu_capability: str
    peak_macs_per_second: float


@dataclass(frozen=True, kw_only=True)
class BenchResult:
    """One run of a list of cases."""

    machine: Machine
    rounds: int
    cases: tuple[CaseResult, ...]

    def to_json(self) -> str:
        """Return JSON text; `from_json` reads it back."""
        return json.dumps(asdict(self), indent=2)

    @staticmethod
    def from_json(text: str) -> BenchResult:
        """Read what `to_json` wrote."""
        values = json.loads(text)
        cases = tuple(
            CaseResult(**{**row, "case": BenchCase(**row["case"])}) for row in values["cases"]
        )
        machine = Machine(**values["machine"])
        return BenchResult(machine=machine, rounds=values["rounds"], cases=cases)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return one line per row: the first column left-aligned, the others right-aligned.

    Args:
        rows: cells, the header first; all of one length.
    """
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        lines.append("  ".join(cells))
    return lines


def format_table(result: BenchResult) -> str:
    """Return the figures as text: a line about the machine, a header, one row per case."""
    machine = result.machine
    about = (
        f"{machine.device_name} ({machine.device}), {machine.dtype}, {machine.num_threads} threads, "
        f"{machine.cpu_capability}, torch {machine.torch_version}, widest convolution "
        f"{2 * machine.peak_macs_per_second / 1e9:.0f} GFLOP/s; ms per frame over a whole clip, flush "
        f"included; medians of {result.rounds}"
    )
    head = "case,chunk,ms,published,faster,target,fps,first s,peak,GB"
    rows: list[Sequence[str]] = [head.split(",")]
    for row in result.cases:
        target, memory = row.case.target, row.peak_bytes
        rows.append(
            (
                row.case.name,
                str(row.case.chunk),
                f"{row.seconds_per_frame * 1e3:.1f}",
                f"{row.published_seconds_per_frame * 1e3:.1f}",
                f"{row.ratio:.2f}x",
                "" if target is None else f"{target:.1f}x",
                f"{row.frames_per_second:.1f}",
                f"{row.first_frame_seconds:.2f}",
                f"{row.peak_share:.0%}",
                "" if memory is None else f"{memory / 1e9:.2f}",
            )
        )
    return "\n".join([about, *aligned(rows)])


@dataclass(frozen=True, kw_only=True)
class CaseChange:
    """One case in two runs: new figures over old ones.

    ratio: of the speed relative to the published form; comparable across machines.
    speed: of frames per second; None unless both ran on the same kind of machine.
    memory: of the peak memory; None where it is unknown or not comparable.
    """

    name: str
    num_frames: int
    ratio: float
    speed: float | None
    memory: float | None


def compare_runs(old: BenchResult, new: BenchResult) -> list[CaseChange]:
    """Compare the cases that both runs have, in the order of the new run.

    Raises:
        OptionError: they share no case, or ran in different dtypes.
    """
    if old.machine.dtype != new.machine.dtype:
        raise OptionError(
            f"Expected runs of one dtype, got {old.machine.dtype} and {new.machine.dtype}; choose the "
            "same --dtype."
        )
    before = {_key(row.case): row for row in old.cases}
    pairs = [(before[_key(row.case)], row) for row in new.cases if _key(row.case) in before]
    if not pairs:
        raise OptionError(
            "Expected two runs that share a case, got none in common; choose the same --preset."
        )
    same = _place(old.machine) == _place(new.machine)
    return [
        CaseChange(
            name=row.case.name,
            num_frames=row.case.num_frames,
            ratio=row.ratio / first.ratio,
            speed=first.seconds_per_frame / row.seconds_per_frame if same else None,
            memory=row.peak_bytes / first.peak_bytes
            if same and first.peak_bytes and row.peak_bytes
            else None,
        )
        for first, row in pairs
    ]


_place = attrgetter("device", "device_name", "num_threads")


def _key(case: BenchCase) -> BenchCase:
    return replace(case, target=None)  # a target does not change what ran


def format_changes(changes: list[CaseChange]) -> str:
    """Return the comparison as text: a header, then one row per case; 1.00x: unchanged."""
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
        OptionError: it is missing, or something else.
    """
    try:
        return BenchResult.from_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise OptionError(
            f"Expected figures of an earlier run in {path}, got none ({error.strerror}); check the path."
        ) from error
    except (ValueError, TypeError, KeyError) as error:
        raise OptionError(
            f"Expected figures of `lgtsm bench --json` in {path}, got something else; choose that "
            "file."
        ) from error
