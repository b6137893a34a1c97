"""Contact sheets and side-by-side clips."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from ..errors import OptionError

_GUTTER_PX = 6
_LABEL_PX = 18
_INK = (214, 214, 214)
_GROUND = (24, 24, 26)


def contact_sheet(rows: Sequence[Sequence[Tensor] | Tensor], titles: Sequence[str]) -> Image.Image:
    """Lay out frames in rows with a small title above each.

    Args:
        rows: frames (3,H,W) in [0,1], all of one size, equally many per row.
        titles: one per row.

    Returns:
        The sheet, RGB.

    Raises:
        OptionError: there are no frames, or the numbers of titles and rows differ.
    """
    if not rows or len(rows) != len(titles) or not len(rows[0]):
        raise OptionError(
            f"Expected as many titles as rows of frames, got {len(titles)} for {len(rows)}; use "
            "one title per row."
        )
    height, width = rows[0][0].shape[-2:]
    columns = max(len(row) for row in rows)
    size = (
        _GUTTER_PX + columns * (width + _GUTTER_PX),
        _GUTTER_PX + len(rows) * (_LABEL_PX + height + _GUTTER_PX),
    )
    sheet = Image.new("RGB", size, _GROUND)
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for r, (row, title) in enumerate(zip(rows, titles, strict=True)):
        top = _GUTTER_PX + r * (_LABEL_PX + height + _GUTTER_PX)
        draw.text((_GUTTER_PX, top), title, fill=_INK, font=font)
        for c, frame in enumerate(row):
            bytes_ = (frame.clamp(0, 1) * 255).round().to(torch.uint8).permute(1, 2, 0)
            left = _GUTTER_PX + c * (width + _GUTTER_PX)
            sheet.paste(Image.fromarray(bytes_.contiguous().numpy()), (left, top + _LABEL_PX))
    return sheet


def clip_sheet(clips: Mapping[str, Tensor], columns: int = 4) -> Image.Image:
    """Lay out evenly spaced frames of clips (T,3,H,W), titled by name, one clip per row."""
    count = len(next(iter(clips.values())))
    shown = torch.linspace(0, count - 1, min(columns, count)).round().long()
    return contact_sheet([clip[shown] for clip in clips.values()], list(clips))


def side_by_side(clips: Sequence[Tensor], gap_px: int = 4) -> Tensor:
    """Join clips from left to right.

    Args:
        clips: (T,3,H,W) in [0,1], all of one size and length.
        gap_px: width of the dark gaps between them.

    Returns:
        (T,3,H',W') with even sides, as video encoders require.
    """
    num_frames, _, height, _ = clips[0].shape
    gap = torch.full((num_frames, 3, height, gap_px), 0.1)
    parts = [part for clip in clips for part in (clip, gap)][:-1]
    joined = torch.cat(parts, 3)
    return torch.nn.functional.pad(joined, (0, joined.shape[3] % 2, 0, height % 2), value=0.1)
