"""Training pixels for the blend weights: features and colours of all candidates in known holes."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from einops import rearrange
from torch import Tensor

from lgtsm.copying.blend_weights import MOTIONS, features_of
from lgtsm.copying.candidates import gather_candidates
from lgtsm.copying.shot import Shot
from lgtsm.copying.source_frames import Search
from lgtsm.options import Motion

from ..data.sampling import Sample, draw_sample
from ..data.sources import Library
from ..process_group import map_in_processes
from ..recipe import DataRecipe

DATA = DataRecipe(
    num_frames=8,
    size=240,
    width=400,
    max_stride=1,
    still_ratio=0.3,
    shrink_ratio=0.0,
    coverage=(0.03, 0.16),
    jitter=0.0,
)
"""Whole frames at the size of the clips: alignment needs more than a crop."""
_MIN_FRAMES, _MAX_FRAMES = 14, 44
"""Range of a clip's number of frames, the end excluded. These and the numbers below: set by hand."""
_SEARCH = Search.of(Motion.AUTO, (48, 48), 8)
_FRAMES_PER_CLIP = 4
_PIXELS_PER_FRAME = 1200
_MIN_PIXELS = 60
"""Hole pixels below which a frame is skipped."""


@dataclass(frozen=True)
class Pixels:
    """Hole pixels of one frame.

    features: (P,NUM_FEATURES); colours: (P,4,3); shown: (P,4) 1 = this candidate exists; truth:
    (P,3).
    """

    features: Tensor
    colours: Tensor
    shown: Tensor
    truth: Tensor

    def rows(self, chosen: Tensor) -> Pixels:
        """Return the pixels with these indices."""
        return Pixels(*(part[chosen] for part in vars(self).values()))


def gather_pixels(library: Library, count: int, seed: int, *, workers: int = 1) -> Iterator[Pixels]:
    """Yield hole pixels of a few frames of each of `count` clips; clip i depends on the seed alone."""
    work = functools.partial(_clip_pixels, library, seed)
    yield from itertools.chain.from_iterable(map_in_processes(work, range(count), workers))


def _clip_pixels(library: Library, seed: int, number: int) -> list[Pixels]:
    """Return hole pixels of clip `number`."""
    rng = np.random.default_rng([seed, number])
    num_frames = int(rng.integers(_MIN_FRAMES, _MAX_FRAMES))
    return list(_pixels_of(draw_sample(library, DATA, num_frames, rng), rng))


def _pixels_of(sample: Sample, rng: np.random.Generator) -> Iterator[Pixels]:
    """Yield hole pixels of some frames of one clip."""
    truth, holes = sample.frames, sample.holes
    shot = Shot(DATA.shape, truth.device, _SEARCH)
    with torch.inference_mode():
        for frame, hole in zip(truth, holes, strict=True):
            shot.push((frame * (1 - hole))[None], hole[None])
        for t in rng.permutation(len(truth))[:_FRAMES_PER_CLIP].tolist():
            if holes[t].sum() < _MIN_PIXELS:
                continue
            found = next(gather_candidates(shot, [t], _SEARCH))
            features, colours, shown = (x[0] for x in features_of(found))
            inside = torch.nonzero(found.at_pixels(found.hole)[0, 0])[:, 0]
            chosen = inside[torch.from_numpy(rng.permutation(len(inside))[:_PIXELS_PER_FRAME])]
            box, pixels = found.boxes[0], found.pixels[0]
            part = truth[t, :, box.rows, box.columns].flatten(1)[:, pixels]
            yield Pixels(
                features[chosen],
                rearrange(colours[..., chosen], "n c p -> p n c"),
                rearrange(shown[..., chosen], "n 1 p -> p n"),
                rearrange(part[:, chosen], "c p -> p c"),
            )


def without_motions(pixels: Pixels, kept: tuple[bool, ...]) -> Pixels:
    """Return the pixels as if only some kinds of motion had been tried.

    Args:
        pixels: of one frame.
        kept: one entry for each of `blend_weights.MOTIONS`.
    """
    features, shown = pixels.features.clone(), pixels.shown.clone()
    own = (features.shape[1] - len(MOTIONS) - 4) // len(MOTIONS)
    for i, is_kept in enumerate(kept):
        if not is_kept:
            features[:, i * own : (i + 1) * own] = 0
            shown[:, i + 1] = 0
    for j, (one, other) in enumerate(((0, 1), (0, 2), (1, 2))):
        if not (kept[one] and kept[other]):
            features[:, len(MOTIONS) * own + j] = 0
    return replace(pixels, features=features, shown=shown)
