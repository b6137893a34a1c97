"""How strongly should a network step from the copies? Tried on longer clips of held-out sources.

A run sees a few frames at a time, users have many more; there its step from the copies may go too
far. The head is linear (`export.shrink_head`), so one pass over a clip serves every strength, and the
copies, which cost most, serve every network.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lgtsm.copying.clip import clip_candidates
from lgtsm.errors import OptionError
from lgtsm.fills.candidate_fill import CandidateFill
from lgtsm.metrics.bootstrap import estimate_mean
from lgtsm.metrics.fidelity import mean_squared_error, psnr
from lgtsm.metrics.flicker import clip_flicker
from lgtsm.metrics.perceptual import SqueezeNetFeatures, distance_of_features
from lgtsm.models.network import Network

from ..data.holes import draw_holes
from ..data.plan import cut, plan_item
from ..data.sampling import sizes_of
from ..data.sources import Library
from ..recipe import DataRecipe

_LOG = logging.getLogger(__name__)
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
_SEED = 78
_SIZE = (208, 288)
"""Rows and columns: most of a decoded clip, larger than any item."""
_COVERAGE = (0.05, 0.12)
_FEATURE_STEP = 4
"""Every so many frames the features are compared."""


@dataclass(frozen=True)
class Trial:
    """A network at one strength on one clip.

    psnr: of the hole, in dB; distance: in features, times 1000; flicker: 1 is as steady as around.
    Strength 0 is the copies alone.
    """

    clip: str
    network: str
    strength: float
    psnr: float
    distance: float
    flicker: float | None


def try_strengths(
    networks: Mapping[str, Network],
    held: Library,
    features: SqueezeNetFeatures,
    *,
    num_clips: int = 14,
    num_frames: int = 16,
    strengths: Sequence[float] = STRENGTHS,
) -> Iterator[Trial]:
    """Run networks on clips of held-out sources.

    Args:
        networks: of a family that starts from a fill, at full strength, by name.
        held: clips of sources that none of them has seen.
        features: for the perceptual distance.
        num_clips: how many, drawn from a fixed seed, with a hole drawn for each.
        num_frames: of each.
        strengths: factors of the step from the fill, 0..1.

    Yields:
        Every network at every strength, clip by clip.

    Raises:
        OptionError: a network without a fill, or no clip that is long enough.
    """
    for name, network in networks.items():
        if not network.spec.starts_from_fill:
            raise OptionError(
                f"Expected networks that start from a fill, got {name} of the family "
                f"{network.spec.family}; leave it out, it has no strength."
            )
    held = Library(held.root, tuple(c for c in held.clips if c.num_frames > 1), held.masks)
    held.require(num_frames)
    data = DataRecipe(
        num_frames=num_frames,
        size=_SIZE[0],
        width=_SIZE[1],
        still_ratio=0,
        reversal_ratio=0,
        jitter=0,
        max_stride=2,
        coverage=_COVERAGE,
    )
    sizes = sizes_of(held)
    for number in range(num_clips):
        rng = np.random.default_rng([_SEED, number])
        plan = plan_item(held, sizes, data, num_frames, rng)
        pixels = torch.from_numpy(np.array(plan.read(plan.clip.array(held.root))))
        frames = cut(plan, pixels, data.shape)
        holes = draw_holes(held, data, len(frames), rng)
        if not holes.any():
            continue
        _LOG.info("clip %d of %d: %s", number + 1, num_clips, plan.clip.source)
        yield from _on_clip(networks, plan.clip.source, frames, holes, features, strengths)


@torch.inference_mode()
def _on_clip(
    networks: Mapping[str, Network],
    clip: str,
    frames: Tensor,
    holes: Tensor,
    features: SqueezeNetFeatures,
    strengths: Sequence[float],
) -> list[Trial]:
    gathered: dict[tuple, CandidateFill] = {}
    wanted = [features(frame[None]) for frame in frames[::_FEATURE_STEP]]
    trials = []
    for name, network in networks.items():
        spec = network.spec
        search = (spec.window, spec.source_frames)
        if search not in gathered:
            gathered[search] = clip_candidates(frames * (1 - holes), holes, *search)
        candidate = gathered[search]
        step = network.trunk(network.encode(frames, holes, candidate=candidate)[None])[0]
        for strength in strengths:
            filled = network.decode(step * strength, candidate).clamp(0, 1)
            result = torch.where(holes > 0, filled, frames)
            distances = [
                float(distance_of_features(features(frame[None]), taps))
                for frame, taps in zip(result[::_FEATURE_STEP], wanted, strict=True)
            ]
            error = mean_squared_error(result, frames, holes)
            mean = 1000 * sum(distances) / len(distances)
            trials.append(
                Trial(clip, name, strength, psnr(error), mean, clip_flicker(result, holes))
            )
    return trials


def format_trials(trials: Sequence[Trial]) -> str:
    """Return a markdown table: what each network at each strength gains over the copies."""
    lines = [
        "| network | strength | PSNR gain, dB | distance x1000 | flicker |",
        "|---|---|---|---|---|",
    ]
    copies = [t for t in trials if t.network == trials[0].network and t.strength == 0]
    rows = list(dict.fromkeys((t.network, t.strength) for t in trials if t.strength > 0))
    lines.append(_line("copies alone", 0.0, copies, copies))
    for network, strength in rows:
        these = [t for t in trials if (t.network, t.strength) == (network, strength)]
        lines.append(_line(network, strength, these, copies))
    return "\n".join(lines)


def _line(name: str, strength: float, trials: Sequence[Trial], copies: Sequence[Trial]) -> str:
    gain = [t.psnr - c.psnr for t, c in zip(trials, copies, strict=True)]
    change = [t.distance - c.distance for t, c in zip(trials, copies, strict=True)]
    flicker = [t.flicker for t in trials if t.flicker is not None]
    steady = f"{np.mean(flicker):.3f}" if flicker else "-"
    return f"| {name} | {strength:g} | {_mean(gain)} | {_mean(change)} | {steady} |"


def _mean(values: Sequence[float]) -> str:
    found = estimate_mean(values)
    bounds = "" if found.low is None else f" [{found.low:+.3f}, {found.high:+.3f}]"
    return f"{found.mean:+.3f}{bounds}"
