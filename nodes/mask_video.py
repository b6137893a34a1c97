"""MaskVideo: a mask made right in space and time, and shown."""

from __future__ import annotations

import torch
from comfy_api.latest import io, ui
from torch import Tensor

from ..lgtsm.masks.coverage import coverage
from ..lgtsm.masks.overlay import Paint, overlay
from ..lgtsm.masks.prepare import pair_with
from ..lgtsm.masks.stretch import stretch
from ..lgtsm.options import LengthPolicy, MaskOptions
from .convert import check_placeholder, from_holes, to_frames, to_images, to_masks
from .loaded import Reporter
from .schema import choice, schema

_SHOWN = 3
"""Frames shown in the node itself."""


class MaskVideo(io.ComfyNode):
    """Clean a mask and show where it lies."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Return ids, inputs and outputs."""
        return schema(
            node_id="MaskVideo",
            display_name="Mask Video",
            description=(
                "Makes a mask fit a clip: threshold, invert, fill enclosed regions, close gaps in "
                "time, grow in time, grow in space, in this order. Shows the mask over the frames "
                "and reports how much of each frame it covers."
            ),
            search_aliases=["clean mask", "grow mask video", "mask preview", "mask coverage"],
            inputs=[
                io.Image.Input("images", tooltip="Frames the mask belongs to."),
                io.Mask.Input(
                    "mask",
                    tooltip="White marks what is to disappear; one mask serves every frame.",
                ),
                io.Float.Input(
                    "threshold",
                    default=0.5,
                    min=0.0,
                    max=1.0,
                    step=0.01,
                    tooltip="Values above this count as masked.",
                ),
                io.Boolean.Input(
                    "invert", default=False, tooltip="Take black as what is to disappear."
                ),
                io.Int.Input(
                    "grow",
                    default=0,
                    min=0,
                    max=256,
                    step=1,
                    tooltip="Enlarge the mask by this many pixels on every side. LGTSM Inpaint "
                    "grows by 4 by itself.",
                ),
                io.Boolean.Input(
                    "fill_holes",
                    default=False,
                    tooltip="Also mask regions that the mask encloses completely.",
                ),
                io.Int.Input(
                    "temporal_gap",
                    default=0,
                    min=0,
                    max=32,
                    step=1,
                    tooltip="Fill gaps of up to this many frames in which a masked pixel is "
                    "briefly unmasked.",
                ),
                io.Int.Input(
                    "temporal_grow",
                    default=0,
                    min=0,
                    max=32,
                    step=1,
                    tooltip="Let the mask start this many frames earlier and end as many later.",
                ),
                choice(
                    "length",
                    LengthPolicy,
                    LengthPolicy.ERROR,
                    "What to do with a mask that has fewer frames than the clip: stop, hold its "
                    "last frame, or start it again.",
                ),
                io.Boolean.Input(
                    "resize",
                    default=False,
                    tooltip="Stretch a mask of another size to the size of the images; no masked "
                    "pixel is lost.",
                ),
                choice("preview_as", Paint, Paint.VEIL, "How the masked area is shown."),
            ],
            outputs=[
                io.Image.Output(
                    "preview", tooltip="The frames with the mask shown; elsewhere unchanged."
                ),
                io.Mask.Output("mask_out", display_name="mask", tooltip="0 or 1, one a frame."),
                io.Float.Output("coverage", tooltip="Mean share of the picture that is masked."),
                io.String.Output(
                    "info", tooltip="Coverage of the frames, frames without a mask, warnings; JSON."
                ),
            ],
        )

    @classmethod
    def execute(  # noqa: D102
        cls,
        images: Tensor,
        mask: Tensor,
        threshold: float,
        invert: bool,
        grow: int,
        fill_holes: bool,
        temporal_gap: int,
        temporal_grow: int,
        length: str,
        resize: bool,
        preview_as: str,
    ) -> io.NodeOutput:
        frames = to_frames(images)
        size = tuple(frames.shape[2:])
        if resize:
            masks = to_masks(mask)
            check_placeholder(masks[:, 0], size)
            masks = stretch(masks.float(), size)
        else:
            masks = to_masks(mask, size)
        options = MaskOptions(
            threshold=threshold,
            invert=invert,
            grow=grow,
            fill_holes=fill_holes,
            temporal_gap=temporal_gap,
            temporal_grow=temporal_grow,
            length=LengthPolicy(length),
        )
        reporter = Reporter()
        holes = []
        for number, hole in pair_with(range(len(frames)), masks, options):
            reporter.cancel()
            holes.append(hole)
            reporter.progress(number + 1, len(frames), "masks")
            if len(masks) == 1:  # one mask for all frames: made once, never copied
                break
        clip = torch.stack(holes)
        found = coverage(clip)
        shown = to_images(overlay(frames, clip, Paint(preview_as)), images)
        step = max(1, len(shown) // _SHOWN)
        return io.NodeOutput(
            shown,
            from_holes(clip, len(frames)),
            found.mean,
            found.to_json(),
            ui=ui.PreviewImage(shown[step // 2 :: step][:_SHOWN, ..., :3], cls=cls),
        )
