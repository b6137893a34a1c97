"""LGTSMInpaint: a clip in memory repaired, everything outside the mask untouched."""

from __future__ import annotations

import comfy.model_management
import torch
from comfy_api.latest import io
from torch import Tensor

from ..lgtsm.api import inpaint
from ..lgtsm.box import hole_box
from ..lgtsm.engine.estimate import estimate
from ..lgtsm.masks.prepare import prepare
from ..lgtsm.models.network import Network
from ..lgtsm.options import InpaintOptions, MaskOptions
from ..lgtsm.report import Report
from .convert import from_holes, to_frames, to_images, to_masks
from .fill_inputs import fill_inputs, fill_options
from .loaded import LoadedModel, Reporter, make_ready
from .plate_inputs import plate_inputs, to_plates
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
                "Takes what is masked out of a clip: real pixels from other frames where they "
                "fit, a small network for the rest. Outside mask_used every pixel stays as it "
                "was, bit for bit; size, length and alpha are kept. For long clips use LGTSM "
                "Inpaint Video."
            ),
            search_aliases=[
                "remove object",
                "video inpainting",
                "object removal",
                "logo removal",
                "propainter",
            ],
            inputs=[
                io.Image.Input("images", tooltip="Frames to repair, in order; RGB or RGBA."),
                io.Mask.Input(
                    "mask", tooltip="White is removed; one mask for the clip or one a frame."
                ),
                *fill_inputs(),
                *plate_inputs(),
            ],
            outputs=[
                io.Image.Output("repaired", display_name="images", tooltip="The repaired frames."),
                io.Image.Output(
                    "fill_layer",
                    tooltip="The repaired frames as RGBA with the fill's mask as alpha, for a "
                    "compositor.",
                ),
                io.Mask.Output(
                    "mask_used",
                    tooltip="The mask after growing: outside it nothing has changed.",
                ),
                io.String.Output(
                    "report",
                    tooltip="Size, crop, chunk, precision, device, step-downs, time and memory; "
                    "JSON.",
                ),
            ],
        )

    @classmethod
    def execute(  # noqa: D102
        cls,
        images: Tensor,
        mask: Tensor,
        model: LoadedModel | None = None,
        reference: Tensor | None = None,
        plate_frames: str = "",
        **settings: object,
    ) -> io.NodeOutput:
        frames = to_frames(images)
        masks = to_masks(mask, tuple(frames.shape[2:]), num_frames=len(frames))
        options = fill_options(InpaintOptions(), settings)
        plates = to_plates(reference, plate_frames)
        reporter, report = Reporter(), Report()
        holes = []
        for hole in prepare(masks, MaskOptions(grow=settings["grow"])):
            reporter.cancel()
            holes.append(hole)
        used = torch.stack(holes)
        box = hole_box(used)
        result = frames
        if box is not None:
            ratio = box.area / (frames.shape[2] * frames.shape[3])

            def memory(network: Network | None, planned: InpaintOptions) -> int:
                _, _, height, width = frames.shape
                spec = network.spec if network else None
                return estimate(len(frames), height, width, planned, spec, hole_ratio=ratio)

            network, options, _kept = make_ready(model, options, memory)
            try:
                result = inpaint(
                    frames,
                    used,
                    network,
                    options,
                    reporter.progress,
                    reporter.cancel,
                    report,
                    plates=plates,
                )
            finally:
                comfy.model_management.soft_empty_cache()
        else:
            report.frames, report.size = len(frames), (frames.shape[3], frames.shape[2])
            report.notes.append("the mask is empty: nothing was filled")
        alpha = from_holes(used, len(frames))[..., None].to(result)
        return io.NodeOutput(
            to_images(result, images),
            torch.cat([to_images(result), alpha], -1),
            from_holes(used, len(frames)),
            report.to_json(),
        )
