"""LGTSMKeyFrames: the few frames of a clip in which something has to be invented."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import comfy.model_management
from comfy_api.latest import io
from torch import Tensor

from ..lgtsm.key_frame_set import NOTHING_TO_PAINT, key_frames
from ..lgtsm.mask_options import GROW_PX, MaskOptions
from ..lgtsm.neighbour_options import LEARNED
from ..lgtsm.options import InpaintOptions, Mode, RunOptions
from .convert import frame_size, to_frames, to_images, to_masks
from .fill_inputs import cuts_input, fill_options, plate_inputs, plate_masks_input, to_plates
from .frame_numbers import listed
from .loaded import Reporter, hole_ratio, make_ready
from .notices import shown_on
from .schema import option, schema

SEARCH_ALIASES = ["keyframe inpaint", "paint frame", "diffusion video inpainting", "clean plate"]


def key_frame_inputs() -> list[io.Input]:
    """Return the inputs after the clip and its mask; they should be those of the repair."""
    return [
        option(MaskOptions, "grow", default=GROW_PX),
        option(InpaintOptions, "source_frames"),
        option(InpaintOptions, "reach"),
        cuts_input(),
        option(RunOptions, "max_side"),
        option(InpaintOptions, "motion", without=LEARNED),
        option(InpaintOptions, "preset"),
        option(InpaintOptions, "unseen"),
        *plate_inputs(),
        plate_masks_input(),
        option(MaskOptions, "grow_percent", optional=True),
    ]


def key_frame_outputs() -> list[io.Output]:
    """Return the outputs, which fit the plate inputs of the repair."""
    return [
        io.Image.Output(
            "frames",
            tooltip="The key frames: real pixels of other frames, smooth where none shows anything. Fill "
            "what masks marks with any image inpainting graph and connect the result to plate.",
        ),
        io.Mask.Output(
            "masks",
            tooltip="White where no frame shows anything, one per key frame: the place to fill. Connect "
            "it to plate_masks as well.",
        ),
        io.String.Output("numbers", tooltip="Their frame numbers; connect it to plate_frames."),
        io.String.Output("report", tooltip="Figures of the copies, as JSON."),
    ]


class LGTSMKeyFrames(io.ComfyNode):
    """Choose the key frames of a clip in memory."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Return ids, inputs and outputs."""
        return schema(
            node_id="LGTSMKeyFrames",
            display_name="LGTSM Key Frames",
            description=(
                "Finds the few frames in which something has to be invented because no frame of the shot shows it, "
                "with a mask of the place; what other frames show is filled in already. Fill the place with any "
                "image model and connect the frames to plate, plate_frames and plate_masks of LGTSM Inpaint, "
                "which carries them through the shot without flicker."
            ),
            search_aliases=SEARCH_ALIASES,
            inputs=[
                io.Image.Input("images", tooltip="Frames to repair, in order; RGB or RGBA."),
                io.Mask.Input(
                    "mask", tooltip="White is removed; one mask for the clip or one per frame."
                ),
                *key_frame_inputs(),
            ],
            outputs=key_frame_outputs(),
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(  # noqa: D102
        cls,
        images: Tensor,
        mask: Tensor,
        plate: Tensor | None = None,
        plate_frames: str = "",
        plate_masks: Tensor | None = None,
        **settings: Any,
    ) -> io.NodeOutput:
        frames = to_frames(images)
        height, width = frame_size(frames)
        masks = to_masks(mask, (height, width), num_frames=len(frames))
        options = replace(fill_options(settings), mode=Mode.COPY)
        plates = to_plates(plate, plate_frames, plate_masks)
        reporter = Reporter()
        if ratio := hole_ratio(masks, options):
            clip = (len(frames), height, width)
            _, options, _ = make_ready(None, options, clip, ratio)
        try:
            with shown_on(cls.hidden.unique_id) as notices:
                found = key_frames(
                    frames,
                    masks,
                    options,
                    plates=plates,
                    at_least_one=True,
                    progress=reporter.progress,
                    cancel=reporter.cancel,
                )
                if NOTHING_TO_PAINT in found.report.notes:
                    notices.warn(NOTHING_TO_PAINT)
        finally:
            comfy.model_management.soft_empty_cache()
        return io.NodeOutput(
            to_images(found.frames),
            found.masks[:, 0],
            listed(found.numbers),
            found.report.to_json(),
        )
