"""LGTSMKeyFramesVideo: the key frames of a video of any length, read in constant memory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import comfy.model_management
import torch
from comfy_api.latest import io
from torch import Tensor

from ..lgtsm.engine.hooks import Hooks
from ..lgtsm.job import FileJob
from ..lgtsm.key_frame_folder import KeyFrame, key_frames_of_file
from ..lgtsm.key_frame_set import NOTHING_TO_PAINT
from ..lgtsm.mask_options import MaskOptions
from ..lgtsm.options import Mode, VideoOptions
from ..lgtsm.report import Report
from ..lgtsm.video.probe import probe
from ..lgtsm.video.read import read_frames
from .convert import to_images
from .fill_inputs import fill_options, to_plates
from .frame_numbers import listed
from .key_frames import SEARCH_ALIASES, key_frame_inputs, key_frame_outputs
from .loaded import Reporter, make_ready
from .notices import shown_on
from .schema import option, schema
from .video_files import UNKNOWN_LENGTH, active_span, source_file, temporary_folder
from .video_mask import check_one_mask, chosen_mask, masked_video_inputs

if TYPE_CHECKING:
    from comfy_api.latest import Input


class LGTSMKeyFramesVideo(io.ComfyNode):
    """Choose the key frames of a video file."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Return ids, inputs and outputs."""
        return schema(
            node_id="LGTSMKeyFramesVideo",
            display_name="LGTSM Key Frames Video (any length)",
            description=(
                "LGTSM Key Frames for a video of any length: reads it frame by frame and holds only the frames in "
                "which something has to be invented. Fill these with any image model and connect them to "
                "plate, plate_frames and plate_masks of LGTSM Inpaint Video."
            ),
            search_aliases=SEARCH_ALIASES,
            inputs=[
                *masked_video_inputs("The video to repair; read frame by frame."),
                *key_frame_inputs(),
                option(MaskOptions, "length"),
            ],
            outputs=key_frame_outputs(),
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(  # noqa: D102
        cls,
        video: Input.Video,
        boxes: str = "",
        mask: Tensor | None = None,
        mask_video: Input.Video | None = None,
        plate: Tensor | None = None,
        plate_frames: str = "",
        plate_masks: Tensor | None = None,
        **settings: Any,
    ) -> io.NodeOutput:
        check_one_mask(mask, mask_video, boxes)
        reporter, report = Reporter(), Report()
        temporary = temporary_folder()
        source = source_file(video, temporary)
        first, end = span = active_span(video, source)
        info = probe(source)
        options = replace(fill_options(settings), mode=Mode.COPY)
        given = (mask, mask_video, boxes)
        masks = chosen_mask(*given, info, span, options.mask.length, temporary, reporter.cancel)
        clip = (info.num_frames or UNKNOWN_LENGTH, info.height, info.width)
        _, options, _ = make_ready(None, options, clip)
        job = FileJob(
            source=source,
            mask=masks,
            target=temporary,
            options=options,
            video=VideoOptions(start=first, end=end),
            plates=to_plates(plate, plate_frames, plate_masks, first),
        )
        hooks = Hooks(reporter.progress, reporter.cancel)
        try:
            with shown_on(cls.hidden.unique_id) as notices:
                keys = list(key_frames_of_file(job, hooks, report, at_least_one=True))
                if not any(key.mask.any() for key in keys):
                    report.notes.append(NOTHING_TO_PAINT)
                    notices.warn(NOTHING_TO_PAINT)
        finally:
            comfy.model_management.soft_empty_cache()
        keys = keys or [_first_frame(source, first)]
        return io.NodeOutput(
            to_images(torch.stack([key.frame for key in keys])),
            torch.cat([key.mask for key in keys]),
            listed([key.number - first for key in keys]),
            report.to_json(),
        )


def _first_frame(source: Path, first: int) -> KeyFrame:
    """Return a frame under an empty mask, for a video without any hole."""
    pixels = next(read_frames(source, start=first, end=first + 1)).rgb()
    return KeyFrame(first, pixels, torch.zeros_like(pixels[:1]))
