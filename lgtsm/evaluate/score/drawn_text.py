"""Subtitles and a running time code, drawn over clips, with the pixels that they cover."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from enum import Enum
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ...errors import OptionError

_COVERED = 0.25
"""Opacity from which on a pixel counts as text."""
_LINES_PER_HEIGHT, _CODES_PER_HEIGHT = 14, 17
_PAUSE = (2, 1)
"""Frames without a subtitle at the beginning and the end of its part of the clip."""
_JAPANESE = ("matplotlib_fontja", "fonts/ipaexg.ttf")


class Script(Enum):
    """In which letters text is drawn."""

    LATIN = "Latin"
    JAPANESE = "Japanese"


_LOOKS: tuple[dict[str, Any], ...] = (
    {"fill": (255, 255, 255), "stroke_width": 1, "stroke_fill": (0, 0, 0)},
    {"fill": (255, 255, 255)},
    {"fill": (255, 230, 60), "stroke_width": 1, "stroke_fill": (20, 20, 20)},
)
"""Of the first, second and third subtitle: white with an outline, plain white, yellow."""
_TEXTS = MappingProxyType(
    {
        Script.LATIN: (
            "What is it, then?\nI never knew.",
            "We should leave now.",
            "The bridge is closed: take the ferry, please.",
        ),
        Script.JAPANESE: (
            "今日は天気がいいですね。",
            "もう行かなければ\nなりません。",
            "橋は閉まっています。船に乗ってください。",
        ),
    }
)


@dataclass(frozen=True)
class Drawn:
    """A clip with text.

    frames: (T,3,H,W); text: (T,1,H,W), 1 = text; subtitles: first frame of each, and the frame after its
    last.
    """

    frames: Tensor
    text: Tensor
    subtitles: tuple[tuple[int, int], ...]


def draw_text(frames: Tensor, script: Script) -> Drawn:
    """Draw three subtitles, one after another, and a time code that counts frames.

    Args:
        frames: (T,3,H,W) float in [0,1].
        script: of the text; the time code has its digits.

    Raises:
        OptionError: the font of the script is missing.
    """
    count, _, height, width = frames.shape
    font, small = (_font(script, round(height / n)) for n in (_LINES_PER_HEIGHT, _CODES_PER_HEIGHT))
    parts = [count * n // len(_LOOKS) for n in range(len(_LOOKS) + 1)]
    spans = [(a + _PAUSE[0], b - _PAUSE[1]) for a, b in pairwise(parts)]
    made, covered = [], []
    for t, frame in enumerate(frames):
        layer = Image.new("RGBA", (width, height), (0, 0, 0, 0))
        pen = ImageDraw.Draw(layer)
        for (first, end), text, look in zip(spans, _TEXTS[script], _LOOKS, strict=True):
            if first <= t < end:
                place = (width / 2, 0.86 * height)
                pen.multiline_text(place, text, font=font, anchor="mm", align="center", **look)
        code = f"00:00:{t // 24:02}:{t % 24:02}"
        pen.text((0.03 * width, 0.03 * height), code, font=small, **_LOOKS[0])
        drawn = torch.from_numpy(np.array(layer)).permute(2, 0, 1).float() / 255
        made.append(frame * (1 - drawn[3:]) + drawn[:3] * drawn[3:])
        covered.append((drawn[3:] > _COVERED).float())
    return Drawn(torch.stack(made), torch.stack(covered), tuple(spans))


def _font(script: Script, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    if script is Script.LATIN:
        return ImageFont.load_default(size)
    package, file = _JAPANESE
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise OptionError(
            "Expected a Japanese font for the protocol text, got none; install it: pip install "
            "matplotlib-fontja."
        )
    return ImageFont.truetype(str(Path(found.submodule_search_locations[0]) / file), size)
