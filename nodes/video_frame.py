"""LGTSMVideoFrame: one frame of a video, saved where Load Image and its mask editor find it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import folder_paths
from comfy_api.latest import io, ui
from torch import Tensor

from ..lgtsm.video.image import write_picture
from ..lgtsm.video.one_frame import read_one_frame
from ..lgtsm.whole_file import WholeFile
from .convert import to_images
from .notices import shown_on
from .schema import number, schema
from .video_files import active_span, source_file, temporary_folder

if TYPE_CHECKING:
    from comfy_api.latest import Input


class LGTSMVideoFrame(io.ComfyNode):
    """Take one frame of a video."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Return ids, inputs and outputs."""
        return schema(
            node_id="LGTSMVideoFrame",
            display_name="LGTSM Video Frame",
            description=(
                "Takes one frame of a video and saves it as PNG in the input folder, so that Load "
                "Image offers it (press R) and its mask editor can paint on it. Nothing else of the "
                "video is decoded."
            ),
            search_aliases=[
                "get frame",
                "extract frame",
                "save frame",
                "frame from video",
                "paint mask",
            ],
            is_output_node=True,
            hidden=[io.Hidden.unique_id],
            inputs=[
                io.Video.Input(
                    "video",
                    tooltip="The video; only the frame and those before it, back to a key frame, are read.",
                ),
                number(io.Int, "frame", 0, (0, 1000000), "Number of the frame, counted from 0."),
            ],
            outputs=[
                io.Image.Output("image", tooltip="The frame."),
                io.String.Output("file", tooltip="Name of the picture in the input folder."),
            ],
        )

    @classmethod
    def execute(cls, video: Input.Video, frame: int) -> io.NodeOutput:  # noqa: D102
        temporary = temporary_folder()
        with shown_on(cls.hidden.unique_id) as notices:
            source = source_file(video, temporary)
            start, end = active_span(video, source)
            pixels = read_one_frame(source, frame, start=start, end=end).rgb()
            name = _save(pixels, f"{source.stem[:80]}_frame{frame}", temporary)
            notices.tell(f"Saved as {name}")
        saved = ui.SavedImages([ui.SavedResult(name, "", io.FolderType.input)])
        return io.NodeOutput(to_images(pixels[None]), name, ui=saved)


def _save(pixels: Tensor, stem: str, temporary: Path) -> str:
    """Write a picture (3,H,W) into the input folder; a file of another content is never replaced."""
    made = temporary / f"{stem}.png"
    write_picture(pixels, made)
    data = made.read_bytes()
    made.unlink()
    folder, name, number = Path(folder_paths.get_input_directory()), f"{stem}.png", 1
    while (folder / name).exists() and (folder / name).read_bytes() != data:
        number += 1
        name = f"{stem}_{number}.png"
    if not (folder / name).exists():
        with WholeFile(folder / name) as partial:
            partial.write_bytes(data)
    return name
