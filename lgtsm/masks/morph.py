"""Grow, shrink, fill, feather and resize holes; pure functions on 0/1 tensors, 1 = hole.

All sizes are in pixels or frames. Distances are exact Euclidean ones between pixel centres, by passes
over rows and columns: scipy's distance transform takes 1.3 to 8 times as long at 1920x1080 for radii up
to 16. Pixels outside the frame are neither hole nor known: they grow and feather nothing.
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
    """Dilate holes by a disc: every pixel at most `px` from a hole becomes hole.

    Args:
        holes: (...,H,W), 0 or 1.
        px: radius, 0 or more; 0 changes nothing.

    Returns:
        Holes of the same shape and dtype, in time proportional to `px`.

    Raises:
        OptionError: a negative radius.
    """
    _check_count("px", px)
    if px == 0 or (box := _grown_box(holes, px)) is None:
        return holes
    inside = (holes[..., box.rows, box.columns] > 0).contiguous()
    grown = torch.zeros_like(inside)
    # a column dx away reaches isqrt(px^2 - dx^2) rows: far columns first, as the reach only grows
    column = px
    for reach, tall in enumerate(_vertical_steps(inside, px)):
        while column >= 0 and math.isqrt(px * px - column * column) == reach:
            _merge_shifted(grown, tall, column)
            column -= 1
    result = holes.clone()
    result[..., box.rows, box.columns] = grown.to(holes.dtype)
    return result


def shrink(holes: Tensor, px: int) -> Tensor:
    """Erode holes by a disc: every hole pixel at most `px` from a known pixel becomes known.

    Args:
        holes: (...,H,W), 0 or 1.
        px: radius, 0 or more; 0 changes nothing. The frame's edge does not erode a hole.

    Returns:
        Holes of the same shape and dtype.

    Raises:
        OptionError: a negative radius.
    """
    return 1 - grow(1 - holes, px) if px else grow(holes, px)


def fill_enclosed(holes: Tensor) -> Tensor:
    """Fill known regions that a hole encloses completely, frame by frame.

    Known pixels are 4-connected, so a ring closed only over corners encloses. A region at the frame's
    edge is open.

    Args:
        holes: (...,H,W), 0 or 1.

    Returns:
        Holes of the same shape and dtype, a new tensor where anything is filled.
    """
    from scipy.ndimage import binary_fill_holes

    box = _grown_box(holes, 1)
    if box is None:
        return holes
    result = holes.clone(memory_format=torch.contiguous_format)
    for frame in result.view(-1, *holes.shape[-2:])[:, box.rows, box.columns]:
        frame[torch.from_numpy(binary_fill_holes(frame.cpu().numpy() > 0))] = 1
    return result


def temporal_grow(holes: Tensor, n: int) -> Tensor:
    """Dilate holes in time: every hole pixel starts `n` frames earlier and ends `n` frames later.

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
    """Close gaps in time: mask a pixel that is unmasked for at most `n` frames between masked ones.

    Args:
        holes: (T,1,H,W), 0 or 1.
        n: longest gap in frames, 0 or more; a gap at the clip's start or end remains.

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
    """Return the weights of the fill against the source, which rise inwards from the hole's edge.

    The weight is min(d / (px + 1), 1), where d is the distance to the nearest known pixel.

    Args:
        hole: (...,1,H,W), 0 or 1.
        px: width of the soft edge, 0 or more; 0 gives the hole itself.

    Returns:
        Weights (...,1,H,W) float32: 0 outside, above 0 inside, 1 deeper than `px`; the frame's
        edge does not count as an edge of the hole.

    Raises:
        OptionError: a negative width.
    """
    _check_count("px", px)
    weights = (hole > 0).to(torch.float32)
    box = _grown_box(hole, 1)
    if px == 0 or box is None:
        return weights
    known = (hole[..., box.rows, box.columns] == 0).contiguous()
    limit = px + 1
    rows_away = torch.full(known.shape, limit, dtype=torch.int32, device=hole.device)
    for tall in _vertical_steps(known, px):
        rows_away -= tall.to(torch.int32)  # ends as min(distance in the column, px + 1)
    vertical = rows_away * rows_away
    squares = vertical.clone()
    for column in range(1, min(px, known.shape[-1] - 1) + 1):
        away = vertical + column * column
        torch.minimum(squares[..., column:], away[..., :-column], out=squares[..., column:])
        torch.minimum(squares[..., :-column], away[..., column:], out=squares[..., :-column])
    soft = squares.to(torch.float32).sqrt() / limit
    weights[..., box.rows, box.columns] = soft.clamp(max=1.0)
    return weights


def shrink_to(holes: Tensor, size: tuple[int, int]) -> Tensor:
    """Downscale holes without losing any: a pixel is hole if it overlaps a hole pixel.

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


def stretch(masks: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize masks without losing a hole pixel and without interpolated values.

    Args:
        masks: (T,1,h,w) in [0,1].
        size: (height, width) in pixels, 1 or more each.

    Returns:
        (T,1,height,width) of the same dtype: max pooling along axes that shrink, nearest neighbour
        along those that grow.
    """
    smaller = tuple(min(old, new) for old, new in zip(masks.shape[2:], size, strict=True))
    return F.interpolate(F.adaptive_max_pool2d(masks, smaller), size=size, mode="nearest-exact")


def _check_count(name: str, value: int) -> None:
    if value < 0:
        raise OptionError(f"Expected {name} of 0 or more, got {value}; raise it.")


def _grown_box(marked: Tensor, margin: int) -> Box | None:
    """Return the bounding box of marked pixels with a margin, inside the frame; None if there are none."""
    box = hole_box(marked)
    return None if box is None else box.grow(margin) & Box(0, 0, *marked.shape[-2:])


def _vertical_steps(marked: Tensor, px: int) -> Iterator[Tensor]:
    """Yield `marked` (...,H,W) bool dilated vertically by 0, 1 .. px rows; one tensor, reused."""
    tall = marked.clone()
    yield tall
    for step in range(1, px + 1):
        if step < marked.shape[-2]:
            tall[..., step:, :] |= marked[..., :-step, :]
            tall[..., :-step, :] |= marked[..., step:, :]
        yield tall


def _merge_shifted(target: Tensor, source: Tensor, columns: int) -> None:
    """Unite `target` (...,H,W) bool in place with `source` shifted left and right by `columns`."""
    if columns == 0:
        target |= source
    elif columns < target.shape[-1]:
        target[..., columns:] |= source[..., :-columns]
        target[..., :-columns] |= source[..., columns:]
