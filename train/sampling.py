"""Training items: a short clip, its holes, and the evidence around them; seeded per item.

Item number i of a run with seed s is always the same, whichever worker makes it and however often
the run was resumed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, interpolate
from torch.utils.data import Dataset

from lgtsm.fills.evidence import Evidence, gather_evidence, join_evidence
from lgtsm.masks.kinds import KINDS, Kind
from lgtsm.masks.raster import draw_masks

from .recipe import Recipe
from .sources import Clip, Library

_KIND_SHARES = {
    Kind.OBJECT: 0.55,
    Kind.STROKES: 0.15,
    Kind.BOX: 0.15,
    Kind.LOGO: 0.05,
    Kind.TEXT_BAND: 0.05,
    Kind.SCRATCHES: 0.05,
}
"""Objects are what users remove most; the rest keeps the net honest on thin and static holes."""


@dataclass(frozen=True)
class Item:
    """One training item of T frames.

    truth: (T,3,h,w); holes: (T,1,h,w), 1 = hole; evidence: of the T frames.
    """

    truth: Tensor
    holes: Tensor
    evidence: Evidence

    def pin(self, device: torch.device) -> Item:
        """Return the item on a device."""
        parts = (value.to(device) for value in vars(self.evidence).values())
        return Item(self.truth.to(device), self.holes.to(device), Evidence(*parts))


def _to_frames(array: np.ndarray) -> Tensor:
    """(T,H,W,3) uint8 -> (T,3,H,W) float in [0,1]."""
    return torch.from_numpy(np.array(array)).permute(0, 3, 1, 2).float() / 255


def _moving_still(picture: Tensor, num_frames: int, size: int, rng: np.random.Generator) -> Tensor:
    """Move a synthetic camera over a photograph.

    Args:
        picture: (1,3,H,W).
        num_frames: T.
        size: side of the square frames.
        rng: where the camera path comes from.

    Returns:
        (T,3,size,size).
    """
    height, width = picture.shape[-2:]
    side = rng.uniform(size, max(size + 1.0, 0.9 * min(height, width)))
    room_x, room_y = max(width - side, 0) / 2, max(height - side, 0) / 2
    time = np.linspace(-0.5, 0.5, num_frames)
    speed = rng.uniform(0, 4) * side / size * num_frames  # up to 4 px a frame in the result
    angle = rng.uniform(0, 2 * np.pi)
    wobble = rng.normal(0, 1.0, (2, 1)) * np.sin(2 * np.pi * time * rng.uniform(0.5, 2))
    x = rng.uniform(-room_x, room_x) + speed * np.cos(angle) * time + wobble[0]
    y = rng.uniform(-room_y, room_y) + speed * np.sin(angle) * time + wobble[1]
    x, y = np.clip(x, -room_x, room_x), np.clip(y, -room_y, room_y)
    zoom = side * np.exp(rng.normal(0, 0.08) * time)
    turn = rng.normal(0, 0.1) * time
    theta = np.zeros((num_frames, 2, 3))
    theta[:, 0, 0] = np.cos(turn) * zoom / width
    theta[:, 0, 1] = -np.sin(turn) * zoom / width
    theta[:, 1, 0] = np.sin(turn) * zoom / height
    theta[:, 1, 1] = np.cos(turn) * zoom / height
    theta[:, 0, 2], theta[:, 1, 2] = 2 * x / width, 2 * y / height
    # sampled at twice the size and averaged, so that a shrinking camera does not alias
    grid = affine_grid(
        torch.from_numpy(theta).float(), [num_frames, 3, 2 * size, 2 * size], align_corners=False
    )
    fine = grid_sample(
        picture.expand(num_frames, -1, -1, -1), grid, padding_mode="reflection", align_corners=False
    )
    return torch.nn.functional.avg_pool2d(fine, 2)


def _cut_clip(array: np.ndarray, num_frames: int, recipe: Recipe, rng: np.random.Generator):
    """Cut a crop out of a decoded clip; returns (T',3,size,size) with T' <= num_frames."""
    data = recipe.data
    total, height, width, _ = array.shape
    stride = int(rng.integers(1, data.max_stride + 1))
    stride = max(1, min(stride, (total - 1) // max(1, num_frames - 1)))
    span = min(total, stride * (num_frames - 1) + 1)
    start = int(rng.integers(0, total - span + 1))
    side = data.size
    if rng.random() < data.shrink_ratio:
        side = int(rng.integers(data.size, max(data.size + 1, min(height, width))))
    side = min(side, height, width)
    top = int(rng.integers(0, height - side + 1))
    left = int(rng.integers(0, width - side + 1))
    frames = _to_frames(array[start : start + span : stride, top : top + side, left : left + side])
    if side != data.size:
        size = (data.size, data.size)
        frames = interpolate(frames, size=size, mode="bilinear", antialias=True)
    return frames


def _augment(frames: Tensor, jitter: float, rng: np.random.Generator) -> Tensor:
    """Flip, reverse time and change colour gains; (T,3,h,w) in [0,1] stays so."""
    if rng.random() < 0.5:
        frames = frames.flip(-1)
    if rng.random() < 0.5:
        frames = frames.flip(0)
    gains = torch.from_numpy(rng.uniform(1 - jitter, 1 + jitter, (1, 3, 1, 1))).float()
    return (frames * gains).clamp(0, 1)


def _draw_holes(num_frames: int, recipe: Recipe, rng: np.random.Generator) -> Tensor:
    """Draw one to three shapes; (T,1,size,size), 1 = hole."""
    low, high = recipe.data.coverage
    wanted = float(rng.uniform(low, high))
    kinds = list(_KIND_SHARES)
    shares = np.array(list(_KIND_SHARES.values()))
    num_shapes = int(rng.choice([1, 2, 3], p=[0.6, 0.25, 0.15]))
    holes = torch.zeros(num_frames, 1, recipe.data.size, recipe.data.size)
    for _ in range(num_shapes):
        kind = kinds[int(rng.choice(len(kinds), p=shares / shares.sum()))]
        limits = KINDS[kind].coverage_limits
        ratio = float(np.clip(wanted / num_shapes, *limits))
        drawn = draw_masks(
            num_frames,
            recipe.data.size,
            recipe.data.size,
            kind=kind,
            seed=int(rng.integers(2**31)),
            coverage_ratio=ratio,
            motion=0.0 if rng.random() < 0.2 else float(rng.uniform(0.5, 2.0)),
        )
        holes = torch.maximum(holes, drawn)
    return holes


def make_item(library: Library, recipe: Recipe, number: int, seed: int) -> Item:
    """Make one training item.

    Args:
        library: where the pixels come from.
        recipe: what is drawn.
        number: of the item, 0 or more.
        seed: of the run.

    Returns:
        The item; every one of its frames has at least some hole on most draws.
    """
    rng = np.random.default_rng([seed, number])
    reach = recipe.network.num_references
    wanted = recipe.data.num_frames + 2 * reach
    stills = [c for c in library.clips if c.num_frames == 1]
    clips = [c for c in library.clips if c.num_frames >= recipe.data.num_frames]
    if stills and (not clips or rng.random() < recipe.data.still_ratio):
        clip: Clip = stills[int(rng.integers(len(stills)))]
        picture = _to_frames(clip.array(library.root))
        frames = _moving_still(picture, wanted, recipe.data.size, rng)
    else:
        clip = _choose_clip(clips, rng)
        frames = _cut_clip(clip.array(library.root), wanted, recipe, rng)
    frames = _augment(frames, recipe.data.jitter, rng)
    num_frames = len(frames)
    holes = _draw_holes(num_frames, recipe, rng)
    first = (num_frames - recipe.data.num_frames) // 2
    window = range(first, first + recipe.data.num_frames)
    rows = []
    for t in window:
        near = range(max(0, t - reach), min(num_frames, t + reach + 1))
        others = [s for s in near if s != t]
        offsets = [s - t for s in others]
        one = slice(t, t + 1)
        rows.append(
            gather_evidence(frames[one], holes[one], frames[others], holes[others], offsets)
        )
    return Item(
        truth=frames[window.start : window.stop],
        holes=holes[window.start : window.stop],
        evidence=join_evidence(rows),
    )


def _choose_clip(clips: list[Clip], rng: np.random.Generator) -> Clip:
    """Choose a source first, so that a film cut into many clips does not drown the others."""
    by_source: dict[str, list[Clip]] = {}
    for clip in clips:
        by_source.setdefault(clip.source, []).append(clip)
    names = sorted(by_source)
    shares = np.sqrt([len(by_source[name]) for name in names])
    chosen = by_source[names[int(rng.choice(len(names), p=shares / shares.sum()))]]
    return chosen[int(rng.integers(len(chosen)))]


class Items(Dataset):
    """Items `start`, `start + 1`, ... of a run, for a DataLoader."""

    def __init__(self, library: Library, recipe: Recipe, start: int, count: int, seed: int) -> None:
        self.library, self.recipe = library, recipe
        self.start, self.count, self.seed = start, count, seed

    def __len__(self) -> int:
        """Return how many items there are."""
        return self.count

    def __getitem__(self, index: int) -> Item:
        """Return item number `start + index`."""
        return make_item(self.library, self.recipe, self.start + index, self.seed)
