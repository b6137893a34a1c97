"""Painted frames as inputs of nodes, and what tracking puts out beside the mask."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from comfy_api.latest import io
from torch import Tensor

from ..lgtsm.errors import ShapeError
from ..lgtsm.knobs import knobs
from ..lgtsm.track_options import TrackOptions
from ..lgtsm.tracking.prompts import Prompt
from .convert import to_masks
from .fill_inputs import cuts_input
from .frame_numbers import frame_numbers
from .schema import option

_SHOWN = 6
"""Frames shown in a node."""
SEARCH_ALIASES = ["video mask", "rotoscope", "segment video", "propagate mask", "track object"]


def prompt_inputs() -> list[io.Input]:
    """Return the inputs after the clip; their order is frozen."""
    return [
        io.Mask.Input(
            "painted",
            tooltip="The object, white, in one frame or some frames: from the mask editor of Load Image on "
            "a frame of LGTSM Video Frame, or from any segmenter.",
        ),
        io.String.Input(
            "painted_frames",
            default="0",
            tooltip="Numbers of the painted frames, counted from 0, in the order of the masks, such as 0, 48. Two seconds into "
            "a video of 24 frames a second is 48.",
        ),
        cuts_input(),
        option(TrackOptions, "tracker", optional=True),
        io.String.Input(
            "tracker_model",
            optional=True,
            default="",
            tooltip=f"{knobs(TrackOptions)['tracker_model'].text} Empty for the built-in tracker.",
        ),
    ]


def track_outputs() -> list[io.Output]:
    """Return the outputs after the mask."""
    return [
        io.String.Output(
            "repaint",
            tooltip="Numbers of the frames to look at first, the least sure first; paint them only where the mask is wrong. "
            "Empty if it is sure of every frame.",
        ),
        io.Float.Output("confidence", tooltip="Mean predicted overlap with the true mask, 0 to 1."),
        io.String.Output(
            "info", tooltip="Predicted overlap of every frame, and warnings, as JSON."
        ),
    ]


def advice_output() -> io.Output:
    """Return the last output of a node that tracks."""
    return io.String.Output(
        "advice", tooltip="Which frame to paint next, as a sentence; connect it to Preview as Text."
    )


def to_track_options(settings: Mapping[str, Any]) -> TrackOptions:
    """Return the options of a node's tracker.

    Raises:
        OptionError: a network without weights, or weights without a network.
    """
    return TrackOptions.of({**settings, "tracker_model": settings.get("tracker_model") or None})


def to_prompts(painted: Tensor, numbers: str, size: tuple[int, int]) -> list[Prompt]:
    """Return the prompts of a node.

    Args:
        painted: (N,H,W) or (H,W), white = object.
        numbers: one frame number for each.
        size: (height, width) of the frames.

    Raises:
        OptionError: not numbers, or not as many as masks.
        ShapeError: masks of another size, which belong to another clip; or nothing is painted in any.
    """
    masks = to_masks(painted, size=size)
    if not masks.any():
        raise ShapeError(
            "Expected an object painted in one picture or more, got nothing painted; paint in the mask "
            "editor of Load Image, or load a picture that is white on black by Load Image (as Mask)."
        )
    return [Prompt(frame=frame, mask=mask) for frame, mask in numbered(painted, numbers)]


def numbered(painted: Tensor, numbers: str) -> list[tuple[int, Tensor]]:
    """Return masks (1,H,W) with the numbers of their frames; arguments and errors as of `to_prompts`."""
    masks = to_masks(painted)
    frames = frame_numbers(numbers, len(masks), "painted masks", "Batch Masks")
    return list(zip(frames, masks, strict=True))


def shown_numbers(repaint: Sequence[int], count: int) -> list[int]:
    """Return the frames of `count` that a node shows, in order: the least sure, else some of all."""
    step = max(1, count // _SHOWN)
    return sorted(repaint[:_SHOWN]) or list(range(step // 2, count, step))[:_SHOWN]


def told(confidence: Sequence[float], repaint: Sequence[int], notes: Sequence[str]) -> str:
    """Return the JSON text of `info`."""
    values = [round(value, 3) for value in confidence]
    return json.dumps({"confidence": values, "repaint": list(repaint), "notes": list(notes)})
