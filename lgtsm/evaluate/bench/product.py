"""Speed of the whole product: copies, network and composition of a clip in memory, without files.

Compared, in the same rounds, with the published network at its published width, which computes every
pixel of every frame.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from statistics import median

import torch
from torch import Tensor

from ...engine.hooks import Hooks
from ...engine.run import Job
from ...models.network import Network
from ...options import InpaintOptions, Mode, Motion, RunOptions
from ...report import Report
from ...resident_memory import peak_resident_bytes
from ...scene.camera import Camera, SceneOptions
from ...scene.render import render_scene
from ...weights.load import load_model
from .cases import BenchCase
from .measure import Clock, interleave
from .published import PublishedForm
from .results import aligned
from .run import Progress, random_trunk

_PUBLISHED_WIDTH = 64
_REFERENCE_FRAMES = 4
"""Frames that the published form is timed on; its time is linear in their number."""


@dataclass(frozen=True, kw_only=True)
class ProductCase:
    """One clip: a rendered scene with a disc moving over it."""

    camera: Camera
    height: int = 240
    width: int = 432
    num_frames: int = 48
    hole_ratio: float = 0.05
    """Fraction of the frame that the disc covers (above 0 to 0.4)."""
    mode: Mode = Mode.COPY_FILL
    motion: Motion = Motion.AUTO

    @property
    def name(self) -> str:
        """Short name for tables."""
        return (
            f"{self.width}x{self.height} {self.camera.value} {self.mode.value} {self.motion.value}"
        )


_AUTO = tuple(ProductCase(camera=camera) for camera in Camera)
PRODUCT = (*_AUTO, replace(_AUTO[-1], mode=Mode.COPY), replace(_AUTO[0], motion=Motion.NONE))
"""Every camera with default options, then copies alone, and a camera known to be static."""


@dataclass(frozen=True, kw_only=True)
class ProductResult:
    """Figures of one case; medians over the rounds.

    seconds_per_frame, frames_per_second: over the whole clip; published_seconds_per_frame: of the
    published network on whole frames at width 64; ratio: speed as a multiple of that;
    peak_bytes: peak memory of the whole process so far, None where unknown.
    """

    case: str
    seconds_per_frame: float
    frames_per_second: float
    published_seconds_per_frame: float
    ratio: float
    peak_bytes: int | None


def disc(height: int, width: int, hole_ratio: float, centre: float) -> Tensor:
    """Return a hole (1,H,W): a disc at half the height, its centre `centre` pixels from the left."""
    radius = (hole_ratio * height * width / torch.pi) ** 0.5
    y = torch.arange(height)[:, None] + 0.5 - height / 2
    x = torch.arange(width)[None] + 0.5 - centre
    return (x**2 + y**2 <= radius**2).float()[None]


def moving_disc(case: ProductCase) -> Tensor:
    """Return holes (T,1,H,W): a disc that crosses the frame once from left to right."""
    radius = (case.hole_ratio * case.height * case.width / torch.pi) ** 0.5
    centres = torch.linspace(radius, case.width - radius, case.num_frames).tolist()
    return torch.stack([disc(case.height, case.width, case.hole_ratio, at) for at in centres])


def run_product(
    cases: tuple[ProductCase, ...] = PRODUCT,
    *,
    device: torch.device,
    rounds: int = 3,
    progress: Progress | None = None,
) -> list[ProductResult]:
    """Measure the whole product, with the built-in weights in float32.

    Args:
        cases: what to run.
        device: where both run.
        rounds: 1 or more, after one warm-up round.
        progress: called before every case and at the end.
    """
    network = load_model(None)
    wide = BenchCase(height=cases[0].height, width=cases[0].width, base_width=_PUBLISHED_WIDTH)
    reference = PublishedForm(random_trunk(wide, device, torch.float32))
    results = []
    for number, case in enumerate(cases):
        if progress is not None:
            progress(number, len(cases), case.name)
        results.append(_run_case(case, network, reference, device, rounds))
    if progress is not None:
        progress(len(cases), len(cases), "done")
    return results


@torch.inference_mode()
def _run_case(
    case: ProductCase,
    network: Network,
    reference: PublishedForm,
    device: torch.device,
    rounds: int,
) -> ProductResult:
    clock = Clock(device)
    scene = render_scene(
        SceneOptions(
            camera=case.camera, num_frames=case.num_frames, height=case.height, width=case.width
        )
    )
    holes = moving_disc(case)
    options = InpaintOptions(mode=case.mode, motion=case.motion, run=RunOptions(device=str(device)))
    rng = torch.Generator().manual_seed(0)
    clip = torch.rand(1, _REFERENCE_FRAMES, 5, case.height, case.width, generator=rng).to(device)

    def product() -> None:
        for _ in Job(network, options, Hooks(), Report()).run(zip(scene.truth, holes, strict=True)):
            pass

    ours, published = interleave(
        [
            lambda: clock.seconds(product) / case.num_frames,
            lambda: clock.seconds(lambda: reference(clip)) / _REFERENCE_FRAMES,
        ],
        rounds,
    )
    return ProductResult(
        case=case.name,
        seconds_per_frame=median(ours),
        frames_per_second=1 / median(ours),
        published_seconds_per_frame=median(published),
        # per round, so that a busy machine slows both
        ratio=median([p / o for p, o in zip(published, ours, strict=True)]),
        peak_bytes=peak_resident_bytes(),
    )


def format_product(results: list[ProductResult]) -> str:
    """Return the figures as text, one row per case."""
    rows = [("case", "ms/frame", "fps", "published network", "ratio", "GB")]
    rows += [
        (
            r.case,
            f"{r.seconds_per_frame * 1e3:.0f}",
            f"{r.frames_per_second:.2f}",
            f"{r.published_seconds_per_frame * 1e3:.0f}",
            f"{r.ratio:.2f}x",
            "" if r.peak_bytes is None else f"{r.peak_bytes / 1e9:.2f}",
        )
        for r in results
    ]
    return "\n".join(aligned(rows))


def product_json(results: list[ProductResult]) -> str:
    """Return the figures as JSON text."""
    return json.dumps([asdict(r) for r in results], indent=2)
