"""LGTSMCleanPlate: one frame without what the mask covers, from the other frames alone."""

from __future__ import annotations

from comfy_api.latest import io
from torch import Tensor

from ..lgtsm.masks.prepare import pair_with
from ..lgtsm.options import MaskOptions, Motion
from ..lgtsm.plate import REACH, SOURCE_FRAMES, clean_plate
from .convert import from_holes, to_frames, to_images, to_masks
from .fill_inputs import GROW_PX
from .loaded import Reporter
from .schema import choice, schema


class LGTSMCleanPlate(io.ComfyNode):
    """Make the clean plate of one frame."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Return ids, inputs and outputs."""
        return schema(
            node_id="LGTSMCleanPlate",
            display_name="LGTSM Clean Plate",
            description=(
                "Shows one frame without what the mask covers, made of real pixels of the other "
                "frames. Paint over what is missing in any image editor or model and connect the "
                "picture to reference of LGTSM Inpaint."
            ),
            search_aliases=["background plate", "empty scene", "remove people"],
            inputs=[
                io.Image.Input("images", tooltip="Frames of one shot, in order."),
                io.Mask.Input(
                    "mask",
                    tooltip="What is to vanish, in every frame; one mask for all or one a frame.",
                ),
                io.Int.Input(
                    "frame",
                    default=0,
                    min=0,
                    max=1000000,
                    step=1,
                    tooltip="Number of the frame whose plate is made, counted from 0.",
                ),
                choice("motion", Motion, Motion.AUTO, "How the other frames are aligned."),
                io.Int.Input(
                    "grow",
                    default=GROW_PX,
                    min=0,
                    max=256,
                    step=1,
                    tooltip="Enlarge the mask by this many pixels on every side.",
                ),
                io.Int.Input(
                    "source_frames",
                    default=SOURCE_FRAMES,
                    min=1,
                    max=32,
                    step=1,
                    tooltip="How many other frames may lend pixels.",
                ),
                io.Int.Input(
                    "reach",
                    default=REACH,
                    min=1,
                    max=192,
                    step=1,
                    tooltip="How far before and after, in frames, they may lie.",
                ),
            ],
            outputs=[
                io.Image.Output("plate", tooltip="The frame without what the mask covers."),
                io.Mask.Output(
                    "missing",
                    tooltip="1 where no other frame shows the place; there the plate is smooth.",
                ),
                io.Mask.Output("confidence", tooltip="Share of copied pixels, 1 outside the mask."),
            ],
        )

    @classmethod
    def execute(  # noqa: D102
        cls,
        images: Tensor,
        mask: Tensor,
        frame: int,
        motion: str,
        grow: int,
        source_frames: int,
        reach: int,
    ) -> io.NodeOutput:
        frames = to_frames(images)
        masks = to_masks(mask, tuple(frames.shape[2:]), num_frames=len(frames))
        plate = clean_plate(
            pair_with(frames, masks, MaskOptions(grow=grow)),
            frame,
            motion=Motion(motion),
            source_frames=source_frames,
            reach=reach,
            cancel=Reporter().cancel,
        )
        return io.NodeOutput(
            to_images(plate.picture[None]),
            from_holes(plate.missing[None], 1),
            from_holes(plate.confidence[None], 1),
        )
