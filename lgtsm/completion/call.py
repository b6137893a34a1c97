"""The public call: masks of a clip in memory."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..clip_tensors import describe, is_clip_tensor, is_mask_tensor
from ..engine.hooks import Hooks
from ..errors import ShapeError
from .completer import Completed, Completer
from .kinds import ALL, Addition
from .summary import Summary

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class CompletedMasks:
    """Masks with what was missing; all (T,1,H,W) float32, 0 or 1.

    masks: as given, with all additions.
    added: by kind, beside the masks as they were given.
    perhaps: what may belong to the object, too, but was not added: look at it.
    notes: what the user should know, in sentences.
    """

    masks: Tensor
    added: dict[Addition, Tensor]
    perhaps: Tensor
    notes: list[str] = field(default_factory=list[str])


def complete_masks(
    frames: Tensor,
    masks: Tensor,
    kinds: Sequence[Addition] = ALL,
    *,
    cuts: Sequence[int] | None = None,
    progress: Callable[[int, int, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> CompletedMasks:
    """Add what belongs to an object and lies outside its masks.

    A place is added where the frame clearly differs from what other frames show there, and does so beside
    the object in the frames around it, too: as a shadow where it is darker with the same texture, as a
    rim where it is coloured like the object and touches it. Where no other frame shows the background,
    nothing is added.

    Args:
        frames: (T,3,H,W) floating point in [0,1]; never modified.
        masks: (T,1,H,W) in [0,1], above 0.5 = object, not grown; (1,1,H,W) serves all frames.
        kinds: what may be added.
        cuts: frame numbers at which a new shot begins; None detects them.
        progress: called as progress(done, total, note).
        cancel: asked between frames; True stops.

    Raises:
        ShapeError: shapes that do not fit; Cancelled.
    """
    if not (is_clip_tensor(frames) and frames.dim() == 4 and frames.shape[1] == 3 and len(frames)):
        raise ShapeError(
            f"Expected frames (T,3,H,W) as floats in 0..1, got {describe(frames)}; move the channels "
            "to the second place, divide bytes by 255."
        )
    count, _, height, width = frames.shape
    if not (
        is_mask_tensor(masks)
        and masks.dim() == 4
        and tuple(masks.shape[1:]) == (1, height, width)
        and len(masks) in (1, count)
    ):
        raise ShapeError(
            f"Expected masks ({count} or 1,1,{height},{width}) like the frames, got {describe(masks)}; "
            "resize them, one a frame."
        )
    completer, hooks, summary = (
        Completer((height, width), kinds, cuts),
        Hooks(progress, cancel),
        Summary(),
    )
    completed = list[Completed]()

    def run() -> Iterator[Completed]:
        for number in range(count):
            hooks.check()
            frame = frames[number].detach().cpu().float().nan_to_num(0, 1, 0).clamp(0, 1)
            yield from completer.push(frame, masks[number if len(masks) > 1 else 0].cpu().float())
        yield from completer.finish()

    for one in run():
        hooks.check()
        completed.append(one)
        summary.add(one)
        hooks.report(len(completed), count, "completing masks")
    for note in summary.notes:
        _LOG.warning("%s", note)
    return CompletedMasks(
        torch.stack([one.mask for one in completed]),
        {kind: torch.stack([one.added[kind] for one in completed]) for kind in kinds},
        torch.stack([one.perhaps for one in completed]),
        summary.notes,
    )
