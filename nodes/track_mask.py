"""LGTSMTrackMask: from an object painted in one frame to the mask of every frame."""

from __future__ import annotations

from typing import Any

from comfy_api.latest import io, ui
from torch import Tensor

from ..lgtsm.masks.overlay import labelled, overlay
from ..lgtsm.tracking.call import track_mask
from .convert import frame_size, to_frames, to_images
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


class LGTSMTrackMask(io.ComfyNode):
    """Track a painted object through a clip in memory."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Return ids, inputs and outputs."""
        return schema(
            node_id="LGTSMTrackMask",
            display_name="LGTSM Track Mask",
            description=(
                "Follows an object that is painted in one frame, or a few, through the whole clip, forwards and "
                "backwards, by motion, colour and texture. Needs no model and no graphics card. Painted frames "
                "are taken as they are. Names the frames it is least sure of, to paint next."
            ),
            search_aliases=SEARCH_ALIASES,
            inputs=[
                io.Image.Input("images", tooltip="The frames, in order; RGB or RGBA."),
                *prompt_inputs(),
            ],
            outputs=[
                io.Mask.Output("mask", tooltip="The object, 0 or 1, one per frame."),
                *track_outputs(),
                io.Image.Output("preview", tooltip="The frames with the object tinted."),
                advice_output(),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(  # noqa: D102
        cls,
        images: Tensor,
        painted: Tensor,
        painted_frames: str,
        detect_cuts: bool,
        **settings: Any,
    ) -> io.NodeOutput:
        frames = to_frames(images)
        prompts = to_prompts(painted, painted_frames, frame_size(frames))
        options = to_track_options(settings)
        reporter = Reporter()
        with shown_on(cls.hidden.unique_id):
            track = track_mask(
                frames,
                prompts,
                options=options,
                cuts=None if detect_cuts else (),
                progress=reporter.progress,
                cancel=reporter.cancel,
            )
        preview = overlay(frames, track.masks)
        numbers = shown_numbers(track.repaint, len(preview))
        shown = to_images(labelled(preview[numbers], map(str, numbers)))
        return io.NodeOutput(
            track.masks[:, 0],
            listed(track.repaint),
            float(track.confidence.mean()),
            told(track.confidence.tolist(), track.repaint, track.notes),
            to_images(preview),
            track.advice,
            ui=ui.PreviewImage(shown, cls=cls),
        )
