"""The public call: a clip in memory."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from ..clip_tensors import describe, is_clip_tensor
from ..engine.hooks import Hooks
from ..errors import ShapeError
from ..track_options import TrackOptions
from .clip import TensorClip
from .kept import Kept
from .load_tracker import load_tracker
from .prompts import Prompt
from .repaint import advise, frames_to_repaint
from .track import Tracker

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Track:
    """An object in every frame of a clip.

    masks: (T,1,H,W) float32, 0 or 1, 1 = object; as painted where a mask was painted.
    confidence: (T,) predicted intersection over union with the true mask, 0 to 1; 1 where painted.
    repaint: frames to paint next, the most helpful first; empty where all is sure enough.
    notes: what the user should know, in sentences.
    """

    masks: Tensor
    confidence: Tensor
    repaint: list[int]
    notes: list[str] = field(default_factory=list[str])

    @property
    def advice(self) -> str:
        """A sentence about what to paint next."""
        return advise(self.repaint)


def track_mask(
    frames: Tensor,
    prompts: Sequence[Prompt],
    *,
    options: TrackOptions | None = None,
    cuts: Sequence[int] | None = None,
    progress: Callable[[int, int, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
    kept: Kept | None = None,
) -> Track:
    """Find an object that is painted in some frames in all frames.

    Args:
        frames: (T,3,H,W) floating point in [0,1]; never modified.
        prompts: what is known of the object; a mask painted on a frame is the mask of that frame.
        options: what tracks; None is the built-in tracker.
        cuts: frame numbers at which a new shot begins; None detects them. Nothing is tracked across
            a cut: paint one frame of every shot that shows the object.
        progress: called as progress(done, total, note).
        cancel: asked between frames; True stops.
        kept: filled with what was tracked; given again with corrected prompts, only the frames next to
            a changed prompt are tracked again.

    Raises:
        ShapeError: frames that are no clip; OptionError: prompts that cannot be used; WeightsError,
            DeviceError: a network that cannot be loaded; Cancelled.
    """
    if not (is_clip_tensor(frames) and frames.dim() == 4 and frames.shape[1] == 3 and len(frames)):
        raise ShapeError(
            f"Expected frames (T,3,H,W) as floats in 0..1, got {describe(frames)}; move the channels "
            "to the second place, divide bytes by 255."
        )
    tracker = Tracker(
        TensorClip(frames),
        prompts,
        cuts,
        Hooks(progress, cancel),
        kept,
        walker=load_tracker(options or TrackOptions()),
    )
    tracked = list(tracker.run())
    for note in tracker.notes:
        _LOG.warning("%s", note)
    confidence = [one.confidence for one in tracked]
    return Track(
        torch.stack([one.mask for one in tracked]),
        torch.tensor(confidence),
        frames_to_repaint(confidence, [prompt.frame for prompt in prompts]),
        tracker.notes,
    )
