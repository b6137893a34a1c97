"""Turn masks into the holes that are filled, frame by frame in bounded memory.

Order: threshold, invert, fill enclosed regions, close gaps in time, grow in time, grow in space.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import TypeVar

import torch
from torch import Tensor

from ..errors import ShapeError
from ..mask_options import LengthPolicy, MaskOptions
from .morph import fill_enclosed, fill_gaps, grow, temporal_grow

Frame = TypeVar("Frame")
INVERTED_RATIO = 0.8
"""Coverage from which on a mask is probably inverted; set by hand."""
EMPTY_MASK = "the mask is empty: nothing was filled"


def inverted_mask(coverage: float) -> str:
    """Return the note about a mask of large coverage (0 to 1)."""
    return f"the mask covers {coverage:.0%} of the picture: is it inverted?"


def binary_hole(mask: Tensor, options: MaskOptions, index: int = 0) -> Tensor:
    """Turn one mask into a hole, without the temporal steps.

    Args:
        mask: (1,H,W) or (H,W), values in [0,1].
        options: threshold, invert, fill_enclosed.
        index: its frame number, for error messages.

    Returns:
        (1,H,W) float32, 0 or 1, 1 = hole.

    Raises:
        ShapeError: the shape differs, or a value is NaN or outside [0,1].
    """
    plane = mask[None] if mask.dim() == 2 else mask
    if plane.dim() != 3 or plane.shape[0] != 1:
        raise ShapeError(
            f"Expected a mask of shape (1,H,W), got {tuple(mask.shape)} at frame {index}; give one "
            "channel."
        )
    low, high = (float(v) for v in torch.aminmax(plane.float()))
    if not (low >= -1e-3 and high <= 1 + 1e-3):  # NaN fails both
        raise ShapeError(
            f"Expected mask values in 0..1, got {low:.3g}..{high:.3g} at frame {index}; divide "
            "bytes by 255."
        )
    hole = plane > options.threshold
    if options.invert:
        hole = ~hole
    hole = hole.to(torch.float32)
    return fill_enclosed(hole[None])[0] if options.fill_enclosed else hole


def prepare(masks: Iterable[Tensor], options: MaskOptions) -> Iterator[Tensor]:
    """Turn a clip of masks into holes, one per mask.

    Args:
        masks: (1,H,W) or (H,W) each, in order.
        options: all but the length policy, which `pair_with` applies.

    Yields:
        (1,H,W) float32, 0 or 1, with a look-ahead of temporal_gap + temporal_grow frames.

    Raises:
        ShapeError: as `binary_hole`, or the masks differ in size.
    """
    return _in_time(_binary(masks, options), options)


def _binary(masks: Iterable[Tensor], options: MaskOptions) -> Iterator[Tensor]:
    return _of_one_size(binary_hole(mask, options, i) for i, mask in enumerate(masks))


def _in_time(holes: Iterator[Tensor], options: MaskOptions) -> Iterator[Tensor]:
    """Apply the temporal steps, then grow the holes."""
    gap, span = options.temporal_gap, options.temporal_grow
    if gap:
        holes = _windowed(holes, gap, gap, lambda clip: fill_gaps(clip, gap))
    if span:
        holes = _windowed(holes, span, span, lambda clip: temporal_grow(clip, span))
    for hole in holes:
        yield grow(hole, options.grow_px(hole.shape[-2]))


def _of_one_size(holes: Iterable[Tensor]) -> Iterator[Tensor]:
    """Yield the holes and refuse a change of size."""
    size = None
    for hole in holes:
        size = size or hole.shape
        if hole.shape != size:
            raise ShapeError(
                f"Expected all masks to be {tuple(size[1:])}, got {tuple(hole.shape[1:])}; resize "
                "them to one size."
            )
        yield hole


def _windowed(
    holes: Iterable[Tensor], past: int, future: int, change: Callable[[Tensor], Tensor]
) -> Iterator[Tensor]:
    """Apply a function of clips that depends on `past` and `future` frames, in a sliding window."""
    window: deque[Tensor] = deque()
    first = done = arrived = 0  # indices: window start, next output, next input

    def ready(last: int) -> Iterator[Tensor]:
        nonlocal first, done
        while done < last:
            while first < done - past:
                window.popleft()
                first += 1
            seen = list(window)[: done + future + 1 - first]
            yield change(torch.stack(seen))[done - first]
            done += 1

    for hole in holes:
        window.append(hole)
        arrived += 1
        yield from ready(arrived - future)
    yield from ready(arrived)


def pair_with(
    frames: Iterable[Frame],
    masks: Iterable[Tensor],
    options: MaskOptions,
    *,
    may_outlast: bool = False,
) -> Iterator[tuple[Frame, Tensor]]:
    """Pair every frame with its hole.

    Args:
        frames: in order, of any type.
        masks: one for all frames, or one per frame; otherwise the length policy decides.
        options: how masks become holes.
        may_outlast: allow more masks than frames, which are only a part of the clip.

    Yields:
        Pairs (frame, hole (1,H,W) 0 or 1); a single mask is prepared once and repeated.

    Raises:
        ShapeError: there is no mask, or the policy refuses the lengths.
    """
    start, masks = _first_two(masks)
    if len(start) == 1:
        hole = next(prepare(start, options))
        for frame in frames:
            yield frame, hole
        return
    # loop the binary holes, which bytes store exactly
    binary = _binary(chain(start, masks), options)
    holes = _in_time(_of_length(binary, options.length), options)
    number = 0
    for frame in frames:
        hole = next(holes, None)
        if hole is None:
            raise _length_error(f"more than {number}", str(number))
        number += 1
        yield frame, hole
    if may_outlast or options.length is not LengthPolicy.ERROR:
        return
    if next(holes, None) is not None:
        raise _length_error(str(number), f"more than {number}")


def of_count(masks: Iterable[Tensor], count: int, policy: LengthPolicy) -> Iterator[Tensor]:
    """Yield one mask per frame of a part of a clip.

    Args:
        masks: one for all frames, or one per frame; otherwise the policy decides.
        count: frames of the part.
        policy: hold the last mask, loop, or refuse.

    Yields:
        `count` masks; surplus ones are dropped unless the policy refuses them.

    Raises:
        ShapeError: there is no mask, or the policy refuses their number.
    """
    start, masks = _first_two(masks)
    if len(start) == 1:
        yield from start * count
        return
    masks = _of_length(chain(start, masks), policy)
    for number in range(count):
        mask = next(masks, None)
        if mask is None:
            raise _length_error(str(count), str(number))
        yield mask
    if policy is LengthPolicy.ERROR and next(masks, None) is not None:
        raise _length_error(str(count), f"more than {count}")


def _first_two(masks: Iterable[Tensor]) -> tuple[list[Tensor], Iterator[Tensor]]:
    """Return the first two masks, which tell a single one from one per frame, and an iterator over the rest."""
    masks = iter(masks)
    start = list(islice(masks, 2))
    if not start:
        raise ShapeError("Expected at least one mask, got none; add a mask.")
    return start, masks


def _length_error(num_frames: str, num_masks: str) -> ShapeError:
    return ShapeError(
        f"Expected one mask or as many as frames, got {num_masks} masks for {num_frames} frames; "
        "add masks, or repeat the last one (--length hold) or all (--length loop)."
    )


def _of_length(masks: Iterable[Tensor], policy: LengthPolicy) -> Iterator[Tensor]:
    """Extend a clip of masks endlessly if the policy holds or loops.

    A looped clip is stored as bytes where these are exact.
    """
    kept: list[Tensor] = []
    last: Tensor | None = None
    for mask in masks:
        if policy is LengthPolicy.LOOP:
            rounded = (mask * 255).round().to(torch.uint8)
            kept.append(rounded if torch.equal(rounded.to(mask.dtype) / 255, mask) else mask)
        last = mask
        yield mask
    while policy is LengthPolicy.HOLD and last is not None:
        yield last
    while kept:
        for mask in kept:
            yield mask.to(torch.float32) / 255 if mask.dtype is torch.uint8 else mask
