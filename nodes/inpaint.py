"""LGTSMInpaint: repair a clip in memory without touching anything outside the mask."""

from __future__ import annotations

from typing import Any

import comfy.model_management
import torch
from comfy_api.latest import io
from torch import Tensor

from ..lgtsm.api import inpaint_clip
from .convert import frame_size, from_holes, to_frames, to_images, to_masks
from .fill_inputs import fill_inputs, fill_options, later_inputs, to_plates
from .loaded import LoadedModel, Reporter, hole_ratio, make_ready
from .notices import shown_on
from .schema import schema


class LGTSMInpaint(io.ComfyNode):
    """Fill the masked part of a clip."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Return ids, inputs and outputs."""
        return schema(
            node_id="LGTSMInpaint",
            display_name="LGTSM Inpaint",
            description=(
                "Removes what is masked from a clip: copies real pixels from other frames where "
                "they fit and lets a small network fill the rest. Outside mask_used every pixel "
                "is unchanged, bit for bit; size, length and alpha are kept. For long clips use "
                "LGTSM Inpaint Video."
            ),
            search_aliases=[
                "remove object",
                "video inpainting",
                "object removal",
                "logo removal",
                "propainter",
                "remove watermark",
                "wire removal",
                "rig removal",
                "clean plate",
            ],
            inputs=[
                io.Image.Input("images", tooltip="Frames to repair, in order; RGB or RGBA."),
                io.Mask.Input(
                    "mask", tooltip="White is removed; one mask for the clip or one per frame."
                ),
                *fill_inputs(),
                *later_inputs(),
            ],
            outputs=[
                io.Image.Output("repaired", display_name="images", tooltip="The repaired frames."),
                io.Image.Output(
                    "fill_layer",
                    tooltip="The repaired frames as RGBA with mask_used as alpha, for compositing.",
                ),
                io.Mask.Output(
                    "mask_used",
                    tooltip="The mask after growing; outside it nothing has changed.",
                ),
                io.String.Output(
                    "report",
                    tooltip="Size, crop, chunk, dtype, device, retries, time and memory, as JSON.",
                ),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(  # noqa: D102
        cls,
        images: Tensor,
        mask: Tensor,
        model: LoadedModel | None = None,
        plate: Tensor | None = None,
        plate_frames: str = "",
        plate_masks: Tensor | None = None,
        **settings: Any,
    ) -> io.NodeOutput:
        frames = to_frames(images)
        height, width = frame_size(frames)
        masks = to_masks(mask, (height, width), num_frames=len(frames))
        options = fill_options(settings)
        plates = to_plates(plate, plate_frames, plate_masks)
        reporter = Reporter()
        network = None
        if ratio := hole_ratio(masks, options):
            clip = (len(frames), height, width)
            network, options, _kept = make_ready(model, options, clip, ratio)
        try:
            with shown_on(cls.hidden.unique_id) as notices:
                result = inpaint_clip(
                    frames,
                    masks,
                    network,
                    options,
                    plates=plates,
                    progress=reporter.progress,
                    cancel=reporter.cancel,
                )
                notices.tell(result.report.origin)
        finally:
            comfy.model_management.soft_empty_cache()
        used, repaired = from_holes(result.holes, len(frames)), to_images(result.frames)
        layer = torch.cat([repaired, used[..., None].to(repaired)], -1)
        images = to_images(result.frames, images)
        return io.NodeOutput(images, layer, used, result.report.to_json())
