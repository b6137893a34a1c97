"""VIDEO sockets as files: the source, its trim, and its mask."""

from __future__ import annotations

import hashlib
import io as bytes_io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..lgtsm.errors import VideoError
from ..lgtsm.masks.fit import fit
from ..lgtsm.masks.prepare import of_count, prepare
from ..lgtsm.options import LengthPolicy, MaskOptions
from ..lgtsm.video.clip import write_mask_clip
from ..lgtsm.video.probe import VideoInfo, frame_span
from ..lgtsm.video.read import read_masks
from .convert import to_masks

if TYPE_CHECKING:
    from comfy_api.latest import Input

Span = tuple[int, int | None]
WHOLE: Span = (0, None)


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


def tensor_mask(
    mask: Tensor,
    info: VideoInfo,
    span: Span,
    length: LengthPolicy,
    folder: Path,
    check: Callable[[], object],
) -> Path:
    """Write a MASK into a file named after its content.

    Args:
        mask: (N,H,W) or (H,W), for the frames of `span`.
        info: of the video.
        span: frames that are repaired.
        length: what to do with another number of masks.
        folder: of the file.
        check: called for every mask; raises to stop.

    Raises:
        ShapeError: a number of masks that `length` refuses.
    """
    masks = to_masks(mask, (info.height, info.width))

    def clip() -> Iterator[Tensor]:
        for hole in prepare(masks, MaskOptions()):
            check()
            yield hole

    digest = hashlib.sha256(f"{info.num_frames} {span} {length}".encode())
    for hole in clip():
        digest.update(hole.to(torch.uint8).cpu().numpy().tobytes())
    path = folder / f"{digest.hexdigest()[:16]}.mask.mkv"
    if not path.exists():
        _write(path, clip(), info, WHOLE if len(masks) == 1 else span, length)
    return path


def video_mask(
    video: Input.Video, info: VideoInfo, span: Span, length: LengthPolicy, folder: Path
) -> Path:
    """Return the file of a mask VIDEO, with the frame numbers of the video it is for.

    Raises:
        ShapeError: a number of masks that `length` refuses.
    """
    path = source_file(video, folder)
    own = active_span(video, path)
    if own == span == WHOLE:
        return path
    state = path.stat()
    name = f"{path} {state.st_mtime_ns} {state.st_size} {own} {span} {length} {info.num_frames}"
    target = folder / f"{hashlib.sha256(name.encode()).hexdigest()[:16]}.mask.mkv"
    if not target.exists():
        masks = read_masks(path, start=own[0], end=own[1])
        size = (info.height, info.width)
        _write(target, (fit(mask, size, MaskOptions()) for mask in masks), info, span, length)
    return target


def _write(
    path: Path, masks: Iterator[Tensor], info: VideoInfo, span: Span, length: LengthPolicy
) -> None:
    start, end = span
    if end is not None:  # before empty masks are added: only masks of the trim are held or looped
        masks = of_count(masks, end - start, length)
    rest = 0 if end is None or not info.num_frames_exact else max(0, info.num_frames - end)
    size = (info.height, info.width)
    write_mask_clip(path, masks, size, rate=info.rate, before=start, after=rest)
