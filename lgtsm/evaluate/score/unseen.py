"""The part of a hole that no frame shows, found once a case, so that all methods are measured on it."""

from __future__ import annotations

import torch
from torch import Tensor

from ...copying.blending import SEEN
from ...copying.clip import clip_candidates
from ...options import InpaintOptions


@torch.inference_mode()
def find_unseen(frames: Tensor, holes: Tensor) -> Tensor:
    """Find the pixels that the product's own copies, with its default options, do not show.

    Args:
        frames: (T,3,H,W) in [0,1].
        holes: (T,1,H,W) 0 or 1, 1 = hole.

    Returns:
        (T,1,H,W), 1 = a hole pixel that no frame shows.
    """
    options = InpaintOptions()
    reach = options.reach
    copies = clip_candidates(frames, holes, (reach, reach), options.source_frames, options.motion)
    return holes * (copies.confidence < SEEN)
