"""One case: a clip with holes, its truth, and the digests of both."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ...errors import OptionError, ShapeError
from ..metrics.plate import covered_floor, known_floor, relit
from .clips import Clip, find_clips, read_footage
from .holes import cut_holes
from .protocols import HoleRule, ProtocolSpec, Shape
from .results import Row


@dataclass(frozen=True, kw_only=True)
class Case:
    """What to measure on; nothing is read yet."""

    clip: Clip
    rule: HoleRule
    number: int
    """The clip's index in its protocol."""
    donors: tuple[Clip, ...]
    """Clips whose object may be laid over this one, in the order in which they are tried."""
    size: tuple[int, int] | None
    """(height, width) to resize to; None keeps the clip's own."""
    num_frames: int | None
    """How many of the first frames; None: all."""

    @property
    def name(self) -> str:
        """CLIP.RULE: unique in a protocol, part of file names."""
        return f"{self.clip.name}.{self.rule.name}"


@dataclass(frozen=True, kw_only=True)
class Material:
    """A case in memory; None means not known."""

    frames: Tensor
    """(T,3,H,W) in [0,1], as filmed."""
    holes: Tensor
    """(T,1,H,W), 1 = hole."""
    truth: Tensor | None
    """(T,3,H,W), what is behind the hole."""
    own: Tensor | None
    """(T,1,H,W), the clip's own annotated moving object, 1 = object."""
    floor: float | None
    """Mean squared error on known pixels of a truth that is a relit plate."""
    floor_here: float | None = None
    """The same at known pixels that the holes cover at other times."""
    shown: Tensor | None = None
    """(T,1,H,W), 1 = hole pixel that another frame shows."""
    flow: Tensor | None = None
    """(T-1,2,H,W), true optical flow to the next frame in pixels."""

    @property
    def masked(self) -> Tensor:
        """The input of the methods: frames that are black under the hole."""
        return self.frames * (1 - self.holes)

    def facts(self, case: Case) -> Row:
        """Return the case's entry in the results."""
        hole = self.holes.mean()
        own = None
        if self.own is not None and self.truth is not None and hole > 0:
            own = float((self.holes * self.own).mean() / hole)
        return {
            "clip": case.clip.name,
            "holes": case.rule.name,
            "table": case.rule.table,
            "frames": len(self.frames),
            "size": [self.frames.shape[-1], self.frames.shape[-2]],
            "coverage": float(hole),
            "moving_share": own,
            "frames_sha256": digest(self.frames),
            "holes_sha256": digest(self.holes),
        }


def plan_cases(
    spec: ProtocolSpec, data: Path | None, *, num_frames: int | None, max_clips: int | None = None
) -> list[Case]:
    """List the cases of a protocol.

    Args:
        spec: the protocol.
        data: the data set's folder; None for rendered scenes.
        num_frames: first frames of each clip; 0: all, None: as the protocol.
        max_clips: how many of the first clips; None: all.

    Returns:
        All holes of the first clip, then those of the next.

    Raises:
        OptionError: no data, or a number below its range.
    """
    if (num_frames or 0) < 0 or (max_clips is not None and max_clips < 1):
        raise OptionError(
            f"Expected 0 or more frames and 1 or more clips, got {num_frames} and {max_clips}; use "
            "0 frames for all of them."
        )
    clips = find_clips(spec, data)
    wanted = spec.num_frames if num_frames is None else (num_frames or None)
    return [
        Case(
            clip=clip,
            rule=rule,
            number=number,
            # the next clip first, cyclically: every clip has a fixed donor
            donors=(*clips[number + 1 :], *clips[:number]),
            size=spec.size,
            num_frames=wanted,
        )
        for number, clip in enumerate(clips[:max_clips])
        for rule in spec.holes
    ]


def load_case(case: Case) -> Material | str:
    """Read a case.

    Args:
        case: which.

    Returns:
        The case in memory, or the reason for its exclusion in one phrase.

    Raises:
        ShapeError: the masks do not fit; VideoError: a file cannot be read.
    """
    footage = read_footage(case.clip, case.size, case.num_frames)
    count = len(footage.frames)
    if count < 2:
        return f"{count} frame is too short: temporal figures need 2"
    holes = cut_holes(case.rule, footage, case.number, case.donors)
    if holes is None:
        return "no annotated object that fits"
    if holes.shape[-2:] != footage.frames.shape[-2:]:
        raise ShapeError(
            f"Expected masks of {tuple(footage.frames.shape[-2:])} for {case.name}, got "
            f"{tuple(holes.shape[-2:])}; resize them."
        )
    truth, floor, floor_here = footage.truth, None, None
    removes = case.rule.shape is Shape.OWN
    if truth is None and not removes:
        truth = footage.frames
    if removes and footage.plate is not None:
        truth = relit(footage.plate, footage.frames, holes)
        floor = known_floor(truth, footage.frames, holes)
        floor_here = covered_floor(truth, footage.frames, holes)
    own = None if removes else footage.own
    return Material(
        frames=footage.frames,
        holes=holes,
        truth=truth,
        own=own,
        floor=floor,
        floor_here=floor_here,
        shown=footage.shown,
        flow=footage.flow,
    )


def digest(clip: Tensor) -> str:
    """Return the SHA-256 of a clip rounded to bytes."""
    levels = (255 * clip).round().to(torch.uint8).contiguous()
    head = "x".join(map(str, levels.shape)).encode()
    return hashlib.sha256(head + levels.numpy().tobytes()).hexdigest()
