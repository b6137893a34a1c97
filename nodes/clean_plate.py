"""LGTSMCleanPlate: one frame without what the mask covers, made of other frames."""

from __future__ import annotations

from collections.abc import Iterator

from comfy_api.latest import io
from torch import Tensor

from ..lgtsm.mask_options import GROW_PX, MaskOptions
from ..lgtsm.masks.prepare import pair_with
from ..lgtsm.neighbour_options import LEARNED
from ..lgtsm.options import InpaintOptions, Motion
from ..lgtsm.plate import REACH, SOURCE_FRAMES, clean_plate
from .convert import frame_size, from_holes, to_frames, to_images, to_masks
from .loaded import Reporter
from .schema import number, option, schema


class LGTSMCleanPlate(io.ComfyNode):
    """Make the clean plate of one frame."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Return ids, inputs and outputs."""
        return schema(
            node_id="LGTSMCleanPlate",
            display_name="LGTSM Clean Plate",
            description=(
                "Makes a clean plate: one frame without what the mask covers, from real pixels of other frames. "
                "Paint what is missing with any image editor or model, and connect the picture to plate of "
                "LGTSM Inpaint."
            ),
            search_aliases=["background plate", "empty scene", "remove people", "clean plate"],
            inputs=[
                io.Image.Input("images", tooltip="Frames of one shot, in order."),
                io.Mask.Input(
                    "mask",
                    tooltip="What is to disappear, in every frame; one mask for all or one per frame.",
                ),
                number(
                    io.Int, "frame", 0, (0, 1000000), "Frame whose plate is made, counted from 0."
                ),
                option(InpaintOptions, "motion", advanced=False, without=LEARNED),
                option(MaskOptions, "grow", default=GROW_PX),
                option(
                    InpaintOptions,
                    "source_frames",
                    default=SOURCE_FRAMES,
                    limits=(1, 32),
                    advanced=False,
                ),
                option(InpaintOptions, "reach", default=REACH, limits=(1, 192), advanced=False),
                option(MaskOptions, "grow_percent", optional=True),
            ],
            outputs=[
                io.Image.Output("plate", tooltip="The frame without what the mask covers."),
                io.Mask.Output(
                    "missing",
                    tooltip="1 where no other frame shows the background; there the plate is smooth.",
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
        grow_percent: float = 0.0,
        **settings: int,
    ) -> io.NodeOutput:
        frames = to_frames(images)
        masks = to_masks(mask, frame_size(frames), num_frames=len(frames))
        options, reporter = MaskOptions(grow=grow, grow_percent=grow_percent), Reporter()

        def told() -> Iterator[tuple[Tensor, Tensor]]:
            for done, pair in enumerate(pair_with(frames, masks, options), 1):
                yield pair
                reporter.progress(done, len(frames), "measuring motion")

        plate = clean_plate(
            told(), frame, motion=Motion(motion), **settings, cancel=reporter.cancel
        )
        return io.NodeOutput(
            to_images(plate.picture[None]),
            from_holes(plate.missing[None], 1),
            from_holes(plate.confidence[None], 1),
        )
