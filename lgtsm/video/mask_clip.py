"""Masks as a clip: grey FFV1 in Matroska, or a folder of grey PNG."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from itertools import chain, repeat
from pathlib import Path

import av
import torch
from torch import Tensor

from .clip import ClipWriter
from .colour import Range
from .encode import Encoding
from .layout import Layout, known_layout, samples
from .media import DEFAULT_RATE
from .presets import ENCODERS


class MaskWriter(ClipWriter):
    """Write masks one by one; read back, they are exact to 8 bits."""

    def __init__(self, target: Path, *, rate: Fraction = DEFAULT_RATE) -> None:
        """Check the path.

        Args:
            target: .mkv file or folder.
            rate: average frames per second of the source.

        Raises:
            VideoError: the target cannot be written.
        """
        options = ENCODERS["ffv1"].quality_options(0)
        encoding = Encoding(family="ffv1", layout=known_layout("gray"), options=options)
        super().__init__(target, encoding=encoding, image="gray", rate=rate)

    def write(self, hole: Tensor, *, time: Fraction, time_base: Fraction | None = None) -> None:
        """Write one mask.

        Args:
            hole: (1,H,W) in [0,1], 1 = hole, written as 255; display orientation.
            time: seconds.
            time_base: unit of the source's time stamps in seconds; None is one frame.

        Raises:
            VideoError: the mask cannot be written.
        """

        def build(layout: Layout) -> av.VideoFrame:
            values = (hole[0].detach().cpu().float().clamp(0, 1) * layout.top).round()
            picture = av.VideoFrame(values.shape[1], values.shape[0], layout.name)
            samples(picture, layout, layout.colours[0])[:] = values.numpy().astype(layout.dtype)
            picture.color_range = Range.FULL
            return picture

        self.add(build, time, time_base)


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
    empty = torch.zeros(1, *size)
    with MaskWriter(target, rate=rate) as writer:
        clip = chain(repeat(empty, before), masks, repeat(empty, after))
        for number, mask in enumerate(clip):
            writer.write(mask, time=number / rate)
