"""The glyphs of a line of text: their pixels in one picture, and whether another picture shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...box import Box
from ..regions import Flags, Numbers, dilated, grown, opened

_Values = NDArray[np.float32]

_MARGIN = 0.2
"""By which a detected box is grown, as a share of the height of its text; set by hand, as all below."""
_WIDEST_STROKE = 0.4
"""Of a glyph, as a share of the height of the text."""
_OUTLINE = 0.2
"""Widest outline, as a share of the height of the text."""
_LEAST_CONTRAST = 0.06
"""Of a glyph with what is beside it."""
_ONE_COLOUR = 0.2
"""Largest difference of a channel from the colour of the glyphs, or of their outline."""
_SAME = 0.12
"""Largest change of a channel of a pixel that stays; noise and compression are below."""
_QUARTILE, _BEYOND, _LEAST_TOLERANCE = 0.75, 2.0, 0.02
"""Quantile of the changes of the pixels of a line while it is shown, and the multiple of it from which on a
pixel shows something else, at least so much."""
_MOST_OF_RUN = 0.8
"""Share of pictures in which a pixel that stays is the same."""
_SHOWN = 0.6
"""Share of such pixels from which on a line, or a cell of it, is shown."""
_MOST = 0.5
"""Share from which on something is said of most pixels."""
_FADED, _ALIKE = 0.35, 0.7
"""Contrast that a line keeps while it fades, and share of its cells that fade alike."""
_DOUBT = 1.02
"""Less the share of the margin that has the colour of strokes: what is left of the evidence for these."""
_LEAST_CELL = 4
"""Pixels of glyphs by which a cell is judged."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of text.

    box: its place; glyphs: (h,w) its pixels with their soft edge and outline; inner, beside: (h,w) the
    pixels of one colour in the middle of strokes and outlines, and those around the glyphs; cells: (h,w)
    numbers of the pieces, of about a letter each, that the line is divided into; running: (n) the pieces
    whose letters change, as of a time code; colours: (3,h,w); colour: (3,1,1) of the strokes; is_dark:
    they are darker than what is beside them; edge: width of their outline and soft edge in pixels;
    tolerance: change of a channel from which on a pixel shows something else.
    """

    box: Box
    glyphs: Flags
    inner: Flags
    beside: Flags
    cells: Numbers
    running: Flags
    colours: _Values
    colour: _Values
    is_dark: bool
    edge: int
    tolerance: float

    @property
    def pixels(self) -> Numbers:
        """Return the number (n) of inner pixels of every cell."""
        return self.count(self.inner)

    def count(self, flags: Flags) -> Numbers:
        """Return how many pixels of every cell (n) are flagged (h,w)."""
        return _counts(self.cells, flags)


def line_box(detected: Box, size: tuple[int, int]) -> Box:
    """Return the box of a detected line with the margin that its outermost glyphs need.

    Args:
        detected: just around the line.
        size: (height, width) of the picture.
    """
    margin = max(2, round(_MARGIN * min(detected.height, detected.width)))
    return detected.grow(margin) & Box(0, 0, *size)


def read_line(runs: Sequence[Sequence[Tensor]], box: Box) -> Line | None:
    """Find the glyphs of a line: strokes that stand out, have one colour, and stay.

    Args:
        runs: pictures (3,H,W) float in [0,1], in the first of which the line was found, followed by those
            after it, or by those before it; the run in which more stays is read.
        box: of the line, with its margin.

    Returns:
        The line; None where nothing stands out, or most of it passes.
    """
    read = (_read_run(np.stack([_cut(picture, box) for picture in run]), box) for run in runs)
    return max((line for line in read if line), key=lambda line: line.inner.sum(), default=None)


def _read_run(run: _Values, box: Box) -> Line | None:
    """Read a line from pictures (t,3,h,w)."""
    colours = run.mean(0)
    stays = (np.abs(run - run[0]).max(1) < _SAME).mean(0) >= _MOST_OF_RUN
    height = min(box.height, box.width) / (1 + 2 * _MARGIN)
    responses = _responses(colours, height)
    strokes = [_strokes(colours, response) & stays for response in responses]
    bright, dark = (
        _evidence(colours, *pair, round(_MARGIN * height))
        for pair in zip(responses, strokes, strict=True)
    )
    is_dark = bool(dark > bright)
    fill, other = strokes[is_dark], strokes[not is_dark]
    if not fill.any():
        return None
    widest = max(2, round(_OUTLINE * height))
    outline = _outline(colours, fill, other, widest)
    inner = fill | outline
    glyphs, cells = grown(inner, 1), _cells(box)
    passing = _strokes(run[0], _responses(run[0], height)[is_dark]) & ~stays
    passing = passing & _near(run[0], fill)
    new, old = (_counts(cells, flags) for flags in (passing, fill))
    running = (new >= _LEAST_CELL) & (new > _MOST * old)
    if running.mean() > _MOST:
        return None
    change = np.quantile(np.abs(run - colours).max(1)[:, inner], _QUARTILE)
    return Line(
        box=box,
        glyphs=glyphs,
        inner=inner,
        beside=grown(glyphs, 1) & ~glyphs,
        cells=cells,
        running=running,
        colours=colours,
        colour=np.median(colours[:, fill], 1)[:, None, None],
        is_dark=is_dark,
        edge=widest if outline.any() else 1,
        tolerance=float(np.clip(_BEYOND * change, _LEAST_TOLERANCE, _SAME)),
    )


def _responses(colours: _Values, height: float) -> tuple[_Values, _Values]:
    """Return how far the pixels (h,w) of bright and of dark strokes stand out of a picture (3,h,w).

    Args:
        colours: of the picture.
        height: of the text; strokes are narrower than a share of it, so opening and closing remove them.
    """
    side = max(3, 2 * round(_WIDEST_STROKE * height / 2) + 1)
    return (colours - opened(colours, side)).max(0), (-colours - opened(-colours, side)).max(0)


def shown_cells(line: Line, picture: Tensor) -> tuple[bool, Flags]:
    """Tell whether a picture (3,H,W) shows a line, and which of its cells (n) are unchanged."""
    colours = _cut(picture, line.box)
    same = np.abs(colours - line.colours).max(0) < line.tolerance
    pixels, kept = line.pixels, line.count(line.inner & same)
    judged = (pixels >= _LEAST_CELL) & ~line.running
    unchanged = judged & (kept >= _SHOWN * pixels)
    if kept.sum() >= _SHOWN * pixels.sum():
        return True, unchanged
    # a line that fades keeps its shape: all its cells lose contrast alike
    full, now = _contrast(line, line.colours), _contrast(line, colours)
    along, whole = (now * full).sum(1), np.maximum(np.square(full).sum(1), _LEAST_CONTRAST**2)
    left = float((pixels * along).sum() / (pixels * whole).sum())
    alike = judged & (np.abs(along / whole - left) < left / 2)
    return left > _FADED and float(alike.sum()) > _ALIKE * judged.sum(), alike


def glyph_mask(line: Line, picture: Tensor, unchanged: Flags) -> Tensor:
    """Return the mask of a line: its glyphs, and where these have changed, those of the picture.

    Args:
        line: that the picture shows.
        picture: (3,H,W) float in [0,1].
        unchanged: cells (n) of the line that are the same.

    Returns:
        (h,w) bool.
    """
    if unchanged.all():
        return torch.from_numpy(line.glyphs)
    is_row = line.box.width >= line.box.height
    side = min(line.box.height, line.box.width)
    # new glyphs may reach into the next cell, but not beyond the line
    reach = np.ones((1, side // 4 * 2 + 1) if is_row else (side // 4 * 2 + 1, 1), bool)
    changed = dilated(~unchanged[line.cells], reach)
    changed &= line.glyphs.any(int(is_row), keepdims=True)
    colours = _cut(picture, line.box)
    response = _responses(colours, side / (1 + 2 * _MARGIN))[line.is_dark]
    new = (response > _LEAST_CONTRAST) & (np.abs(colours - line.colour).max(0) < _ONE_COLOUR)
    return torch.from_numpy(line.glyphs | (grown(new & changed, line.edge) & changed))


def _cut(picture: Tensor, box: Box) -> _Values:
    return picture[:, box.rows, box.columns].float().cpu().numpy()


def _strokes(colours: _Values, response: _Values) -> Flags:
    """Return the pixels (h,w) that stand out and have the colour of most of them."""
    strokes = response > max(_LEAST_CONTRAST, _otsu(response))
    if not strokes.any():
        return strokes
    surest = strokes & (response >= np.median(response[strokes]))
    return strokes & _near(colours, surest)


def _evidence(colours: _Values, response: _Values, strokes: Flags, margin: int) -> float:
    """Return how much speaks for strokes (h,w): they stand out, and the margin has another colour."""
    if not strokes.any():
        return 0.0
    around = np.ones_like(strokes)
    around[margin:-margin, margin:-margin] = False
    passes_for_text = _near(colours, strokes, _SAME)[around].mean()
    return float(response[strokes].sum() * (_DOUBT - passes_for_text))


def _outline(colours: _Values, fill: Flags, other: Flags, widest: int) -> Flags:
    """Return which pixels (h,w) of the opposite contrast are an outline, none where they are background.

    Args:
        colours: (3,h,w).
        fill: strokes.
        other: what stands out in the opposite direction.
        widest: of an outline, in pixels.
    """
    near = grown(fill, widest)
    outline = other & near
    beyond = grown(near, widest) & ~near
    if outline.sum() < _MOST * other.sum() or outline.sum() < _MOST * fill.sum():
        return np.zeros_like(fill)
    goes_on = _near(colours, outline)[beyond]
    if not goes_on.size or goes_on.mean() < _MOST:
        return outline
    return other & grown(fill, 1)  # of the background's colour: perhaps there is none


def _otsu(values: _Values) -> float:
    """Return the threshold that separates values in [0,1] into two classes best (Otsu 1979)."""
    counts, edges = np.histogram(values, 64, (0, 1))
    middles = (edges[:-1] + edges[1:]) / 2
    below, total = np.cumsum(counts), counts.sum()
    sums = np.cumsum(counts * middles)
    above = total - below
    means = sums / np.maximum(below, 1) - (sums[-1] - sums) / np.maximum(above, 1)
    return float(edges[1:][np.argmax(below * above * means**2)])


def _near(colours: _Values, some: Flags, tolerance: float = _ONE_COLOUR) -> Flags:
    """Return the pixels (h,w) of about the median colour of some of them."""
    median = np.median(colours[:, some], 1)[:, None, None]
    return np.abs(colours - median).max(0) < tolerance


def _cells(box: Box) -> Numbers:
    """Divide a box (h,w) along its longer side; the last piece takes the rest, too."""
    side = max(1, min(box.height, box.width) // 2)
    if box.width >= box.height:
        number = np.broadcast_to(np.arange(box.width) // side, (box.height, box.width))
    else:
        number = np.broadcast_to(np.arange(box.height)[:, None] // side, (box.height, box.width))
    return np.minimum(number, max(box.height, box.width) // side - 1)


def _counts(cells: Numbers, flags: Flags) -> Numbers:
    """Return how many pixels of every cell (n) are flagged (h,w)."""
    return np.bincount(cells[flags], minlength=int(cells.max()) + 1)


def _contrast(line: Line, colours: _Values) -> _Values:
    """Return the mean colour (n,3) of inner pixels less that beside them, by cell; 0 where one is missing."""
    sums = []
    for part in (line.inner, line.beside):
        cells, count = line.cells[part], line.count(part)
        means = [
            np.bincount(cells, plane[part], len(count)) / np.maximum(count, 1) for plane in colours
        ]
        sums.append(np.where(count > 0, means, np.nan))
    return np.nan_to_num(sums[0] - sums[1]).T.astype(np.float32)
