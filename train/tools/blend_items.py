"""Pixels for fitting the blend_weights: features and colours of all candidates in holes whose truth is known."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from lgtsm.copying.blend_weights import MOTIONS, colours_of, features_of
from lgtsm.copying.blending import new_shot
from lgtsm.copying.candidates import Search, gather_candidates
from lgtsm.options import Motion

from ..data.holes import draw_holes
from ..data.plan import cut, plan_item
from ..data.sampling import sizes_of
from ..data.sources import Library
from ..recipe import DataRecipe
from ..workers import make_each

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
"""Whole frames at the size of the clips: a crop would hide what alignment lives on."""
_LEAST_FRAMES, _MOST_FRAMES = 14, 44
_SEARCH = Search.of(Motion.AUTO, (48, 48), 8)
_FRAMES_A_CLIP = 4
_PIXELS_A_FRAME = 1200
_LEAST_PIXELS = 60


@dataclass(frozen=True)
class Pixels:
    """Hole pixels of one frame.

    source: of the clip; features: (P,NUM_FEATURES); colours: (P,4,3); there: (P,4) 1 = this candidate
    exists; truth: (P,3).
    """

    source: str
    features: Tensor
    colours: Tensor
    there: Tensor
    truth: Tensor


def gather_pixels(library: Library, count: int, seed: int, *, workers: int = 1) -> Iterator[Pixels]:
    """Yield hole pixels of `count` clips, a few frames of each.

    Args:
        library: what to draw from.
        count: of clips.
        seed: of the draws; clip number i is the same however many are drawn.
        workers: processes that share the clips.
    """
    one = functools.partial(_clip_pixels, library, sizes_of(library), seed)
    yield from itertools.chain.from_iterable(make_each(one, range(count), workers))


def _clip_pixels(
    library: Library, sizes: dict[str, tuple[int, int]], seed: int, number: int
) -> list[Pixels]:
    """Return hole pixels of clip `number`."""
    rng = np.random.default_rng([seed, number])
    num_frames = int(rng.integers(_LEAST_FRAMES, _MOST_FRAMES))
    plan = plan_item(library, sizes, DATA, num_frames, rng)
    pixels = torch.from_numpy(np.array(plan.read(plan.clip.array(library.root))))
    truth = cut(plan, pixels, DATA.shape)
    holes = draw_holes(library, DATA, len(truth), rng)
    return list(_pixels_of(plan.clip.source, truth, holes, rng))


def _pixels_of(
    source: str, truth: Tensor, holes: Tensor, rng: np.random.Generator
) -> Iterator[Pixels]:
    """Yield hole pixels of some frames of one clip (T,3,h,w) with holes (T,1,h,w)."""
    shot = new_shot(truth.shape[-2:], truth.device, _SEARCH)
    with torch.inference_mode():
        for frame, hole in zip(truth, holes, strict=True):
            shot.push((frame * (1 - hole))[None], hole[None])
        for t in rng.permutation(len(truth))[:_FRAMES_A_CLIP].tolist():
            if holes[t].sum() < _LEAST_PIXELS:
                continue
            found = gather_candidates(shot, t, _SEARCH)
            if found is None:
                continue
            colours, there = colours_of(found)
            inside = torch.nonzero(found.hole.flatten())[:, 0]
            order = torch.from_numpy(rng.permutation(len(inside))[:_PIXELS_A_FRAME])
            chosen = inside[order]
            part = truth[t, :, found.box.rows, found.box.columns]
            yield Pixels(
                source,
                features_of(found, colours, there)[0].flatten(1)[:, chosen].T.clone(),
                colours[0].flatten(2)[..., chosen].permute(2, 0, 1).clone(),
                there[0].flatten(1)[:, chosen].T.clone(),
                part.flatten(1)[:, chosen].T.clone(),
            )


def without(pixels: Pixels, kept: tuple[bool, ...]) -> Pixels:
    """Return the same pixels as if only some kinds of motion had been tried.

    Args:
        pixels: of one frame.
        kept: one entry for each of `blend_weights.MOTIONS`.
    """
    features, there = pixels.features.clone(), pixels.there.clone()
    own = (features.shape[1] - len(MOTIONS) - 4) // len(MOTIONS)
    for i, is_kept in enumerate(kept):
        if not is_kept:
            features[:, i * own : (i + 1) * own] = 0
            there[:, i + 1] = 0
    for j, (one, other) in enumerate(((0, 1), (0, 2), (1, 2))):
        if not (kept[one] and kept[other]):
            features[:, len(MOTIONS) * own + j] = 0
    return Pixels(pixels.source, features, pixels.colours, there, pixels.truth)
