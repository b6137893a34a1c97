"""Time of a key frame: one picture of which no frame shows a part, completed and put back at its size.

Time of the CPU is told beside that of the clock: other work on the machine hardly changes it.
"""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from statistics import median

import torch
from torch.nn.functional import interpolate

from ...engine.hooks import Hooks
from ...engine.run import Job
from ...options import InpaintOptions, Mode, RunOptions
from ...report import Report
from ...scene.camera import SceneOptions
from ...scene.render import render_scene
from .measure import Clock
from .product import disc
from .results import aligned
from .run import Progress

_RENDERED = (240, 432)
"""Largest (height, width) that is rendered."""


@dataclass(frozen=True, kw_only=True)
class KeyFrameCase:
    """A rendered picture, enlarged where it is large, with a disc in its middle that nothing else shows."""

    height: int
    width: int
    hole_ratio: float = 0.05
    """Fraction of the picture that the disc covers (above 0 to 0.4)."""
    target: float | None = None
    """Seconds in which this project aims to be done on two cores; None: no target."""

    @property
    def name(self) -> str:
        """Short name for tables."""
        return f"{self.width}x{self.height} {self.hole_ratio:.0%} missing"


KEY_FRAMES = (
    KeyFrameCase(height=240, width=432, target=3.0),
    KeyFrameCase(height=1080, width=1920, target=20.0),
)


@dataclass(frozen=True, kw_only=True)
class KeyFrameResult:
    """Figures of one case; medians over the rounds.

    seconds: of the clock; cpu_seconds: of all threads of this process; target: see `KeyFrameCase`.
    """

    case: str
    seconds: float
    cpu_seconds: float
    target: float | None


@torch.inference_mode()
def run_key_frames(
    cases: tuple[KeyFrameCase, ...] = KEY_FRAMES,
    *,
    device: torch.device,
    rounds: int = 3,
    progress: Progress | None = None,
) -> list[KeyFrameResult]:
    """Measure the built-in completion inside the product, with the default working size.

    Args:
        cases: what to run.
        device: where it runs.
        rounds: 1 or more, after one warm-up round.
        progress: called before every case and at the end.
    """
    results: list[KeyFrameResult] = []
    for number, case in enumerate(cases):
        if progress is not None:
            progress(number, len(cases), case.name)
        results.append(_run_case(case, device, rounds))
    if progress is not None:
        progress(len(cases), len(cases), "done")
    return results


def _run_case(case: KeyFrameCase, device: torch.device, rounds: int) -> KeyFrameResult:
    clock = Clock(device)
    # enlarged: to render it large takes minutes, and the time does not depend on what it shows
    scene = render_scene(
        SceneOptions(
            num_frames=1, height=min(case.height, _RENDERED[0]), width=min(case.width, _RENDERED[1])
        )
    )
    size = case.height, case.width
    picture = interpolate(scene.truth, size, mode="bicubic").clamp(0, 1)[0]
    hole = disc(case.height, case.width, case.hole_ratio, case.width / 2)
    options = InpaintOptions(mode=Mode.COPY, run=RunOptions(device=str(device)))

    def complete() -> None:
        for _ in Job(None, options, Hooks(), Report()).run([(picture, hole)]):
            pass

    seconds, cpu_seconds = list[float](), list[float]()
    for _ in range(rounds + 1):
        began = time.process_time()
        seconds.append(clock.seconds(complete))
        cpu_seconds.append(time.process_time() - began)
    return KeyFrameResult(
        case=case.name,
        seconds=median(seconds[1:]),
        cpu_seconds=median(cpu_seconds[1:]),
        target=case.target,
    )


def format_key_frames(results: list[KeyFrameResult]) -> str:
    """Return the figures as text, one row per case."""
    rows = [("case", "s", "CPU s", "target s")]
    rows += [
        (
            r.case,
            f"{r.seconds:.2f}",
            f"{r.cpu_seconds:.2f}",
            "" if r.target is None else f"{r.target:.0f}",
        )
        for r in results
    ]
    return "\n".join(aligned(rows))


def key_frames_json(results: list[KeyFrameResult]) -> str:
    """Return the figures as JSON text."""
    return json.dumps([asdict(r) for r in results], indent=2)
