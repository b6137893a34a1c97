"""Memory of long clips, beside what `estimate` says, and their time.

Every clip is filled in a process of its own, which reads it frame by frame, so that the peak is the engine's.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ...box import hole_box
from ...engine.estimate import estimate
from ...engine.hooks import Hooks
from ...engine.run import Job
from ...errors import VideoError
from ...options import InpaintOptions
from ...report import Report
from ...resident_memory import peak_resident_bytes
from ...scene.camera import Camera, SceneOptions
from ...scene.render import render_scene
from ...weights.load import load_model
from .product import disc
from .results import aligned
from .run import Progress

_PACKAGE = Path(__file__).parents[3]
_RENDERED = (240, 432)
"""(height, width) that is rendered; frames are enlarged from it one by one."""
_NUM_FRAMES = 130
"""More than a window of the default reach holds, so that its memory has stopped growing."""


@dataclass(frozen=True, kw_only=True)
class MemoryCase:
    """A rendered shot of a turning camera with a disc that moves slowly over it."""

    height: int
    width: int
    hole_ratio: float = 0.08
    """Fraction of the frame that the disc covers (above 0 to 0.4)."""
    num_frames: int = _NUM_FRAMES

    @property
    def name(self) -> str:
        """Short name for tables."""
        return f"{self.width}x{self.height} {self.hole_ratio:.0%} hole, {self.num_frames} frames"

    def hole(self, t: int) -> Tensor:
        """Return the hole (1,H,W) of a frame."""
        at = self.width * (0.25 + 0.5 * t / self.num_frames)
        return disc(self.height, self.width, self.hole_ratio, at)


MEMORY = (
    MemoryCase(height=180, width=320),
    MemoryCase(height=1080, width=1920),
    MemoryCase(height=2160, width=3840),
)


@dataclass(frozen=True, kw_only=True)
class MemoryResult:
    """Figures of one case.

    peak_bytes: of the process beyond what it held before the job; estimated_bytes: by `estimate`, for the box around
    the disc; seconds_per_frame: over the whole clip.
    """

    case: str
    peak_bytes: int
    estimated_bytes: int
    seconds_per_frame: float


def run_memory(
    cases: Sequence[MemoryCase] = MEMORY, *, threads: int, progress: Progress | None = None
) -> list[MemoryResult]:
    """Measure on a CPU, with default options and the built-in weights.

    Args:
        cases: what to run.
        threads: that compute.
        progress: called before every case and at the end.

    Raises:
        VideoError: a process failed, or the system does not tell a process's memory.
    """
    results = list[MemoryResult]()
    with TemporaryDirectory(prefix="lgtsm_") as folder:
        clip = Path(folder) / "clip.npy"
        height, width = _RENDERED
        length = max(case.num_frames for case in cases)
        options = SceneOptions(camera=Camera.PLANAR, num_frames=length, height=height, width=width)
        np.save(clip, render_scene(options).truth.numpy())
        for number, case in enumerate(cases):
            if progress is not None:
                progress(number, len(cases), case.name)
            results.append(_in_process(case, clip, threads))
    if progress is not None:
        progress(len(cases), len(cases), "done")
    return results


def _in_process(case: MemoryCase, clip: Path, threads: int) -> MemoryResult:
    code = f"import {__name__} as memory; memory.answer()"
    asked = json.dumps({"case": asdict(case), "clip": str(clip), "threads": threads})
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=_PACKAGE, input=asked, stdout=subprocess.PIPE, text=True
    )
    if done.returncode:
        raise VideoError(
            f"Expected a process to fill {case.name}, it ended with {done.returncode}; see its message above."
        )
    return MemoryResult(**json.loads(done.stdout))


def answer() -> None:
    """Fill the clip that standard input describes, and write the figures to standard output."""
    asked = json.load(sys.stdin)
    torch.set_num_threads(asked["threads"])
    result = _fill(MemoryCase(**asked["case"]), Path(asked["clip"]))
    json.dump(asdict(result), sys.stdout)


@torch.inference_mode()
def _fill(case: MemoryCase, clip: Path) -> MemoryResult:
    network, options = load_model(None), InpaintOptions()
    job = Job(network, options, Hooks(), Report(), num_frames=case.num_frames)
    before = peak_resident_bytes()
    began = time.perf_counter()
    for _ in job.run(_pairs(case, clip)):
        pass
    seconds = time.perf_counter() - began
    peak = peak_resident_bytes()
    if before is None or peak is None:
        raise VideoError("Expected a system that tells a process's memory, as Linux and macOS do.")
    box = hole_box(case.hole(0))
    share = box.area / (case.height * case.width) if box else 0.0
    return MemoryResult(
        case=case.name,
        peak_bytes=peak - before,
        estimated_bytes=estimate(
            case.num_frames, case.height, case.width, options, network.spec, hole_ratio=share
        ),
        seconds_per_frame=seconds / case.num_frames,
    )


def _pairs(case: MemoryCase, clip: Path) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield frames and holes, each made when it is asked for."""
    size = (case.height, case.width)
    for t, small in enumerate(np.load(clip, mmap_mode="r")[: case.num_frames]):
        rendered = torch.from_numpy(small.copy())[None]
        frame = interpolate(rendered, size=size, mode="bicubic", align_corners=False)
        yield frame[0].clamp_(0, 1), case.hole(t)


def format_memory(results: Sequence[MemoryResult]) -> str:
    """Return the figures as text, one row per case."""
    rows = [("case", "GB", "estimate", "ratio", "s/frame")]
    rows += [
        (
            r.case,
            f"{r.peak_bytes / 1e9:.2f}",
            f"{r.estimated_bytes / 1e9:.2f}",
            f"{r.estimated_bytes / r.peak_bytes:.2f}",
            f"{r.seconds_per_frame:.2f}",
        )
        for r in results
    ]
    return "\n".join(aligned(rows))


def memory_json(results: Sequence[MemoryResult]) -> str:
    """Return the figures as JSON text."""
    return json.dumps([asdict(r) for r in results], indent=2)
