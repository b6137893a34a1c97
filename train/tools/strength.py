"""Choose a strength: how much of a refining network's correction to apply, on held-out clips.

Training shows a network a few frames at a time, users have many more; there its correction of the
copies may be too large. The head is linear (`export.shrink_head`), so one pass over a clip serves
every strength, and the copies, which cost most, serve every network.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch

from lgtsm.copying.clip import clip_candidates
from lgtsm.errors import OptionError
from lgtsm.fills.candidate_fill import CandidateFill
from lgtsm.metrics.bootstrap import estimate_mean
from lgtsm.metrics.fidelity import psnr, squared_error
from lgtsm.metrics.no_reference import clip_flicker
from lgtsm.metrics.perceptual import SqueezeNetFeatures, distance_of_features
from lgtsm.models.network import Network

from ..data.sampling import Sample, draw_sample
from ..data.sources import Library
from ..recipe import DataRecipe

_LOG = logging.getLogger(__name__)
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
_SEED = 78
_DATA = DataRecipe(
    size=208,  # most of a decoded clip, larger than any item
    width=288,
    still_ratio=0,
    reversal_ratio=0,
    jitter=0,
    max_stride=2,
    coverage=(0.05, 0.12),
)
_FEATURE_STEP = 4
"""The features of every n-th frame are compared."""


@dataclass(frozen=True)
class Trial:
    """Scores of a network at one strength on one clip.

    psnr: of the hole, in dB; distance: perceptual, times 1000; flicker: temporal change in the hole
    over that around it. Strength 0 is the copies alone.
    """

    clip: str
    network: str
    strength: float
    psnr: float
    distance: float
    flicker: float | None


def try_strengths(
    networks: Mapping[str, Network],
    held_out: Library,
    features: SqueezeNetFeatures,
    *,
    num_clips: int = 14,
    num_frames: int = 16,
) -> Iterator[Trial]:
    """Run networks on clips of held-out sources.

    Args:
        networks: at full strength, of a family that starts from a fill, by name.
        held_out: clips of sources that none of them was trained on.
        features: for the perceptual distance.
        num_clips: clips and holes to draw, from a fixed seed.
        num_frames: of each.

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
    films = replace(held_out, clips=tuple(c for c in held_out.clips if c.num_frames > 1))
    films.require(num_frames)
    data = replace(_DATA, num_frames=num_frames)
    for number in range(num_clips):
        rng = np.random.default_rng([_SEED, number])
        sample = draw_sample(films, data, num_frames, rng)
        if not sample.holes.any():
            continue
        _LOG.info("clip %d of %d: %s", number + 1, num_clips, sample.source)
        yield from _on_clip(networks, sample, features)


@torch.inference_mode()
def _on_clip(
    networks: Mapping[str, Network], sample: Sample, features: SqueezeNetFeatures
) -> list[Trial]:
    frames, holes = sample.frames, sample.holes
    gathered: dict[tuple, CandidateFill] = {}
    wanted = [features(frame[None]) for frame in frames[::_FEATURE_STEP]]
    trials = []
    for name, network in networks.items():
        search = (network.spec.window, network.spec.source_frames)
        if search not in gathered:
            gathered[search] = clip_candidates(frames * (1 - holes), holes, *search)
        candidate = gathered[search]
        output = network.trunk(network.encode(frames, holes, candidate=candidate)[None])[0]
        for strength in STRENGTHS:
            filled = network.decode(output * strength, candidate).clamp(0, 1)
            result = torch.where(holes > 0, filled, frames)
            distances = [
                float(distance_of_features(features(frame[None]), taps))
                for frame, taps in zip(result[::_FEATURE_STEP], wanted, strict=True)
            ]
            error = float(squared_error(result, frames)[holes > 0].mean())
            distance = 1000 * sum(distances) / len(distances)
            flicker = clip_flicker(result, holes)
            trials.append(Trial(sample.source, name, strength, psnr(error), distance, flicker))
    return trials


def format_trials(trials: Sequence[Trial]) -> str:
    """Return a Markdown table of each network's gain over the copies at each strength."""
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
