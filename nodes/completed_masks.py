"""Masks completed with shadows and rims, as an input of nodes."""

from __future__ import annotations

import torch
from comfy_api.latest import io
from torch import Tensor

from ..lgtsm.completion.call import CompletedMasks, complete_masks
from ..lgtsm.completion.kinds import parse_additions
from ..lgtsm.mask_options import MaskOptions
from ..lgtsm.masks.prepare import binary_hole, of_count
from .loaded import Reporter

NOTHING = "nothing"


def complete_input() -> io.Input:
    """Return the choice of what is added."""
    return io.Combo.Input(
        "complete",
        options=[NOTHING, "shadow,rim", "shadow", "rim"],
        default=NOTHING,
        optional=True,
        tooltip="Add the object's shadow, what the mask missed at its rim, or both, as far as other frames show "
        "the background. Takes about a second a frame; needs the mask of a moving object, not grown.",
    )


def completed(
    frames: Tensor, masks: Tensor, options: MaskOptions, complete: str, reporter: Reporter
) -> CompletedMasks:
    """Complete the masks of a clip.

    Args:
        frames: (T,3,H,W).
        masks: (N,1,H,W) in [0,1], before any step of preparation.
        options: threshold, invert, fill_enclosed and length apply to the object alone.
        complete: a word of `complete_input` but nothing.
        reporter: shows progress and cancels.
    """
    holes = (binary_hole(mask, options, number) for number, mask in enumerate(masks))
    whole = torch.stack(list(of_count(holes, len(frames), options.length)))
    return complete_masks(
        frames,
        whole,
        parse_additions(complete),
        progress=reporter.progress,
        cancel=reporter.cancel,
    )
