"""The fill alone as a layer with alpha, for compositing programs."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import torch
import torch.nn.functional as F
from torch import Tensor

from .carrier import write_alpha
from .clip import ClipWriter, rgb_frame
from .encode import Encoding
from .frame import Frame
from .layout import Layout, known_layout
from .media import DEFAULT_RATE
from .presets import ENCODERS

_EDGE_PX = 8
"""Straight alpha needs colour beyond the hole's edge, so that scaling draws in no black."""


class FillLayerWriter(ClipWriter):
    """Write the fill alone, with the hole as straight alpha.

    A .mov becomes ProRes 4444 (10-bit colour, 16-bit alpha), a folder 8-bit RGBA PNG. Pictures are
    upright, so the layer covers the source as players show it.
    """

    def __init__(self, target: Path, *, rate: Fraction = DEFAULT_RATE) -> None:
        """Check the path.

        Args:
            target: .mov file or folder.
            rate: average frames per second of the source (`VideoInfo.rate`).

        Raises:
            VideoError: the target cannot be written.
        """
        options = dict(ENCODERS["prores"].options, profile="4444", alpha_bits="16")
        encoding = Encoding(family="prores", layout=known_layout("yuva444p10le"), options=options)
        super().__init__(target, encoding=encoding, image="rgba", rate=rate)

    def write(self, frame: Frame, pixels: Tensor, hole: Tensor) -> None:
        """Write one frame of the layer.

        Args:
            frame: the source frame; gives time and colour tags.
            pixels: filled picture (3,H,W) float in [0,1], display orientation.
            hole: (1,H,W) in [0,1], the layer's alpha.

        Raises:
            VideoError: the frame cannot be written.
        """
        alpha = hole.detach().cpu().float()
        near = F.max_pool2d(alpha[None], 2 * _EDGE_PX + 1, 1, _EDGE_PX)[0] > 0
        rgb = torch.where(near, pixels.detach().cpu().float(), 0.0)

        def build(layout: Layout) -> av.VideoFrame:
            picture = rgb_frame(rgb, layout, frame)
            write_alpha(picture, layout, alpha.clamp(0, 1))
            return picture

        self.add(build, frame.time, frame.native.time_base)
