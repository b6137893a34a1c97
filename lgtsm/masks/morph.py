"""Grow, shrink, close, feather and down-scale holes; pure functions on 0/1 tensors, 1 = hole.

All sizes are pixels or frames. Distances are exact Euclidean ones between pixel centres. What lies
outside the frame is neither hole nor known: it grows nothing and feathers nothing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from ..box import Box, hole_box
from ..errors import OptionError


def grow(holes: Tensor, px: int) -> Tensor:
    """Grow holes by a disc: every pixel at most `px` from a hole becomes hole.

    Args:
        holes: (...,H,W), 0 or 1.
        px: radius, 0 or more; 0 changes nothing.

    Returns:
        Holes of the same shape and dtype; takes time in proportion to `px`.

    Raises:
        OptionError: a negative radius.
    """
    _check_count("px", px)
    window = _window(holes, px)
    if px == 0 or window is None:
        return holes
    rows, columns = window.rows, window.columns
    inside = (holes[..., rows, columns] > 0).contiguous()
    grown = torch.zeros_like(inside)
    # A column dx away may reach isqrt(px^2 - dx^2) rows: far columns first, as reach only grows.
    column = px
    for reach, tall in enumerate(_vertical_steps(inside, px)):
        while column >= 0 and math.isqrt(px * px - column * column) == reach:
            _merge_shifted(grown, tall, column)
            column -= 1
    result = holes.clone()
    result[..., rows, columns] = grown.to(holes.dtype)
    return result


def shrink(holes: Tensor, px: int) -> Tensor:
    """Shrink holes by a disc: every hole pixel at most `px` from a known pixel becomes known.

    Args:
        holes: (...,H,W), 0 or 1.
        px: radius, 0 or more; 0 changes nothing. The frame's edge does not shrink a hole.

    Returns:
        Holes of the same shape and dtype.

    Raises:
        OptionError: a negative radius.
    """
    return 1 - grow(1 - holes, px) if px else grow(holes, px)


def fill_enclosed(holes: Tensor) -> Tensor:
    """Close known regions that a hole encloses completely, frame by frame.

    Known pixels hang together over their four sides, so a ring closed over corners encloses.
    A region at the frame's edge is open.

    Args:
        holes: (...,H,W), 0 or 1.

    Returns:
        Holes of the same shape and dtype.
    """
    window = _window(holes, 1)
    if window is None:
        return holes
    rows, columns = window.rows, window.columns
    part = holes[..., rows, columns]
    known = (part == 0).flatten(0, -3) if part.dim() > 2 else (part == 0)[None]  # (N,h,w)
    across, down = _runs(known), _runs(known.mT)
    # The window ends one pixel beyond the holes or at the frame's edge: its rim is open.
    open_ = torch.zeros_like(known)
    open_[:, [0, -1]] = known[:, [0, -1]]
    open_[:, :, [0, -1]] |= known[:, :, [0, -1]]
    count = -1
    while (reached := int(open_.sum())) != count:
        count = reached
        open_ = _flood_runs(open_, across) & known
        open_ = _flood_runs(open_.mT, down).mT & known
    closed = (~open_).view(part.shape).to(holes.dtype)
    result = holes.clone()
    result[..., rows, columns] = closed
    return result


def temporal_grow(holes: Tensor, n: int) -> Tensor:
    """Let every hole pixel start `n` frames earlier and end `n` frames later.

    Args:
        holes: (T,1,H,W), 0 or 1.
        n: frames, 0 or more.

    Returns:
        Holes of the same shape and dtype.

    Raises:
        OptionError: a negative number of frames.
    """
    _check_count("n", n)
    grown = holes.clone()
    for shift in range(1, min(n, len(holes) - 1) + 1):
        torch.maximum(grown[shift:], holes[:-shift], out=grown[shift:])
        torch.maximum(grown[:-shift], holes[shift:], out=grown[:-shift])
    return grown


def fill_gaps(holes: Tensor, n: int) -> Tensor:
    """Mask a pixel where it is unmasked for at most `n` frames between two masked ones.

    Args:
        holes: (T,1,H,W), 0 or 1.
        n: longest gap in frames, 0 or more; a gap at the clip's start or end stays.

    Returns:
        Holes of the same shape and dtype.

    Raises:
        OptionError: a negative number of frames.
    """
    _check_count("n", n)
    filled = holes.clone()
    never = -len(holes) - n - 2
    last = torch.full(holes.shape[1:], never, dtype=torch.int32, device=holes.device)
    for index in range(len(holes)):
        masked = holes[index] > 0
        gap = index - last - 1
        ends = masked & (gap > 0) & (gap <= n)
        if bool(ends.any()):
            for earlier in range(max(index - n, 0), index):
                filled[earlier][ends & (last < earlier)] = 1
        last[masked] = index
    return filled


def feather_weights(hole: Tensor, px: int) -> Tensor:
    """Weigh the fill against the source: rising inwards from the hole's edge.

    The weight is d / (px + 1), at most 1, with d the distance to the nearest known pixel.

    Args:
        hole: (...,1,H,W), 0 or 1.
        px: width of the soft edge, 0 or more; 0 gives the hole itself.

    Returns:
        Weights (...,1,H,W) float32: 0 outside, above 0 inside, 1 deeper than `px`; the frame's
        edge is no edge of the hole.

    Raises:
        OptionError: a negative width.
    """
    _check_count("px", px)
    weights = (hole > 0).to(torch.float32)
    window = _window(hole, 1)
    if px == 0 or window is None:
        return weights
    rows, columns = window.rows, window.columns
    known = (hole[..., rows, columns] == 0).contiguous()
    limit = px + 1
    height_away = torch.full(known.shape, limit, dtype=torch.int32, device=hole.device)
    for tall in _vertical_steps(known, px):
        height_away -= tall.to(torch.int32)  # ends as min(distance in the column, px + 1)
    upright = height_away * height_away
    squares = upright.clone()
    for column in range(1, min(px, known.shape[-1] - 1) + 1):
        away = upright + column * column
        torch.minimum(squares[..., column:], away[..., :-column], out=squares[..., column:])
        torch.minimum(squares[..., :-column], away[..., column:], out=squares[..., :-column])
    soft = squares.to(torch.float32).sqrt() / limit
    weights[..., rows, columns] = soft.clamp(max=1.0)
    return weights


def shrink_to(holes: Tensor, size: tuple[int, int]) -> Tensor:
    """Scale holes down so that no hole pixel is lost: a pixel is hole if it touches one.

    Args:
        holes: (T,1,H,W) float, 0 or 1.
        size: (height, width) in pixels, 1 or more each.

    Returns:
        Holes (T,1,height,width) of the same dtype.

    Raises:
        OptionError: a size below 1.
    """
    if min(size) < 1:
        raise OptionError(f"Expected a size of 1 pixel or more, got {size}; give height, width.")
    return F.adaptive_max_pool2d(holes, size)


def _check_count(name: str, value: int) -> None:
    if value < 0:
        raise OptionError(f"Expected {name} of 0 or more, got {value}; raise it.")


def _window(holes: Tensor, margin: int) -> Box | None:
    """Return the part of the frame that holds all holes (...,H,W) and a margin, if there is any."""
    box = hole_box(holes)
    return None if box is None else box.grow(margin) & Box(0, 0, *holes.shape[-2:])


def _vertical_steps(marked: Tensor, px: int) -> Iterator[Tensor]:
    """Yield `marked` (...,H,W) bool grown up and down by 0, 1 .. px rows; one tensor, reused."""
    tall = marked.clone()
    yield tall
    for step in range(1, px + 1):
        if step < marked.shape[-2]:
            tall[..., step:, :] |= marked[..., :-step, :]
            tall[..., :-step, :] |= marked[..., step:, :]
        yield tall


def _merge_shifted(target: Tensor, source: Tensor, columns: int) -> None:
    """Add `source` (...,H,W) bool, moved left and right by `columns`, to `target` in place."""
    if columns == 0:
        target |= source
    elif columns < target.shape[-1]:
        target[..., columns:] |= source[..., :-columns]
        target[..., :-columns] |= source[..., columns:]


def _runs(known: Tensor) -> Tensor:
    """Number the runs of known pixels along rows, no number twice; (N,h,w) bool -> int64."""
    ends = (~known).to(torch.int64)
    ends[..., 0] = 1  # rows do not run on into each other
    return ends.flatten().cumsum(0).view(known.shape)


def _flood_runs(open_: Tensor, runs: Tensor) -> Tensor:
    """Open every run that holds an open pixel; (N,h,w) bool."""
    reached = torch.zeros(int(runs[-1, -1, -1]) + 1, dtype=torch.bool, device=runs.device)
    reached[runs[open_]] = True
    return reached[runs]
