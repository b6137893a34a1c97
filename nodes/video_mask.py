"""The mask of a VIDEO as a file or boxes: a MASK, a black and white VIDEO, or rectangles."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from comfy_api.latest import io
from torch import Tensor

from ..lgtsm.errors import OptionError
from ..lgtsm.mask_options import LengthPolicy, MaskOptions
from ..lgtsm.masks.boxes import MaskBox
from ..lgtsm.masks.fit import fit
from ..lgtsm.masks.prepare import of_count, prepare
from ..lgtsm.video.clip import write_mask_clip
from ..lgtsm.video.probe import VideoInfo
from ..lgtsm.video.read import read_masks
from .convert import to_masks
from .video_files import WHOLE, Span, active_span, source_file

if TYPE_CHECKING:
    from comfy_api.latest import Input


def masked_video_inputs(about: str) -> list[io.Input]:
    """Return the inputs of a video, with a tooltip, and of its mask in three forms; their order is frozen."""
    return [
        io.Video.Input("video", tooltip=about),
        io.Mask.Input(
            "mask",
            optional=True,
            tooltip="One mask for the whole clip, or one per frame. Use exactly one of mask, "
            "mask_video and boxes.",
        ),
        io.Video.Input(
            "mask_video",
            optional=True,
            tooltip="A black and white video of the same length; white is removed. Read "
            "frame by frame.",
        ),
        io.String.Input(
            "boxes",
            default="",
            multiline=True,
            tooltip="Rectangles to remove, one per line, as x,y,width,height or "
            "x,y,width,height@first-end in pixels and frames; the end is not included.",
        ),
    ]


def check_one_mask(mask: Tensor | None, mask_video: Input.Video | None, boxes: str) -> None:
    """Raise OptionError unless the mask is given in exactly one form."""
    given = sum(x is not None for x in (mask, mask_video)) + bool(boxes.strip())
    if given != 1:
        raise OptionError(
            f"Expected exactly one of mask, mask_video and boxes, got {given}; use one."
        )


def chosen_mask(
    mask: Tensor | None,
    mask_video: Input.Video | None,
    boxes: str,
    info: VideoInfo,
    span: Span,
    length: LengthPolicy,
    folder: Path,
    check: Callable[[], object],
) -> Path | list[MaskBox]:
    """Return the one mask that was given, with the frame numbers of the video's file.

    Args:
        mask: see `tensor_mask`.
        mask_video: see `video_mask`.
        boxes: one a line, counted from the first frame of `span`.
        info: of the video.
        span: frames that are repaired.
        length: what to do with another number of masks.
        folder: of files that are written.
        check: called for every mask; raises to stop.
    """
    if mask is not None:
        return tensor_mask(mask, info, span, length, folder, check)
    if mask_video is not None:
        return video_mask(mask_video, info, span, length, folder)
    lines = [line for line in boxes.splitlines() if line.strip()]
    return [MaskBox.parse(line).delayed(span[0]) for line in lines]


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
