"""Clean plate: one frame without its masked content, made from the other frames alone."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from .copying.blending import SEEN, blend_frame
from .copying.shot import Shot
from .copying.source_frames import OFFSETS, Search
from .engine.cuts import CutDetector
from .engine.run import check_frame
from .errors import Cancelled, OptionError
from .options import Motion

SOURCE_FRAMES = 16
REACH = 192


@dataclass(frozen=True)
class CleanPlate:
    """A plate and its confidence.

    picture: (3,H,W) in [0,1]; equals the frame outside the mask.
    missing: (1,H,W) 1 = no other frame shows this pixel well enough; the picture is a smooth fill there.
    confidence: (1,H,W) fraction of copied pixels, 0..1; 1 outside the mask.
    """

    picture: Tensor
    missing: Tensor
    confidence: Tensor


def clean_plate(
    pairs: Iterable[tuple[Tensor, Tensor]],
    frame: int = 0,
    *,
    motion: Motion = Motion.AUTO,
    source_frames: int = SOURCE_FRAMES,
    reach: int = REACH,
    cancel: Callable[[], bool] | None = None,
) -> CleanPlate:
    """Make the plate of one frame.

    Args:
        pairs: frames (3,H,W) floating point in [0,1], each with its hole (1,H,W), above 0.5 =
            hole; read one by one, so a long clip need not be in memory. Nothing is copied across a
            cut.
        frame: number of the frame whose plate is wanted, from 0.
        motion: how other frames are aligned.
        source_frames: how many of them may contribute pixels.
        reach: how far before and after, in frames, they may be.
        cancel: asked at every frame; True stops.

    Returns:
        The plate, on the CPU.

    Raises:
        OptionError: there is no such frame; ShapeError: shapes or values that do not fit;
        Cancelled: `cancel` returned True.
    """
    search = Search.of(motion, (reach, reach), source_frames)
    shot: Shot | None = None
    source: tuple[Shot, Tensor, Tensor] | None = None
    length = first = 0
    detector = CutDetector()
    with torch.inference_mode():
        for t, (pixels, hole) in enumerate(pairs):
            if cancel is not None and cancel():
                raise Cancelled(
                    "Expected to finish the plate, was asked to stop; nothing was written."
                )
            length = t + 1
            check_frame(pixels, hole, t)
            if t > frame + reach:
                break
            pixels, hole = pixels.float().cpu(), (hole > 0.5).float().cpu()
            is_cut = detector.is_cut(pixels, hole)
            if is_cut and t > frame:
                break
            if shot is None or is_cut:
                size = (pixels.shape[1], pixels.shape[2])
                shot, first = Shot(size, torch.device("cpu"), search), t
            shot.push(pixels[None], hole[None])
            shot.forget(min(t, frame) - reach - first)
            if t == frame:
                source = (shot, pixels.clone(), hole)
            elif abs(t - frame) not in OFFSETS:
                shot.drop(t - first)  # never sampled
        if source is None:
            raise OptionError(
                f"Expected a frame number below {length}, got {frame}; count frames from 0."
            )
        shot, picture, hole = source
        blended = blend_frame(shot, frame - first, search)
        confidence = 1 - hole
        if blended is not None:
            rows, columns = blended.box.rows, blended.box.columns
            inside = hole[:, rows, columns] > 0
            found = blended.candidate
            for whole, part in ((picture, found.fill[0]), (confidence, found.confidence[0])):
                whole[:, rows, columns] = torch.where(inside, part, whole[:, rows, columns])
    return CleanPlate(picture, (confidence < SEEN).float(), confidence.clamp(0, 1))
