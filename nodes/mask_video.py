"""MaskVideo: clean a mask in space and time, and show it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from comfy_api.latest import io, ui
from torch import Tensor

from ..lgtsm.completion.preview import tint_additions
from ..lgtsm.mask_options import GROW_PX, MaskOptions
from ..lgtsm.masks.coverage import coverage
from ..lgtsm.masks.morph import stretch
from ..lgtsm.masks.overlay import Paint, overlay
from ..lgtsm.masks.prepare import pair_with
from .completed_masks import NOTHING, complete_input, completed
from .convert import check_placeholder, frame_size, from_holes, to_frames, to_images, to_masks
from .loaded import Reporter
from .notices import shown_on
from .schema import choice, option, schema

_GROWN_LATER = f"LGTSM Inpaint grows the mask by {GROW_PX} by default."
_SHOWN = 3
"""Number of frames shown in the node itself."""


class MaskVideo(io.ComfyNode):
    """Clean a mask and show it over the frames."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Return ids, inputs and outputs."""
        return schema(
            node_id="MaskVideo",
            display_name="Mask Video",
            description=(
                "Prepares a mask for a clip: threshold, invert, fill enclosed regions, close gaps "
                "in time, grow in time, grow in space, in this order. Shows the mask over the "
                "frames and reports how much of each frame it covers. With complete, the object's shadow "
                "and what the mask missed at its rim are added."
            ),
            search_aliases=["clean mask", "grow mask video", "mask preview", "mask coverage"],
            inputs=[
                io.Image.Input("images", tooltip="Frames that the mask belongs to."),
                io.Mask.Input(
                    "mask",
                    tooltip="White marks what is to disappear; a single mask serves every frame.",
                ),
                option(MaskOptions, "threshold"),
                option(MaskOptions, "invert"),
                option(MaskOptions, "grow", more=_GROWN_LATER),
                option(MaskOptions, "fill_enclosed"),
                option(MaskOptions, "temporal_gap"),
                option(MaskOptions, "temporal_grow"),
                option(MaskOptions, "length"),
                io.Boolean.Input(
                    "resize",
                    default=False,
                    tooltip="Stretch a mask of another size to the size of the images; no masked "
                    "pixel is lost.",
                ),
                choice("preview_as", Paint, Paint.VEIL, "How the masked area is shown."),
                complete_input(),
                option(MaskOptions, "grow_percent", optional=True),
            ],
            outputs=[
                io.Image.Output(
                    "preview",
                    tooltip="The frames with the mask shown, a shadow that was added yellow, a rim blue, what "
                    "may belong to the object violet; unchanged elsewhere.",
                ),
                io.Mask.Output("mask_out", display_name="mask", tooltip="0 or 1, one per frame."),
                io.Float.Output("coverage", tooltip="Mean share of the picture that is masked."),
                io.String.Output(
                    "info",
                    tooltip="Coverage per frame, frames without a mask and warnings, as JSON.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(  # noqa: D102
        cls,
        images: Tensor,
        mask: Tensor,
        resize: bool,
        preview_as: str,
        complete: str = NOTHING,
        **settings: Any,
    ) -> io.NodeOutput:
        frames = to_frames(images)
        size = frame_size(frames)
        if resize:
            masks = to_masks(mask)
            check_placeholder(masks[:, 0], size)
            masks = stretch(masks.float(), size)
        else:
            masks = to_masks(mask, size)
        options = MaskOptions.of(settings)
        reporter, whole = Reporter(), None
        if complete != NOTHING:
            with shown_on(cls.hidden.unique_id):
                whole = completed(frames, masks, options, complete, reporter)
            masks, options = whole.masks, replace(options, invert=False, threshold=0.5)
        holes = []
        for number, hole in pair_with(range(len(frames)), masks, options):
            reporter.cancel()
            holes.append(hole)
            reporter.progress(number + 1, len(frames), "masks")
            if len(masks) == 1:  # one mask for all frames: made once, never copied
                break
        clip = torch.stack(holes)
        found = coverage(clip)
        with shown_on(cls.hidden.unique_id) as notices:
            for warning in found.warnings:
                notices.warn(warning)
        painted = overlay(frames, clip, Paint(preview_as))
        if whole is not None:
            painted = tint_additions(painted, frames, whole.added, whole.perhaps)
        shown = to_images(painted, images)
        step = max(1, len(shown) // _SHOWN)
        return io.NodeOutput(
            shown,
            from_holes(clip, len(frames)),
            found.mean,
            found.to_json(),
            ui=ui.PreviewImage(shown[step // 2 :: step][:_SHOWN, ..., :3], cls=cls),
        )
