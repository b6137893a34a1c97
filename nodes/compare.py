"""LGTSMCompare: a clip before and after its repair in one picture."""

from __future__ import annotations

from comfy_api.latest import io, ui
from torch import Tensor

from ..lgtsm.masks.overlay import compare
from ..lgtsm.options import CompareAs, VideoOptions
from .convert import frame_size, to_frames, to_images, to_masks
from .schema import option, schema

_SHOWN = 3
"""Number of frames shown in the node itself."""


class LGTSMCompare(io.ComfyNode):
    """Show before and after."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Return ids, inputs and outputs."""
        return schema(
            node_id="LGTSMCompare",
            display_name="LGTSM Before and After",
            description=(
                "Shows a clip before and after its repair in one picture: side by side, as a wipe "
                "whose line moves across it, or with the mask in red and the numbers of the frames, to find "
                "what the mask missed. Connect the result to Create Video to save it."
            ),
            search_aliases=["compare", "before after", "side by side", "wipe", "split screen"],
            inputs=[
                io.Image.Input("before", tooltip="The clip before the repair."),
                io.Image.Input("after", tooltip="The clip after the repair."),
                option(VideoOptions, "compare_as"),
                io.Mask.Input(
                    "mask",
                    optional=True,
                    tooltip="What to show in red where compare_as is mask: mask_used of LGTSM Inpaint.",
                ),
            ],
            outputs=[io.Image.Output("images", tooltip="Both clips in one picture.")],
        )

    @classmethod
    def execute(  # noqa: D102
        cls, before: Tensor, after: Tensor, compare_as: str, mask: Tensor | None = None
    ) -> io.NodeOutput:
        frames, repaired = to_frames(before), to_frames(after)
        holes = None
        if mask is not None:
            holes = to_masks(mask, frame_size(frames), num_frames=len(frames))
        shown = to_images(compare(frames, repaired, CompareAs(compare_as), holes=holes))
        step = max(1, len(shown) // _SHOWN)
        return io.NodeOutput(shown, ui=ui.PreviewImage(shown[step // 2 :: step][:_SHOWN], cls=cls))
