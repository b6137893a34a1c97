"""From whatever masks arrive to the holes that are filled, frame by frame in bounded memory.

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
from ..options import LengthPolicy, MaskOptions
from .morph import fill_enclosed, fill_gaps, grow, temporal_grow

Frame = TypeVar("Frame")
INVERTED_RATIO = 0.8
"""Share of the picture; a mask that covers more is probably inverted."""
EMPTY_MASK = "the mask is empty: nothing was filled"


def inverted_mask(coverage: float) -> str:
    """Return the note about a mask that covers a share of 0 to 1 of the picture."""
    return f"the mask covers {coverage:.0%} of the picture: is it inverted?"


def binary_hole(mask: Tensor, options: MaskOptions, index: int = 0) -> Tensor:
    """Turn one mask into a hole, without anything that needs its neighbours in time.

    Args:
        mask: (1,H,W) or (H,W), values in [0,1].
        options: threshold, invert, fill_enclosed.
        index: its number, for messages.

    Returns:
        (1,H,W) float32, 0 or 1, 1 = hole.

    Raises:
        ShapeError: another shape, NaN, or values outside [0,1].
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
    """Turn a clip of masks into holes, one a mask.

    Args:
        masks: (1,H,W) or (H,W) each, in order.
        options: everything but the length policy, which `pair_with` applies.

    Returns:
        (1,H,W) float32, 0 or 1; looks ahead by temporal_gap + temporal_grow frames and no more.

    Raises:
        ShapeError: as `binary_hole`, or masks of different sizes.
    """
    return _in_time(_binary(masks, options), options)


def _binary(masks: Iterable[Tensor], options: MaskOptions) -> Iterator[Tensor]:
    return _of_one_size(binary_hole(mask, options, i) for i, mask in enumerate(masks))


def _in_time(holes: Iterator[Tensor], options: MaskOptions) -> Iterator[Tensor]:
    """Do to holes what depends on their neighbours, then grow them."""
    gap, span = options.temporal_gap, options.temporal_grow
    if gap:
        holes = _windowed(holes, gap, gap, lambda clip: fill_gaps(clip, gap))
    if span:
        holes = _windowed(holes, span, span, lambda clip: temporal_grow(clip, span))
    for hole in holes:
        yield grow(hole[None], options.grow)[0] if options.grow else hole


def _of_one_size(holes: Iterable[Tensor]) -> Iterator[Tensor]:
    """Pass holes on and stop where their size changes."""
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
    """Apply a change of whole clips that sees `past` and `future` frames, in a sliding window."""
    window: deque[Tensor] = deque()
    first = done = arrived = 0  # numbers of the window's first frame, the next out, the next in

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
    """Give every frame its hole.

    Args:
        frames: in order, of any type.
        masks: one mask for all frames, or one a frame; otherwise the length policy decides.
        options: how masks become holes.
        may_outlast: more masks than frames are fine: the frames are only a part of the clip.

    Returns:
        Pairs (frame, hole (1,H,W) 0 or 1); one mask alone is prepared once and repeated.

    Raises:
        ShapeError: no mask, or lengths that the policy does not accept.
    """
    start, masks = _first_two(masks)
    if len(start) == 1:
        hole = next(prepare(start, options))
        for frame in frames:
            yield frame, hole
        return
    # looped as holes: these keep exactly as bytes
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
    """Give a part of a clip one mask a frame.

    Args:
        masks: one for all frames, or one a frame; otherwise the policy decides.
        count: frames of the part.
        policy: holds the last mask, starts again, or refuses.

    Returns:
        `count` masks; what is left over is dropped, as the policy that is no error says.

    Raises:
        ShapeError: no mask, or a number of them that the policy refuses.
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
    """Return the first masks, which tell one for all from one a frame, and those behind them."""
    masks = iter(masks)
    start = list(islice(masks, 2))
    if not start:
        raise ShapeError("Expected at least one mask, got none; give a mask with frames.")
    return start, masks


def _length_error(num_frames: str, num_masks: str) -> ShapeError:
    return ShapeError(
        f"Expected one mask or as many as frames, got {num_masks} masks for {num_frames} frames; "
        "add masks, or choose to hold the last one or to loop."
    )


def _of_length(masks: Iterable[Tensor], policy: LengthPolicy) -> Iterator[Tensor]:
    """Extend a clip of masks without end where the policy says so.

    A looped clip is kept, as bytes where these are exact.
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
