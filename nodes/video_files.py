"""VIDEO sockets as files: the source, its trim, and where such files lie."""

from __future__ import annotations

import hashlib
import io as bytes_io
from pathlib import Path
from typing import TYPE_CHECKING

import folder_paths

from ..lgtsm.errors import VideoError
from ..lgtsm.video.probe import frame_span

if TYPE_CHECKING:
    from comfy_api.latest import Input

Span = tuple[int, int | None]
WHOLE: Span = (0, None)
UNKNOWN_LENGTH = 1000
"""Frames assumed for the memory estimate where a file states no number; set by hand."""


def made_folder(parent: str, name: str) -> Path:
    """Return a folder of this pack inside one of ComfyUI's, made where it is missing."""
    path = Path(parent) / name
    path.mkdir(parents=True, exist_ok=True)
    return path


def temporary_folder() -> Path:
    """Return this pack's folder for files that ComfyUI removes when it starts."""
    return made_folder(folder_paths.get_temp_directory(), "lgtsm")


def source_file(video: Input.Video, folder: Path) -> Path:
    """Return the file behind a VIDEO; one that exists only in memory is written into `folder`."""
    source = getattr(video, "get_stream_source", lambda: None)()
    if isinstance(source, str):
        return Path(source)
    if isinstance(source, bytes_io.BytesIO):
        data = source.getvalue()
        path = folder / f"{hashlib.sha256(data).hexdigest()[:16]}.mp4"
        if not path.exists():
            path.write_bytes(data)
        return path
    raise VideoError(
        f"Expected a video that can be read as a file, got {type(video).__name__}; save it first "
        "and load the file."
    )


def active_span(video: Input.Video, path: Path) -> Span:
    """Return the range of frames of a file that a VIDEO covers after trimming."""
    window = getattr(video, "get_active_trim_window", None)
    if window is not None:
        start, seconds = window()
        return frame_span(path, start, seconds) if start or seconds else WHOLE
    if video.get_duration() < type(video)(str(path)).get_duration():  # servers before 0.18
        raise VideoError(
            "Expected an untrimmed video, got a trimmed one, and this version of ComfyUI does not "
            "report the trim; update ComfyUI, or save the trimmed video and load the file."
        )
    return WHOLE
