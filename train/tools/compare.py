"""Score weights against fills on clips whose truth is known.

Every clip gets a moving object-like hole drawn from a fixed seed; scores are those inside the hole.
OpenCV's Telea is included where OpenCV is installed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from PIL import Image
from torch import Tensor

from lgtsm.engine.hooks import Hooks
from lgtsm.engine.run import Job
from lgtsm.evaluate.metrics.opencv_baselines import has_opencv, telea
from lgtsm.fills.smooth import smooth_fill
from lgtsm.masks.draw.kinds import Kind
from lgtsm.masks.draw.raster import draw_masks
from lgtsm.metrics.perceptual import SqueezeNetFeatures, distance_of_features
from lgtsm.models.network import Network
from lgtsm.options import InpaintOptions, Mode
from lgtsm.report import Report

Method = Callable[[Tensor, Tensor], Tensor]
_FIRST_SEED = 100


@dataclass(frozen=True)
class Score:
    """Scores of one method on one clip: hole PSNR in dB and perceptual distance, times 1000."""

    clip: str
    method: str
    coverage: float
    psnr: float
    distance: float


def read_clip(folder: Path, num_frames: int) -> Tensor:
    """Read the first frames of a folder of pictures as (T,3,H,W) in [0,1]."""
    names = sorted(p for p in folder.iterdir() if p.suffix.lower() in {".jpg", ".png"})
    frames = np.stack([np.array(Image.open(p).convert("RGB")) for p in names[:num_frames]])
    return rearrange(torch.from_numpy(frames), "t h w c -> t c h w").float() / 255


def run_engine(frames: Tensor, holes: Tensor, network: Network | None, mode: Mode) -> Tensor:
    """Fill a clip (T,3,H,W) with the engine, without feathering."""
    options = InpaintOptions(mode=mode, feather=0, cuts=())
    result = frames.clone()
    for patch in Job(network, options, Hooks(), Report()).run(zip(frames, holes, strict=True)):
        box, pixels = patch.box, patch.pixels
        if box is not None and pixels is not None:
            result[patch.index, :, box.top : box.bottom, box.left : box.right] = pixels
    return result


def methods(network: Network) -> dict[str, Method]:
    """Return the methods that are compared, by name."""
    table: dict[str, Method] = {
        "smooth": smooth_fill,
        "candidate": lambda f, h: run_engine(f, h, None, Mode.COPY),
        network.name: lambda f, h: run_engine(f, h, network, Mode.COPY_FILL),
    }
    return {"telea": telea} | table if has_opencv() else table


@torch.no_grad()
def compare(
    network: Network,
    clips: Sequence[Path],
    net: SqueezeNetFeatures,
    *,
    num_frames: int = 16,
    coverages: Sequence[float] = (0.04, 0.12),
) -> list[Score]:
    """Score all methods on all clips.

    Args:
        network: with the weights to score.
        clips: folders of frames.
        net: features for the perceptual distance.
        num_frames: of every clip.
        coverages: shares of hole, 0..1.

    Returns:
        One score per clip, coverage and method.
    """
    scores = []
    table = methods(network)
    for number, folder in enumerate(clips):
        truth = read_clip(folder, num_frames)
        wanted = net(truth)
        for coverage in coverages:
            holes = draw_masks(
                *(len(truth), *truth.shape[-2:]),
                kind=Kind.OBJECT,
                seed=_FIRST_SEED + number,
                coverage_ratio=coverage,
            )
            masked = truth * (1 - holes)
            for name, method in table.items():
                result = method(masked, holes).clamp(0, 1)
                composed = torch.where(holes > 0, result, truth)
                error = ((composed - truth).square().sum() / (3 * holes.sum())).item()
                distance = distance_of_features(net(composed), wanted).mean().item()
                psnr = -10 * float(np.log10(error))
                scores.append(Score(folder.name, name, coverage, psnr, 1000 * distance))
    return scores


def format_scores(scores: Sequence[Score]) -> str:
    """Return a Markdown table: one row per method, with its means over clips per coverage."""
    coverages = sorted({s.coverage for s in scores})
    head = ["method"] + [f"{c:.0%} hole: PSNR dB / distance" for c in coverages]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for method in dict.fromkeys(s.method for s in scores):
        cells = [method]
        for coverage in coverages:
            rows = [s for s in scores if s.method == method and s.coverage == coverage]
            psnr = np.mean([s.psnr for s in rows])
            distance = np.mean([s.distance for s in rows])
            cells.append(f"{psnr:.2f} / {distance:.1f}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def write_scores(scores: Sequence[Score], path: Path) -> None:
    """Write every score as JSON."""
    path.write_text(json.dumps([vars(s) for s in scores], indent=1), encoding="utf-8")
