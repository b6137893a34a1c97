"""LGTSMCompareVideo: a video before and after its repair in one film that the node plays."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from comfy_api.latest import InputImpl, io, ui

from ..lgtsm.file_comparison import VideoRange, compare_files
from ..lgtsm.options import CompareAs, VideoOptions
from .loaded import Reporter
from .schema import option, schema
from .video_files import active_span, source_file, temporary_folder

if TYPE_CHECKING:
    from comfy_api.latest import Input


class LGTSMCompareVideo(io.ComfyNode):
    """Play before and after."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Return ids, inputs and outputs."""
        return schema(
            node_id="LGTSMCompareVideo",
            display_name="LGTSM Before and After Video (any length)",
            description=(
                "Plays a video before and after its repair, side by side: with the mask in red and the numbers of "
                "the frames, to find what the mask missed, or as a wipe. Reads the videos frame by frame."
            ),
            search_aliases=[
                "compare video",
                "before after",
                "side by side",
                "preview mask",
                "wipe",
            ],
            is_output_node=True,
            inputs=[
                io.Video.Input("before", tooltip="The video before the repair."),
                io.Video.Input("after", tooltip="The video after the repair."),
                option(VideoOptions, "compare_as"),
                io.Video.Input(
                    "mask_video",
                    optional=True,
                    tooltip="What to show in red where compare_as is mask: mask_used of LGTSM Inpaint Video, or "
                    "mask_video of LGTSM Track Mask Video.",
                ),
            ],
            outputs=[
                io.Video.Output("video", tooltip="Both videos in one picture, without sound.")
            ],
        )

    @classmethod
    def execute(  # noqa: D102
        cls,
        before: Input.Video,
        after: Input.Video,
        compare_as: str,
        mask_video: Input.Video | None = None,
    ) -> io.NodeOutput:
        temporary, reporter = temporary_folder(), Reporter()
        source, result = (_range(video, temporary) for video in (before, after))
        mask = None if mask_video is None else _range(mask_video, temporary)
        target = temporary / f"{_digest(source, result, mask, compare_as)}.compared.mp4"
        compare_files(
            source,
            result,
            target,
            mask=mask,
            compare_as=CompareAs(compare_as),
            progress=reporter.progress,
            cancel=reporter.cancel,
        )
        folder = temporary.name
        shown = ui.PreviewVideo([ui.SavedResult(target.name, folder, io.FolderType.temp)])
        return io.NodeOutput(InputImpl.VideoFromFile(str(target)), ui=shown)


def _range(video: Input.Video, temporary: Path) -> VideoRange:
    """Return the frames of a file that a VIDEO covers."""
    path = source_file(video, temporary)
    return VideoRange(path, *active_span(video, path))


def _digest(*values: object) -> str:
    """Name the film after what it shows, so that no player takes an older one from its cache."""
    stamps = [value.path.stat().st_mtime_ns for value in values if isinstance(value, VideoRange)]
    return hashlib.sha256(f"{values} {stamps}".encode()).hexdigest()[:16]
