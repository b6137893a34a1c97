"""Mask clips from tensors, numbered like the frames of another file."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import chain, repeat
from pathlib import Path
from types import SimpleNamespace

import torch
from torch import Tensor

from .fill_layer import MaskWriter


def write_mask_clip(
    target: Path,
    masks: Iterable[Tensor],
    size: tuple[int, int],
    *,
    rate: Fraction,
    before: int = 0,
    after: int = 0,
) -> None:
    """Write masks, with empty ones around them where they belong to a part of a file.

    Args:
        target: .mkv file; appears only when it is whole.
        masks: (1,H,W) in [0,1], 1 = hole.
        size: (height, width) of the empty masks.
        rate: frames per second.
        before: empty masks in front.
        after: empty masks behind.

    Raises:
        VideoError: it cannot be written.
    """
    clock = SimpleNamespace(time_base=1 / rate)
    empty = torch.zeros(1, *size)
    with MaskWriter(target, rate=rate) as writer:
        clip = chain(repeat(empty, before), masks, repeat(empty, after))
        for number, mask in enumerate(clip):
            # a drawn mask has no source frame; of one, the writer reads no more than the time
            writer.write(SimpleNamespace(time=number / rate, native=clock), mask)
