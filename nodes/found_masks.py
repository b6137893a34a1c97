"""LGTSMStaticMask and LGTSMTextMask: masks of what is laid over a clip, found in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import torch
from comfy_api.latest import io
from torch import Tensor

from ..lgtsm.errors import OptionError
from ..lgtsm.masks.static import find_static
from ..lgtsm.masks.text.detector import text_detector
from ..lgtsm.masks.text.joined import text_masks
from ..lgtsm.masks.text.options import TextOptions
from ..lgtsm.masks.text.region import text_region
from ..lgtsm.video.probe import count_frames, probe
from ..lgtsm.video.read import read_frames
from .convert import frame_size, from_holes, to_frames
from .loaded import Reporter
from .schema import option, schema
from .video_files import active_span, source_file, temporary_folder

if TYPE_CHECKING:
    from comfy_api.latest import Input

_RATE = Fraction(24)


def _clip_inputs() -> list[io.Input]:
    """Return the inputs of a clip in two forms."""
    return [
        io.Image.Input("images", optional=True, tooltip="The clip. Use either images or video."),
        io.Video.Input("video", optional=True, tooltip="The clip, read frame by frame."),
    ]


@dataclass(frozen=True)
class _Clip:
    """Frames (3,H,W) one after another, their size (height, width) and rate."""

    frames: Iterator[Tensor]
    size: tuple[int, int]
    rate: Fraction

    @classmethod
    def of(cls, images: Tensor | None, video: Input.Video | None) -> _Clip:
        """Take the one that is given.

        Raises:
            OptionError: none is, or both are.
        """
        if (images is None) == (video is None):
            raise OptionError(
                "Expected either images or video, got "
                f"{'none' if images is None else 'both'}; connect one of them."
            )
        if video is None:
            assert images is not None
            given = to_frames(images)
            return cls(_reported(iter(given), len(given)), frame_size(given), _RATE)
        temporary = temporary_folder()
        source = source_file(video, temporary)
        start, end = active_span(video, source)
        count = (count_frames(source) if end is None else end) - start
        frames = (frame.rgb() for frame in read_frames(source, start=start, end=end))
        info = probe(source)
        return cls(_reported(frames, count), (info.height, info.width), info.rate)


def _reported(frames: Iterator[Tensor], count: int) -> Iterator[Tensor]:
    """Yield frames, moving the bar of the node and stopping where the user asks for it."""
    reporter = Reporter()
    for number, frame in enumerate(frames, 1):
        reporter.cancel()
        yield frame
        reporter.progress(number, count, "frames")


class LGTSMStaticMask(io.ComfyNode):
    """Find logos."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Return ids, inputs and outputs."""
        return schema(
            node_id="LGTSMStaticMask",
            display_name="LGTSM Static Mask",
            description=(
                "Finds logos and watermarks, opaque or not, by what never changes while the rest of the "
                "picture moves. Needs no model. Bars of a letterbox are left out. Finds nothing if the whole "
                "picture stands still."
            ),
            search_aliases=["logo mask", "watermark mask", "find logo", "static overlay"],
            inputs=_clip_inputs(),
            outputs=[
                io.Mask.Output("mask", tooltip="One mask for every frame; white is the logo.")
            ],
        )

    @classmethod
    def execute(  # noqa: D102
        cls, images: Tensor | None = None, video: Input.Video | None = None
    ) -> io.NodeOutput:
        return io.NodeOutput(find_static(_Clip.of(images, video).frames).mask)


class LGTSMTextMask(io.ComfyNode):
    """Find burned-in text."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Return ids, inputs and outputs."""
        return schema(
            node_id="LGTSMTextMask",
            display_name="LGTSM Text Mask",
            description=(
                "Finds subtitles, time codes and other text that stays in its place, and masks every line "
                "from its first frame to its last. Needs rapidocr, whose model comes with it: "
                "pip install rapidocr onnxruntime."
            ),
            search_aliases=["subtitle mask", "text mask", "hardsub", "ocr mask", "timecode"],
            inputs=[
                *_clip_inputs(),
                option(TextOptions, "shape"),
                option(TextOptions, "detections"),
                io.String.Input(
                    "region",
                    default="",
                    tooltip="Part of the picture to look in, as x,y,width,height in pixels; empty is all "
                    "of it.",
                ),
            ],
            outputs=[io.Mask.Output("mask", tooltip="One per frame; white is the text.")],
        )

    @classmethod
    def execute(  # noqa: D102
        cls,
        region: str = "",
        images: Tensor | None = None,
        video: Input.Video | None = None,
        **settings: Any,
    ) -> io.NodeOutput:
        clip = _Clip.of(images, video)
        masks = text_masks(
            clip.frames,
            text_detector(),
            rate=clip.rate,
            options=TextOptions.of(settings),
            region=text_region(region, clip.size) if region.strip() else None,
        )
        holes = torch.stack(list(masks))
        return io.NodeOutput(from_holes(holes, len(holes)))
