"""LGTSMTrackMaskVideo: the mask of an object in a video of any length, in constant memory."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from comfy_api.latest import InputImpl, io
from torch import Tensor

from ..lgtsm.file_tracking import track_file
from ..lgtsm.tracked_folder import TrackedFolder
from .frame_numbers import listed
from .loaded import Reporter
from .notices import shown_on
from .schema import schema
from .track_inputs import (
    SEARCH_ALIASES,
    prompt_inputs,
    to_prompts,
    to_track_options,
    told,
    track_outputs,
)
from .video_files import active_span, source_file, temporary_folder

if TYPE_CHECKING:
    from comfy_api.latest import Input


class LGTSMTrackMaskVideo(io.ComfyNode):
    """Track a painted object through a video file."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Return ids, inputs and outputs."""
        return schema(
            node_id="LGTSMTrackMaskVideo",
            display_name="LGTSM Track Mask Video (streaming)",
            description=(
                "LGTSM Track Mask for a video of any length: reads it frame by frame and makes a black and white "
                "video for mask_video of LGTSM Inpaint Video. One more painted frame costs only the frames next "
                "to it."
            ),
            search_aliases=SEARCH_ALIASES,
            inputs=[
                io.Video.Input("video", tooltip="The video; read frame by frame."),
                *prompt_inputs(),
            ],
            outputs=[
                io.Video.Output(
                    "mask_video", tooltip="The object in white, a frame for every frame."
                ),
                *track_outputs(),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(  # noqa: D102
        cls,
        video: Input.Video,
        painted: Tensor,
        painted_frames: str,
        detect_cuts: bool,
        **settings: Any,
    ) -> io.NodeOutput:
        prompts, options = to_prompts(painted, painted_frames), to_track_options(settings)
        temporary = temporary_folder()
        source = source_file(video, temporary)
        start, end = active_span(video, source)
        digest = hashlib.sha256(f"{source} {start} {end} {detect_cuts} {options}".encode())
        for prompt in prompts:
            assert prompt.mask is not None
            digest.update(f"{prompt.frame}".encode() + prompt.mask.cpu().numpy().tobytes())
        target = temporary / f"{digest.hexdigest()[:16]}.tracked.mkv"
        reporter = Reporter()
        with shown_on(cls.hidden.unique_id):
            found = track_file(
                source,
                prompts,
                target,
                options=options,
                start=start,
                end=end,
                cuts=None if detect_cuts else (),
                kept=TrackedFolder(temporary / "tracked", source),
                progress=reporter.progress,
                cancel=reporter.cancel,
            )
        return io.NodeOutput(
            InputImpl.VideoFromFile(str(target)),
            listed(found.repaint),
            sum(found.confidence) / len(found.confidence),
            told(found.confidence, found.repaint, found.notes),
        )
