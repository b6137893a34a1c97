"""LGTSMTrackMaskVideo: the mask of an object in a video of any length, in constant memory."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from comfy_api.latest import InputImpl, io, ui
from torch import Tensor

from ..lgtsm.completion.kinds import parse_additions
from ..lgtsm.file_completion import complete_file
from ..lgtsm.file_tracking import track_file
from ..lgtsm.masks.overlay import numbered_overlay
from ..lgtsm.tracked_folder import TrackedFolder
from ..lgtsm.video.one_frame import read_one_frame
from ..lgtsm.video.probe import probe
from ..lgtsm.video.read import read_masks
from .completed_masks import NOTHING, complete_input
from .convert import to_images
from .frame_numbers import listed
from .loaded import Reporter
from .notices import shown_on
from .schema import schema
from .track_inputs import (
    SEARCH_ALIASES,
    advice_output,
    prompt_inputs,
    shown_numbers,
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
            display_name="LGTSM Track Mask Video (any length)",
            description=(
                "LGTSM Track Mask for a video of any length: reads it frame by frame and makes a black and white "
                "video for mask_video of LGTSM Inpaint Video. One more painted frame costs only the frames "
                "between it and its painted neighbours."
            ),
            search_aliases=SEARCH_ALIASES,
            inputs=[
                io.Video.Input("video", tooltip="The video; read frame by frame."),
                *prompt_inputs(),
                complete_input(),
            ],
            outputs=[
                io.Video.Output(
                    "mask_video", tooltip="The object in white, a frame for every frame."
                ),
                *track_outputs(),
                advice_output(),
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
        complete: str = NOTHING,
        **settings: Any,
    ) -> io.NodeOutput:
        temporary, options = temporary_folder(), to_track_options(settings)
        source = source_file(video, temporary)
        info = probe(source)
        prompts = to_prompts(painted, painted_frames, (info.height, info.width))
        start, end = active_span(video, source)
        digest = hashlib.sha256(f"{source} {start} {end} {detect_cuts} {options}".encode())
        for prompt in prompts:
            assert prompt.mask is not None
            digest.update(f"{prompt.frame}".encode() + prompt.mask.cpu().numpy().tobytes())
        target = temporary / f"{digest.hexdigest()[:16]}.tracked.mkv"
        reporter = Reporter()
        cuts, notes = None if detect_cuts else (), list[str]()
        with shown_on(cls.hidden.unique_id):
            found = track_file(
                source,
                prompts,
                target,
                options=options,
                start=start,
                end=end,
                cuts=cuts,
                kept=TrackedFolder(temporary / "tracked", source),
                progress=reporter.progress,
                cancel=reporter.cancel,
            )
            if complete != NOTHING:
                tracked, target = target, target.with_suffix(f".{complete.replace(',', '_')}.mkv")
                added = complete_file(
                    source,
                    tracked,
                    target,
                    kinds=parse_additions(complete),
                    start=start,
                    end=end,
                    cuts=cuts,
                    of_range=True,
                    progress=reporter.progress,
                    cancel=reporter.cancel,
                )
                notes = [added.text, *added.notes]
        shown = _shown(source, target, start, shown_numbers(found.repaint, len(found.confidence)))
        return io.NodeOutput(
            InputImpl.VideoFromFile(str(target)),
            listed(found.repaint),
            sum(found.confidence) / len(found.confidence),
            told(found.confidence, found.repaint, [*found.notes, *notes]),
            found.advice,
            ui=ui.PreviewImage(to_images(shown), cls=cls),
        )


def _shown(source: Path, target: Path, start: int, numbers: Sequence[int]) -> Tensor:
    """Return some frames with their mask tinted and their number, (N,3,H,W).

    Args:
        source: the video.
        target: its mask video.
        start: number in the video of the first frame of the mask video.
        numbers: in the mask video.
    """
    frames, masks = list[Tensor](), list[Tensor]()
    for t in numbers:
        frames.append(read_one_frame(source, t, start=start).rgb())
        masks.append(next(iter(read_masks(target, start=t, end=t + 1))))
    return numbered_overlay(torch.stack(frames), torch.stack(masks), numbers)
