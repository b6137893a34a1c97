"""How many torch operations the whole product dispatches for a frame, by stage and by call site.

A count, not a time: it is the same on every machine, so a test can hold it. On a GPU every operation
costs some microseconds however small it is, and on a CPU threads wait for each other at every one.
Beside it, on a CPU, the time inside the operations, which tells where a frame's seconds go.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from ...engine.hooks import Hooks
from ...engine.run import Job
from ...options import InpaintOptions, RunOptions
from ...report import Report
from ...scene.camera import Camera, SceneOptions
from ...scene.render import render_scene
from ...weights.load import load_model
from .product import ProductCase, moving_disc
from .results import aligned

_PACKAGE = Path(__file__).resolve().parents[2].as_posix() + "/"
_STAGES = (
    ("synthesis/", "synthesise"),
    ("copying/key_frames", "synthesise"),
    ("align/track", "measure motion"),
    ("align/groupwise", "register"),
    ("copying/coords", "register"),
    ("copying/blend", "blend"),
    ("copying/temporal_smoothing", "blend"),
    ("copying/", "copy"),
    ("models/", "network"),
    ("engine/cuts", "measure motion"),
    ("engine/trunk_stream", "network"),
    ("engine/split_stream", "network"),
    ("engine/window_stream", "network"),
    ("engine/features", "network"),
    ("engine/", "compose"),
    ("video/", "read and write"),
)
"""Beginnings of file names, the longest first where one holds another; the innermost caller counts."""
_HELPERS = ("align/", "fills/", "box")
"""Files whose operations belong to whoever calls them."""
_VIEWS = frozenset(
    {
        "view",
        "slice",
        "select",
        "unsqueeze",
        "expand",
        "permute",
        "t",
        "transpose",
        "detach",
        "alias",
        "squeeze",
        "_unsafe_view",
        "unbind",
        "split",
        "unfold",
        "diagonal",
        "as_strided",
        "_reshape_alias",
        "split_with_sizes",
    }
)
_SITES = 20
CASE = ProductCase(camera=Camera.PLANAR, num_frames=12, hole_ratio=0.04)
"""What is counted: a panned scene of 432x240, a moving hole of 4 %, default options."""


@dataclass(frozen=True, kw_only=True)
class Operations:
    """Operations a frame.

    dispatched: all; launched: those that compute, views apart; by_stage: dispatched, by stage;
    by_site: dispatched, by file and function, the most frequent first; ms_by_stage: milliseconds a frame
    inside the operations, by stage; empty on other devices than a CPU, which compute behind the call.
    """

    case: str
    frames: int
    dispatched: float
    launched: float
    by_stage: dict[str, float]
    by_site: dict[str, float]
    ms_by_stage: dict[str, float]


class _Counter(TorchDispatchMode):
    """Count what torch dispatches, by the name of the operation and the place in this package.

    nanoseconds: inside the operations, by stage.
    """

    def __init__(self) -> None:
        super().__init__()
        self.names, self.stages, self.sites = Counter[str](), Counter[str](), Counter[str]()
        self.nanoseconds = Counter[str]()

    def __torch_dispatch__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        self.names[func.overloadpacket.__name__] += 1
        site, stage = _place(sys._getframe(1))
        self.sites[site] += 1
        self.stages[stage] += 1
        began = time.perf_counter_ns()
        result = func(*args, **(kwargs or {}))
        self.nanoseconds[stage] += time.perf_counter_ns() - began
        return result


def _place(frame: FrameType | None) -> tuple[str, str]:
    """Return the innermost function of this package on the stack, and the stage it works for."""
    site = ""
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(_PACKAGE):
            inside = name[len(_PACKAGE) :].removesuffix(".py")
            site = site or f"{inside}.{frame.f_code.co_name}"
            stage = next((stage for start, stage in _STAGES if inside.startswith(start)), None)
            if stage is not None:
                return site, stage
            if not inside.startswith(_HELPERS):
                break
        frame = frame.f_back
    return site or "torch", "other"


def count_operations(
    case: ProductCase = CASE,
    *,
    device: torch.device,
    progress: Callable[[int, int, str], None] | None = None,
) -> Operations:
    """Count the operations of the product with its built-in weights.

    Args:
        case: what to fill.
        device: where it runs; the count hardly depends on it.
        progress: called as progress(frames done, frames, "").
    """
    scene = render_scene(
        SceneOptions(
            camera=case.camera, num_frames=case.num_frames, height=case.height, width=case.width
        )
    )
    # one chunk size, so that the free memory of the machine does not change the count
    options = InpaintOptions(
        mode=case.mode, motion=case.motion, run=RunOptions(device=str(device), chunk=4)
    )
    job = Job(load_model(None), options, Hooks(), Report())
    counter = _Counter()
    with torch.inference_mode(), counter:
        for patch in job.run(zip(scene.truth, moving_disc(case), strict=True)):
            if progress is not None:
                progress(patch.index + 1, case.num_frames, "")
    total = sum(counter.names.values())
    views = sum(number for name, number in counter.names.items() if name in _VIEWS)

    def a_frame(counts: Counter[str], most: int | None = None) -> dict[str, float]:
        return {name: number / case.num_frames for name, number in counts.most_common(most)}

    times = a_frame(counter.nanoseconds) if device.type == "cpu" else {}
    return Operations(
        case=case.name,
        frames=case.num_frames,
        dispatched=total / case.num_frames,
        launched=(total - views) / case.num_frames,
        by_stage=a_frame(counter.stages),
        by_site=a_frame(counter.sites, _SITES),
        ms_by_stage={name: round(number / 1e6, 3) for name, number in times.items()},
    )


def format_operations(found: Operations) -> str:
    """Return the figures as text."""
    rows = [("", "operations a frame", "")]
    rows += [("all", f"{found.dispatched:,.0f}", ""), ("launched", f"{found.launched:,.0f}", "")]
    for title, table in (("stage", found.by_stage), ("call site", found.by_site)):
        rows.append(("", "", ""))
        rows += [
            (f"{title} {name}", f"{number:,.0f}", f"{number / found.dispatched:.0%}")
            for name, number in table.items()
        ]
    if found.ms_by_stage:
        whole = sum(found.ms_by_stage.values())
        rows += [("", "", ""), ("", "ms a frame", "")]
        rows += [
            (f"stage {name}", f"{ms:,.1f}", f"{ms / whole:.0%}")
            for name, ms in found.ms_by_stage.items()
        ]
    return f"{found.case}, {found.frames} frames\n" + "\n".join(aligned(rows))


def operations_json(found: Operations) -> str:
    """Return the figures as JSON text."""
    return json.dumps(asdict(found), indent=2)
