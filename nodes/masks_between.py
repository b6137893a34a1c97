"""LGTSMMasksBetween: a mask a frame from a few painted ones."""

from __future__ import annotations

import torch
from comfy_api.latest import io
from torch import Tensor

from ..lgtsm.errors import OptionError
from ..lgtsm.masks.between import masks_between
from .convert import from_holes
from .schema import number, schema
from .track_inputs import numbered

_MOST_FRAMES = 100_000


class LGTSMMasksBetween(io.ComfyNode):
    """Interpolate key masks."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Return ids, inputs and outputs."""
        return schema(
            node_id="LGTSMMasksBetween",
            display_name="LGTSM Masks Between",
            description=(
                "Makes a mask for every frame from masks painted for some of them: between two painted frames one "
                "shape turns into the other; before the first and after the last it stands still. An empty mask "
                "ends it."
            ),
            search_aliases=["interpolate masks", "rotoscope", "key masks", "tween mask"],
            inputs=[
                io.Mask.Input("masks", tooltip="The painted masks, in the order of frames."),
                io.String.Input(
                    "frames",
                    default="0",
                    tooltip="Numbers of their frames, counted from 0, such as 0, 24, 60.",
                ),
                number(
                    io.Int, "num_frames", 60, (1, _MOST_FRAMES), "Length of the clip in frames."
                ),
            ],
            outputs=[io.Mask.Output("mask", tooltip="One per frame.")],
        )

    @classmethod
    def execute(cls, masks: Tensor, frames: str, num_frames: int) -> io.NodeOutput:  # noqa: D102
        painted = numbered(masks, frames)
        keys = dict(painted)
        if len(keys) < len(painted):
            raise OptionError(
                f"Expected {len(painted)} different frame numbers, one for each mask, got {frames!r:.80}; "
                "write them as 0, 24, 60."
            )
        holes = torch.stack(list(masks_between(keys, num_frames)))
        return io.NodeOutput(from_holes(holes, num_frames))
