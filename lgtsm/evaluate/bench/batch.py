"""What a batch costs, and what several workers gain: whole commands on files, as a user runs them.

Every round runs all commands once, one after the other, so that a busy machine slows all of them.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from ...errors import VideoError
from ...scene.camera import Camera, SceneOptions
from ...scene.render import render_scene
from ...video.clip import write_clip
from .results import aligned
from .run import Progress

_TRIAL_FRAMES = 24
_LONGEST = 1000
"""Frames of the longest scene that is rendered."""
_SHARE = 3
"""A shot of the second part takes this fraction of the time of the film of the first part."""


@dataclass(frozen=True, kw_only=True)
class BatchCase:
    """What is run.

    seconds: that the film of the first part takes, about; as long as 1000 frames last on a fast machine.
    shots: of the second part.
    workers: of it, and threads of the single process that it is compared with.
    on: cluster to compare with, too, as `lgtsm batch --on` takes it; None for none.
    device: as in `lgtsm inpaint`.
    """

    seconds: float = 60.0
    shots: int = 6
    workers: int = 2
    on: str | None = None
    device: str = "cpu"
    height: int = 240
    width: int = 432

    @property
    def box(self) -> str:
        """The hole: a box of about 5 % of the frame in its middle."""
        width, height = round(self.width * 0.22), round(self.height * 0.22)
        return f"{(self.width - width) // 2},{(self.height - height) // 2},{width},{height}"


@dataclass(frozen=True, kw_only=True)
class BatchFigures:
    """Medians over the rounds.

    frames: of the film; single_seconds, batch_seconds: of `lgtsm inpaint` and `lgtsm batch` on it, start of the
    program included; overhead: what the second takes more, as a fraction.
    shot_frames, shots: of the second part; shots_an_hour: by way; ratio: by way, to one process.
    """

    frames: int
    single_seconds: float
    batch_seconds: float
    overhead: float
    shot_frames: int
    shots: int
    shots_an_hour: dict[str, float]
    ratio: dict[str, float]


def run_batch_bench(
    case: BatchCase, folder: Path, *, rounds: int = 3, progress: Progress | None = None
) -> BatchFigures:
    """Measure batches of rendered films.

    Args:
        case: what to run.
        folder: empty, for films and results.
        rounds: 1 or more.
        progress: called before every command and at the end.

    Raises:
        VideoError: a command failed.
    """
    frames = _fitting_length(case, folder)
    shot_frames = max(_TRIAL_FRAMES, frames // _SHARE)
    film = _film(case, folder / "film.mp4", frames, seed=0)
    jobs = _list(case, folder / "film.jsonl", [film])
    films = [
        _film(case, folder / f"shot{i:02}.mp4", shot_frames, seed=i) for i in range(case.shots)
    ]
    shots = _list(case, folder / "shots.jsonl", films)
    threads = ["--device", case.device, "--threads", str(case.workers)]
    commands = {
        "single": ["inpaint", str(film), "--box", case.box, "-o", "OUT/film.mp4", *threads],
        "batch": ["batch", str(jobs), "-o", "OUT", *threads],
    }
    ways = {f"one process, {case.workers} threads": ["batch", str(shots), "-o", "OUT", *threads]}
    one = ["batch", str(shots), "-o", "OUT", "--device", case.device, "--threads", "1"]
    ways[f"{case.workers} workers"] = [*one, "--workers", str(case.workers)]
    if case.on is not None:
        ways[case.on] = [*one, "--on", case.on]
    seconds = _rounds(commands | ways, folder, rounds, progress)
    first = seconds[next(iter(ways))]
    return BatchFigures(
        frames=frames,
        single_seconds=median(seconds["single"]),
        batch_seconds=median(seconds["batch"]),
        overhead=median(_quotients(seconds["batch"], seconds["single"])) - 1,
        shot_frames=shot_frames,
        shots=case.shots,
        shots_an_hour={way: case.shots * 3600 / median(seconds[way]) for way in ways},
        ratio={way: median(_quotients(first, seconds[way])) for way in ways},
    )


def _quotients(above: Sequence[float], below: Sequence[float]) -> list[float]:
    return [a / b for a, b in zip(above, below, strict=True)]


def _rounds(
    commands: Mapping[str, Sequence[str]], folder: Path, rounds: int, progress: Progress | None
) -> dict[str, list[float]]:
    """Run all commands in turn; return their seconds by name."""
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    total = rounds * len(commands)
    for number in range(total):
        name = list(commands)[number % len(commands)]
        if progress is not None:
            progress(number, total, name)
        out = folder / f"out{number}"  # a batch skips what is done
        out.mkdir()
        words = [word.replace("OUT", str(out), 1) for word in commands[name]]
        began = time.perf_counter()
        _command(words)
        seconds[name].append(time.perf_counter() - began)
    if progress is not None:
        progress(total, total, "done")
    return seconds


def _fitting_length(case: BatchCase, folder: Path) -> int:
    """Return how many frames take about the time of the case, from a short run."""
    film = _film(case, folder / "trial.mp4", _TRIAL_FRAMES, seed=0)
    words = ["inpaint", str(film), "--box", case.box, "-o", str(folder / "trial_clean.mp4")]
    words += ["--device", case.device, "--threads", str(case.workers), "--report", "-"]
    report = json.loads(_command(words))
    return min(
        _LONGEST, max(_TRIAL_FRAMES, round(_TRIAL_FRAMES * case.seconds / report["seconds"]))
    )


def _film(case: BatchCase, target: Path, frames: int, *, seed: int) -> Path:
    options = SceneOptions(
        seed=seed, camera=Camera.PLANAR, num_frames=frames, height=case.height, width=case.width
    )
    write_clip(target, render_scene(options).truth, rate=options.rate)
    return target


def _list(case: BatchCase, target: Path, films: Sequence[Path]) -> Path:
    rows = [json.dumps({"source": str(film), "box": [case.box]}) for film in films]
    target.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return target


def _command(words: Sequence[str]) -> str:
    """Run a command of this package in a process of its own; return its stdout."""
    package = str(Path(__file__).resolve().parents[3])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    ended = subprocess.run(
        [sys.executable, "-m", "lgtsm", *words, "--quiet"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )
    if ended.returncode:
        said = (ended.stderr.strip().splitlines() or ["nothing"])[0]
        raise VideoError(
            f"Expected `lgtsm {words[0]}` to run to its end, got exit code {ended.returncode} ({said:.300}); "
            "run it by itself."
        )
    return ended.stdout


def format_batch(figures: BatchFigures) -> str:
    """Return the figures as text."""
    rows = [("way", "shots an hour", "ratio")]
    rows += [
        (way, f"{speed:.0f}", f"{figures.ratio[way]:.2f}x")
        for way, speed in figures.shots_an_hour.items()
    ]
    return "\n".join(
        [
            f"film of {figures.frames} frames: lgtsm inpaint {figures.single_seconds:.1f} s, "
            f"lgtsm batch {figures.batch_seconds:.1f} s, overhead {figures.overhead:+.1%}",
            f"{figures.shots} shots of {figures.shot_frames} frames:",
            *aligned(rows),
        ]
    )


def batch_json(figures: BatchFigures) -> str:
    """Return the figures as JSON text."""
    return json.dumps(asdict(figures), indent=2)
