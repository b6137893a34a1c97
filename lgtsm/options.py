"""Every knob a user can turn, as frozen dataclasses that check themselves; no torch.

Command line and nodes take their help texts from the docstrings under the fields.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction

from .errors import OptionError


class Mode(Enum):
    """What may fill a hole."""

    COPY_FILL = "copy+fill"
    """Copy real pixels from other frames where they fit; the network does the rest."""
    COPY = "copy"
    """Copies and the smooth fill only; no network."""
    FILL = "fill"
    """The network alone; no pixel is taken from another frame as it is."""


class Motion(Enum):
    """How other frames are aligned before pixels are copied from them."""

    AUTO = "auto"
    """All of the others at once, each pixel by what is predicted to be wrong least."""
    NONE = "none"
    """The camera stands still: the same pixel of another frame shows the same place."""
    PLANAR = "planar"
    """The background moves as one plane: panning, zooming, turning, a flat scene."""
    FLOW = "flow"
    """Every pixel moves by itself: parallax, a background that is not stiff."""


class FlowMethod(Enum):
    """Who measures dense flow between neighbouring frames."""

    BUILT_IN = "built-in"
    """This package, in torch."""
    DIS = "dis"
    """OpenCV, if it is installed."""
    RAFT = "raft"
    """torchvision, if it and its weights are installed."""


class LengthPolicy(Enum):
    """What to do when a mask clip is shorter than the frames."""

    ERROR = "error"
    """Stop with a sentence that names both lengths."""
    HOLD = "hold"
    """Repeat the last mask."""
    LOOP = "loop"
    """Start the mask clip again."""


class DType(Enum):
    """Arithmetic of the network; masks, blending and copies are always float32."""

    AUTO = "auto"
    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"


def _check_range(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise OptionError(
            f"Expected {name} between {low} and {high}, got {value}; choose a value in that range."
        )


@dataclass(frozen=True, kw_only=True)
class MaskOptions:
    """How a mask becomes the hole that is filled (mask 1 = hole)."""

    threshold: float = 0.5
    """Mask values above this are hole (0 to 1)."""
    invert: bool = False
    """Treat black as the hole."""
    grow: int = 0
    """Grow the hole by this many pixels on every side (0 to 256)."""
    fill_holes: bool = False
    """Close regions that the mask encloses completely."""
    temporal_grow: int = 0
    """Let a hole start this many frames earlier and end as many later (0 to 32)."""
    temporal_gap: int = 0
    """Fill gaps of up to this many frames in which a masked pixel is briefly unmasked (0 to 32)."""
    length: LengthPolicy = LengthPolicy.ERROR
    """What to do with a mask clip shorter than the video; one single mask serves all frames."""

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            OptionError: a value lies outside its range.
        """
        _check_range("threshold", self.threshold, 0.0, 1.0)
        _check_range("grow", self.grow, 0, 256)
        _check_range("temporal_grow", self.temporal_grow, 0, 32)
        _check_range("temporal_gap", self.temporal_gap, 0, 32)


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Where and how the arithmetic runs; none of these changes the picture noticeably."""

    device: str = "auto"
    """Device name as torch writes it (cpu, cuda, cuda:1, mps); auto takes CUDA, else the CPU."""
    dtype: DType = DType.AUTO
    """Arithmetic of the network; auto is fp32 on a CPU unless bf16 proves faster there."""
    chunk: int = 0
    """Frames computed together (1 to 64), the memory knob; 0 chooses from the frame size."""
    max_side: int = 960
    """Longest side, in pixels, the network works at; larger frames are filled at this size and
    composited at source size (64 to 8192)."""

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            OptionError: a value lies outside its range.
        """
        _check_range("chunk", self.chunk, 0, 64)
        _check_range("max_side", self.max_side, 64, 8192)


@dataclass(frozen=True, kw_only=True)
class InpaintOptions:
    """Everything that decides what comes out."""

    mode: Mode = Mode.COPY_FILL
    """What may fill a hole: copy+fill, copy (no network) or fill (network alone)."""
    motion: Motion = Motion.AUTO
    """How other frames are aligned before pixels are copied from them: auto, none, planar or flow."""
    flow: FlowMethod = FlowMethod.BUILT_IN
    """Who measures dense flow: built-in, dis (needs OpenCV) or raft (needs torchvision)."""
    feather: int = 2
    """Width in pixels of the soft edge inside the hole (0 to 64); outside nothing changes."""
    source_frames: int = 8
    """How many other frames may lend pixels to one frame (0 to 32); 0 copies nothing."""
    reach: int = 48
    """How far before and after, in frames, they may lie (0 to 192)."""
    cuts: tuple[int, ...] | None = None
    """Frame numbers at which a new shot begins; None detects them, () means there are none."""
    mask: MaskOptions = field(default_factory=MaskOptions)
    run: RunOptions = field(default_factory=RunOptions)

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            OptionError: a value lies outside its range.
        """
        _check_range("feather", self.feather, 0, 64)
        _check_range("source_frames", self.source_frames, 0, 32)
        _check_range("reach", self.reach, 0, 192)
        if self.cuts is not None and any(c < 0 for c in self.cuts):
            raise OptionError(
                f"Expected frame numbers of cuts to be 0 or more, got {self.cuts}; count from 0."
            )


@dataclass(frozen=True, kw_only=True)
class VideoOptions:
    """How a file is read and written."""

    start: int = 0
    """First frame to process and write (0 is the first of the file)."""
    end: int | None = None
    """Frame after the last one; None is the end of the file."""
    quality: int = 16
    """Constant quality of the encoder (0 to 51), lower is better and larger."""
    lossless: bool = False
    """Write FFV1 in Matroska, so that the file is exact outside the hole."""
    resume: bool = False
    """Go on with an interrupted run of the same job."""
    rate: Fraction = Fraction(24)
    """Frames per second of a source that is a folder of images, as 25 or 24000/1001."""

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            OptionError: a value lies outside its range.
        """
        _check_range("quality", self.quality, 0, 51)
        _check_range("rate", self.rate, Fraction(1, 1000), 1000)
        if self.start < 0 or (self.end is not None and self.end <= self.start):
            raise OptionError(
                f"Expected a range with start < end, got {self.start} to {self.end}; "
                "count frames from 0, the end is not included."
            )
