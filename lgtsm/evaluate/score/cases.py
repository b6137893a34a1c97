"""One case: a clip with holes, what stands for the truth, and the fingerprints of both."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import OptionError, ShapeError
from ..metrics.plate import known_floor, place_floor, relit
from .clips import Clip, find_clips, read_footage
from .holes import cut_holes
from .protocols import HoleRule, ProtocolSpec


@dataclass(frozen=True, kw_only=True)
class Case:
    """What to measure on; light, nothing is read yet."""

    clip: Clip
    rule: HoleRule
    number: int
    """The clip's place in its protocol."""
    donors: tuple[Clip, ...]
    size: tuple[int, int] | None
    num_frames: int | None

    @property
    def name(self) -> str:
        """Return CLIP.RULE, unique in a protocol and part of file names."""
        return f"{self.clip.name}.{self.rule.name}"


@dataclass(frozen=True, kw_only=True)
class Material:
    """A case in memory."""

    frames: Tensor
    """(T,3,H,W) in [0,1], as filmed."""
    holes: Tensor
    """(T,1,H,W), 1 = hole."""
    truth: Tensor | None
    """(T,3,H,W) what is behind the hole; None where nobody knows."""
    own: Tensor | None
    """(T,1,H,W) the clip's own moving object, 1 = object; None where it is not annotated."""
    floor: float | None
    """Mean squared error of the truth on known pixels, where it is a relit plate."""
    floor_here: float | None = None
    """The same on known pixels of the places that the holes cover at other times."""
    shown: Tensor | None = None
    """(T,1,H,W), 1 = hole pixel that another frame shows; None where nobody knows."""
    flow: Tensor | None = None
    """(T-1,2,H,W), true motion to the next frame in pixels; None where nobody knows."""

    @property
    def masked(self) -> Tensor:
        """Return the frames as methods get them: black under the hole."""
        return self.frames * (1 - self.holes)

    def facts(self, case: Case) -> dict[str, object]:
        """Return what identifies the case, for the results."""
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
    spec: ProtocolSpec, data: object, *, num_frames: int | None, max_clips: int | None = None
) -> list[Case]:
    """List the cases of a protocol.

    Args:
        spec: the protocol.
        data: the data set's folder, None for rendered scenes.
        num_frames: frames of each clip; 0 takes all, None what the protocol says.
        max_clips: at most so many clips, the first ones.

    Returns:
        All holes of the first clip, then those of the next.

    Raises:
        OptionError: no data, or a number below its range.
    """
    if (num_frames or 0) < 0 or (max_clips is not None and max_clips < 1):
        raise OptionError(
            f"Expected frames of 0 or more and a clip or more, got {num_frames} and {max_clips}; "
            "0 frames takes all."
        )
    clips = find_clips(spec, data)
    wanted = spec.num_frames if num_frames is None else (num_frames or None)
    return [
        Case(
            clip=clip,
            rule=rule,
            number=number,
            # the next clip first, round and round: a fixed partner for each
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
        The case in memory, or in one phrase why it is left out.

    Raises:
        ShapeError: masks that do not fit; VideoError: files that cannot be read.
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
    removes = case.rule.shape.value == "own"
    if truth is None and not removes:
        truth = footage.frames
    if removes and footage.plate is not None:
        truth = relit(footage.plate, footage.frames, holes)
        floor = known_floor(truth, footage.frames, holes)
        floor_here = place_floor(truth, footage.frames, holes)
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


def names_of(cases: Sequence[Case]) -> list[str]:
    """Return the clips of some cases, each once, in order."""
    return list(dict.fromkeys(case.clip.name for case in cases))
