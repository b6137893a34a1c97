"""Speed of the whole product beside another version of it, both quiet and beside a busy process.

Each version runs in a process of its own, through `lgtsm.inpaint`, which all versions have. They take turns, clip
by clip, so that a busy machine slows both.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np

from ...errors import OptionError, VideoError
from ...scene.camera import Camera, SceneOptions
from ...scene.render import render_scene
from .product import ProductCase, moving_disc
from .results import aligned
from .run import Progress

_PACKAGE = Path(__file__).parents[3]
_WORKER = """
import sys, time
import numpy, torch
import lgtsm

torch.set_num_threads(int(sys.argv[1]))
for line in sys.stdin:
    with numpy.load(line.rstrip("\\n")) as clip:
        frames, masks = (torch.from_numpy(clip[name]) for name in ("frames", "masks"))
    began = time.perf_counter()
    lgtsm.inpaint(frames, masks)
    print(time.perf_counter() - began, flush=True)
"""
_BUSY = "while True: pass"

CASES = tuple(ProductCase(camera=camera, num_frames=16) for camera in Camera)
"""Every camera, with default options."""


@dataclass(frozen=True, kw_only=True)
class AgainstResult:
    """Frames a second of one case; medians over the rounds.

    quiet, busy: alone, and beside one process that computes all the time; other_quiet, other_busy: of the other
    version; ratio, busy_ratio: ours over theirs, by round.
    """

    case: str
    quiet: float
    other_quiet: float
    ratio: float
    busy: float
    other_busy: float
    busy_ratio: float


def run_against(
    other: Path,
    cases: Sequence[ProductCase] = CASES,
    *,
    threads: int,
    rounds: int = 2,
    progress: Progress | None = None,
) -> list[AgainstResult]:
    """Measure this version and another one on a CPU.

    Args:
        other: folder of a checkout of the other version, as `git worktree add FOLDER COMMIT` makes it.
        cases: what to run; mode and motion are the defaults.
        threads: most that compute.
        rounds: 1 or more, after one warm-up round.
        progress: called before every case and at the end.

    Raises:
        OptionError: the folder has no package `lgtsm`.
        VideoError: a version failed.
    """
    if not (other / "lgtsm" / "__init__.py").is_file():
        raise OptionError(
            f"Expected a checkout of another version in {other}, found no package lgtsm there; make one with "
            "`git worktree add FOLDER COMMIT`."
        )
    results = list[AgainstResult]()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="lgtsm_")))
        both = [stack.enter_context(_worker(home, threads)) for home in (_PACKAGE, other)]
        for number, case in enumerate(cases):
            if progress is not None:
                progress(number, len(cases), case.name)
            clip = _clip(case, folder)
            _round(both, clip)  # warm-up
            quiet = [_round(both, clip) for _ in range(rounds)]
            with _busy_process():
                busy = [_round(both, clip) for _ in range(rounds)]
            results.append(_result(case, quiet, busy))
    if progress is not None:
        progress(len(cases), len(cases), "done")
    return results


def _clip(case: ProductCase, folder: Path) -> Path:
    scene = render_scene(
        SceneOptions(
            camera=case.camera, num_frames=case.num_frames, height=case.height, width=case.width
        )
    )
    path = folder / f"{case.camera.value}.npz"
    np.savez(path, frames=scene.truth.numpy(), masks=moving_disc(case).numpy())
    return path


@contextmanager
def _worker(home: Path, threads: int) -> Generator[subprocess.Popen[str], None, None]:
    """Run a version, which fills every clip that it is told of and answers with the seconds."""
    process = subprocess.Popen(
        [sys.executable, "-c", _WORKER, str(threads)],
        cwd=home,  # where `-c` looks for modules first
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@contextmanager
def _busy_process() -> Generator[None, None, None]:
    process = subprocess.Popen([sys.executable, "-c", _BUSY])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _round(workers: Sequence[subprocess.Popen[str]], clip: Path) -> list[float]:
    """Return the seconds of each version."""
    return [_seconds(worker, clip) for worker in workers]


def _seconds(worker: subprocess.Popen[str], clip: Path) -> float:
    assert worker.stdin is not None
    assert worker.stdout is not None
    try:
        worker.stdin.write(f"{clip}\n")
        worker.stdin.flush()
        answer = worker.stdout.readline()
    except BrokenPipeError:
        answer = ""
    if not answer:
        raise VideoError(
            f"Expected a version of lgtsm to fill {clip.name}, it ended with {worker.wait()}; see its message "
            "above."
        )
    return float(answer)


def _result(
    case: ProductCase, quiet: Sequence[Sequence[float]], busy: Sequence[Sequence[float]]
) -> AgainstResult:
    def speed(rounds: Sequence[Sequence[float]], which: int) -> float:
        return case.num_frames / median(seconds[which] for seconds in rounds)

    def ratio(rounds: Sequence[Sequence[float]]) -> float:
        return median(theirs / ours for ours, theirs in rounds)

    return AgainstResult(
        case=case.name,
        quiet=speed(quiet, 0),
        other_quiet=speed(quiet, 1),
        ratio=ratio(quiet),
        busy=speed(busy, 0),
        other_busy=speed(busy, 1),
        busy_ratio=ratio(busy),
    )


def format_against(results: Sequence[AgainstResult]) -> str:
    """Return the figures as text, one row per case."""
    rows = [("case", "fps", "other", "ratio", "beside a busy process: fps", "other", "ratio")]
    rows += [
        (
            r.case,
            f"{r.quiet:.2f}",
            f"{r.other_quiet:.2f}",
            f"{r.ratio:.2f}x",
            f"{r.busy:.2f}",
            f"{r.other_busy:.2f}",
            f"{r.busy_ratio:.2f}x",
        )
        for r in results
    ]
    return "\n".join(aligned(rows))


def against_json(results: Sequence[AgainstResult]) -> str:
    """Return the figures as JSON text."""
    return json.dumps([asdict(r) for r in results], indent=2)
