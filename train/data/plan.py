"""What an item is cut from and how, decided by its number alone; and the cutting, on any device."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ..recipe import DataRecipe
from .camera import film, plan_path
from .sources import Clip, Library


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How the frames of one item are made.

    clip: where from; start, stride, count: frames of it; box: (top, left, height, width) in its
    pixels; path: of the camera over a photograph; flip, reverse: left-right and in time; gains: of
    the three colours.
    """

    clip: Clip
    start: int = 0
    stride: int = 1
    count: int = 1
    box: tuple[int, int, int, int] = (0, 0, 0, 0)
    path: np.ndarray | None = None
    flip: bool = False
    reverse: bool = False
    gains: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def read(self, array: np.ndarray | Tensor) -> np.ndarray | Tensor:
        """Return the bytes (count,h,w,3) that are needed of a clip's whole array."""
        top, left, height, width = self.box
        stop = self.start + (self.count - 1) * self.stride + 1
        part = array[self.start : stop : self.stride]
        return part if self.path is not None else part[:, top : top + height, left : left + width]


def plan_item(
    library: Library, sizes: dict[str, tuple[int, int]], data: DataRecipe, num_frames: int, rng
) -> Plan:
    """Decide what an item is cut from.

    Args:
        library: of clips and photographs, at least one of them long enough.
        sizes: (height, width) of the clips' files, by path.
        data: what is drawn.
        num_frames: wanted; clips that are shorter give fewer, but never less than the recipe's.
        rng: numpy Generator.

    Returns:
        The plan.
    """
    stills = [c for c in library.clips if c.num_frames == 1]
    clips = [c for c in library.clips if c.num_frames >= max(2, data.num_frames)]
    look = {
        "flip": bool(rng.random() < 0.5),
        "reverse": bool(rng.random() < data.reversal_ratio),
        "gains": tuple(rng.uniform(1 - data.jitter, 1 + data.jitter, 3).tolist()),
    }
    if stills and (not clips or rng.random() < data.still_ratio):
        clip = stills[int(rng.integers(len(stills)))]
        path = plan_path(sizes[clip.path], data.shape, num_frames, rng)
        return Plan(clip=clip, path=path, **look)
    clip = _choose_clip(clips, rng)
    stride = int(rng.integers(1, data.max_stride + 1))
    stride = max(1, min(stride, (clip.num_frames - 1) // max(1, num_frames - 1)))
    count = min(num_frames, (clip.num_frames - 1) // stride + 1)
    start = int(rng.integers(0, clip.num_frames - (count - 1) * stride))
    box = _crop(sizes[clip.path], data, rng)
    return Plan(clip=clip, start=start, stride=stride, count=count, box=box, **look)


def _crop(
    size: tuple[int, int], data: DataRecipe, rng: np.random.Generator
) -> tuple[int, int, int, int]:
    """Choose a part of the frame with the wanted sides' ratio; larger ones are reduced."""
    height, width = size
    largest = min(height / data.shape[0], width / data.shape[1])
    scale = 1.0
    if rng.random() < data.shrink_ratio:
        scale = float(rng.uniform(1.0, max(1.0, largest)))
    scale = min(scale, largest)
    h, w = (max(1, round(scale * s)) for s in data.shape)
    h, w = min(h, height), min(w, width)
    top, left = int(rng.integers(0, height - h + 1)), int(rng.integers(0, width - w + 1))
    return top, left, h, w


def _choose_clip(clips: list[Clip], rng: np.random.Generator) -> Clip:
    """Choose a source first, so that a film cut into many clips does not drown the others."""
    by_source: dict[str, list[Clip]] = {}
    for clip in clips:
        by_source.setdefault(clip.source, []).append(clip)
    names = sorted(by_source)
    shares = np.sqrt([len(by_source[name]) for name in names])
    chosen = by_source[names[int(rng.choice(len(names), p=shares / shares.sum()))]]
    return chosen[int(rng.integers(len(chosen)))]


def cut(plan: Plan, pixels: Tensor, shape: tuple[int, int]) -> Tensor:
    """Make an item's frames.

    Args:
        plan: how.
        pixels: (T,h,w,3) uint8 that `plan.read` has returned, on any device.
        shape: (height, width) of the frames.

    Returns:
        (T,3,height,width) float in [0,1] on the same device.
    """
    frames = pixels.permute(0, 3, 1, 2).float() / 255  # (T,3,h,w)
    if plan.path is not None:
        frames = film(frames, plan.path, shape)
    elif tuple(frames.shape[-2:]) != shape:
        frames = interpolate(frames, size=shape, mode="bilinear", antialias=True)
    if plan.flip:
        frames = frames.flip(-1)
    if plan.reverse:
        frames = frames.flip(0)
    gains = torch.tensor(plan.gains, device=frames.device)[:, None, None]
    return (frames * gains).clamp(0, 1)
