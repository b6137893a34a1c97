"""What the pixels of a mask file mean: brightness, labels, colours, or transparency.

Masks come as they are drawn: white on black, but also as label images, in colours, as strokes on a
transparent layer, and as a picture with its hole erased (the mask editors of image tools).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import torch
from torch import Tensor

from ..errors import VideoError
from .folder import keeps_values
from .frame import Frame, read_alpha, read_luma, read_rgb
from .layout import Layout

_log = logging.getLogger(__name__)

_FEW_COLOURS = 64
"""Most colours of a label image; a soft edge has more."""
_WHITE = 0.75
_BLACK = 0.1
"""Brightness below which a lossy file shows black: its noise stays far below."""
_COLOURED = 0.25
"""Difference between channels that makes a colour; casts and chroma noise stay below."""
_COLOUR_SHARE = 1e-4
_CAST = 0.02
"""Mean difference between the channels of a picture in colour."""
_FLAT_SHARE = 0.9
"""Share of a drawn mask in its eight most frequent of 4096 colours. Over 150 films and photographs the
largest share of one in colour was 0.79."""
_BYTE_IN_16 = 255 / 65535


class _Meaning(Enum):
    """How mask values are made; the text tells the user, behind the name of the file."""

    BRIGHTNESS = ""
    GREY = "most of it is neither black nor white; is it a mask?"
    BYTES = "8 bits in 16; 255 counts as white"
    LABELS = "labels and no white; every value above 0 is masked"
    COLOURS = "drawn in colours; all but black is masked"
    OPACITY = "drawn on a transparent layer; what is opaque is masked"
    TRANSPARENCY = "a picture with transparency; what is transparent is masked"


@dataclass(frozen=True)
class _Rule:
    """The meaning of a file's pixels, and the value above which labels and colours are drawn."""

    meaning: _Meaning
    floor: float = 0.0


def mask_values(
    frames: Iterator[Frame], path: Path, *, is_still: bool, tell: Callable[[str], object] | None
) -> Iterator[Tensor]:
    """Turn the frames of a mask file into masks.

    The first frame that is not empty decides for the file.

    Args:
        frames: in order.
        path: of the file or folder.
        is_still: it is one image.
        tell: told once, in a sentence, of any reading but by brightness; None logs a warning.

    Yields:
        (1,H,W) float32 in [0,1], upright.

    Raises:
        VideoError: the first frame is an opaque picture in colour.
    """
    rule: _Rule | None = None
    lossless = False
    for number, frame in enumerate(frames):
        lossless = keeps_values(path) if number == 0 else lossless
        if rule is None:
            rule = _judge(frame, lossless=lossless, is_still=is_still, path=path)
            if rule is not None and rule.meaning.value:
                (tell or _log.warning)(f"{path}: {rule.meaning.value}")
        yield frame.orientation.upright(_values(frame, rule or _Rule(_Meaning.BRIGHTNESS)))


def _judge(frame: Frame, *, lossless: bool, is_still: bool, path: Path) -> _Rule | None:
    """Judge one frame; None where it is empty."""
    alpha, rgb = read_alpha(frame.native), read_rgb(frame.native)
    if alpha is not None:
        rgb = rgb[:, alpha[0] > _BLACK]
    colours = rgb.flatten(1)  # (3,N)
    if not colours.numel():
        return None
    is_picture, has_gaps = _is_picture(colours), alpha is not None and bool((alpha < 0.5).any())
    if is_picture and (has_gaps or (alpha is not None and not is_still)):
        return _Rule(_Meaning.TRANSPARENCY)
    if has_gaps and float((colours.amax(1) - colours.amin(1)).max()) <= _BLACK:
        return _Rule(_Meaning.OPACITY)
    most = colours.amax(0)
    if float(most.max()) <= (0 if lossless else _BLACK):
        return None
    spread = most - colours.amin(0)
    if is_picture and float(spread.mean()) > _CAST:
        raise VideoError(
            f"Expected a mask, got {path}, which is a picture in colour; give white on black, or "
            "the picture with the hole erased to transparency."
        )
    if float((spread > _COLOURED).float().mean()) > _COLOUR_SHARE:
        few = lossless and len(most.unique()) <= _FEW_COLOURS
        return _Rule(_Meaning.COLOURS, 0 if few else _COLOURED)
    return _judge_grey(colours.mean(0), frame.layout, lossless=lossless)


def _judge_grey(grey: Tensor, layout: Layout, *, lossless: bool) -> _Rule:
    levels = grey.unique()
    few = len(levels) <= _FEW_COLOURS
    if levels[-1] >= _WHITE:
        middle = float(((grey > _BLACK) & (grey < 1 - _BLACK)).float().mean())
        return _Rule(_Meaning.BRIGHTNESS if few or middle <= 0.5 else _Meaning.GREY)
    if layout.bits == 16 and _BYTE_IN_16 * _WHITE <= levels[-1] <= _BYTE_IN_16 * 1.001:
        return _Rule(_Meaning.BYTES)
    if few and (lossless or levels[levels > 0][0] >= _BLACK):
        return _Rule(_Meaning.LABELS, 0 if lossless else _BLACK / 2)
    return _Rule(_Meaning.BRIGHTNESS)


def _is_picture(colours: Tensor) -> bool:
    """Tell whether colours (3,N) are spread as those of a picture, not of a drawing."""
    red, green, blue = (colours * 15.99).long()
    counts = torch.bincount((red * 16 + green) * 16 + blue, minlength=4096)
    return float(counts.topk(8).values.sum()) < _FLAT_SHARE * colours.shape[1]


def _values(frame: Frame, rule: _Rule) -> Tensor:
    """Return one mask (1,H,W) in [0,1], stored orientation."""
    alpha = read_alpha(frame.native)
    if rule.meaning in (_Meaning.OPACITY, _Meaning.TRANSPARENCY):
        opaque = torch.ones_like(read_luma(frame.native)) if alpha is None else alpha
        return opaque if rule.meaning is _Meaning.OPACITY else 1 - opaque
    if rule.meaning is _Meaning.COLOURS:
        value = (read_rgb(frame.native).amax(0, keepdim=True) > rule.floor).float()
    else:
        value = read_luma(frame.native)
        if rule.meaning is _Meaning.LABELS:
            value = (value > rule.floor).float()
        elif rule.meaning is _Meaning.BYTES:
            value = (value / _BYTE_IN_16).clamp_(0, 1)
    # nothing is drawn where a layer is transparent, whatever colour an editor has left there
    return value if alpha is None else torch.where(alpha > 0, value, 0.0)
