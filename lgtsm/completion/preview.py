"""The object, what was added to it and what may belong to it, each in a colour of its own."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from ..masks.overlay import overlay
from .completer import Completed
from .kinds import Addition

_COLOURS = {Addition.SHADOW: (1.0, 0.85, 0.0), Addition.RIM: (0.1, 0.8, 1.0)}
_PERHAPS = (0.6, 0.35, 1.0)
_WEIGHT = 0.6


def shown_additions(frame: Tensor, one: Completed) -> Tensor:
    """Tint a frame (3,H,W) in [0,1]: the object red, additions as `tint_additions`."""
    shown = overlay(frame[None], one.mask[None])[0]
    return tint_additions(shown, frame, one.added, one.perhaps)


def tint_additions(
    shown: Tensor, frames: Tensor, added: Mapping[Addition, Tensor], perhaps: Tensor
) -> Tensor:
    """Tint shadows yellow, rims blue, and what may belong to the object violet.

    Args:
        shown: (...,3,H,W) in [0,1], pictures of the frames with their masks.
        frames: (...,3,H,W), the frames.
        added: (...,1,H,W) by kind.
        perhaps: (...,1,H,W).

    Returns:
        (...,3,H,W), a new tensor.
    """
    for colour, mask in (
        *((_COLOURS[kind], part) for kind, part in added.items()),
        (_PERHAPS, perhaps),
    ):
        tint = torch.tensor(colour).to(frames).view(3, 1, 1)
        shown = torch.where(mask > 0, torch.lerp(frames, tint, _WEIGHT), shown)
    return shown
