"""Space-time crops: which part of a clip an item shows, and how it is augmented."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from einops import rearrange
from torch import Tensor
from torch.nn.functional import interpolate

from ..recipe import DataRecipe
from .camera import draw_path, render_path
from .sources import Clip, Library

_Array = TypeVar("_Array", np.ndarray, Tensor)


@dataclass(frozen=True, kw_only=True)
class Crop:
    """Part of a clip, and its augmentation.

    clip: source; start, stride, count: its frames; box: (top, left, height, width) in its pixels;
    path: of a synthetic camera over a photograph; flip: left to right; reverse: in time; gains: of
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

    def read(self, array: _Array) -> _Array:
        """Return the part (count,h,w,3) of a clip's whole array (T,H,W,3) that is needed."""
        top, left, height, width = self.box
        stop = self.start + (self.count - 1) * self.stride + 1
        part = array[self.start : stop : self.stride]
        return part if self.path is not None else part[:, top : top + height, left : left + width]

    def load(self, root: Path, shape: tuple[int, int]) -> Tensor:
        """Return the frames, see `to_frames`, of a library in a folder."""
        pixels = np.array(self.read(self.clip.array(root)))
        return self.to_frames(torch.from_numpy(pixels), shape)

    def to_frames(self, pixels: Tensor, shape: tuple[int, int]) -> Tensor:
        """Resize and augment.

        Args:
            pixels: (T,h,w,3) uint8 from `read`, on any device.
            shape: (height, width) of the frames.

        Returns:
            (T,3,height,width) float in [0,1] on the same device.
        """
        frames = rearrange(pixels, "t h w c -> t c h w").float() / 255
        if self.path is not None:
            frames = render_path(frames, self.path, shape)
        elif tuple(frames.shape[-2:]) != shape:
            frames = interpolate(frames, size=shape, mode="bilinear", antialias=True)
        if self.flip:
            frames = frames.flip(-1)
        if self.reverse:
            frames = frames.flip(0)
        gains = torch.tensor(self.gains, device=frames.device)[:, None, None]
        return (frames * gains).clamp(0, 1)


def draw_crop(
    library: Library, data: DataRecipe, num_frames: int, rng: np.random.Generator
) -> Crop:
    """Draw the crop of one item.

    Args:
        library: clips and photographs, at least one of them long enough.
        data: distribution.
        num_frames: shorter clips give fewer, but never fewer than the recipe's.
        rng: drawn from.
    """
    stills = [c for c in library.clips if c.num_frames == 1]
    clips = [c for c in library.clips if c.num_frames >= max(2, data.num_frames)]
    flip = bool(rng.random() < 0.5)
    reverse = bool(rng.random() < data.reversal_ratio)
    red, green, blue = rng.uniform(1 - data.jitter, 1 + data.jitter, 3).tolist()
    augmented = partial(Crop, flip=flip, reverse=reverse, gains=(red, green, blue))
    if stills and (not clips or rng.random() < data.still_ratio):
        clip = stills[int(rng.integers(len(stills)))]
        path = draw_path(library.sizes[clip.path], data.shape, num_frames, rng)
        return augmented(clip=clip, path=path)
    clip = _choose_clip(clips, rng)
    stride = int(rng.integers(1, data.max_stride + 1))
    stride = max(1, min(stride, (clip.num_frames - 1) // max(1, num_frames - 1)))
    count = min(num_frames, (clip.num_frames - 1) // stride + 1)
    start = int(rng.integers(0, clip.num_frames - (count - 1) * stride))
    box = _draw_box(library.sizes[clip.path], data, rng)
    return augmented(clip=clip, start=start, stride=stride, count=count, box=box)


def _draw_box(
    size: tuple[int, int], data: DataRecipe, rng: np.random.Generator
) -> tuple[int, int, int, int]:
    """Draw a box with the aspect ratio of the items; larger ones are downscaled later."""
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
    """Draw a source first, so that a film cut into many clips does not outweigh the others."""
    by_source: dict[str, list[Clip]] = {}
    for clip in clips:
        by_source.setdefault(clip.source, []).append(clip)
    names = sorted(by_source)
    shares = np.sqrt([len(by_source[name]) for name in names])
    chosen = by_source[names[int(rng.choice(len(names), p=shares / shares.sum()))]]
    return chosen[int(rng.integers(len(chosen)))]
