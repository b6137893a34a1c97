"""Options of a job, as frozen dataclasses that check themselves; no torch."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

from .errors import OptionError, shown
from .knobs import Options, knob
from .mask_options import MaskOptions
from .neighbour_options import NeighbourOptions

_LARGEST_PART, _NEAREST = 2**31 - 1, 10_000
"""Of a rate as a fraction: files hold 32 bits of each part; the denominator of one with too many digits
is this at most, 1001 among them."""


class Mode(Enum):
    """What may fill a hole."""

    COPY_FILL = "copy+fill"
    """Copy real pixels from other frames where they fit; the network does the rest."""
    COPY = "copy"
    """Copies and the smooth fill only; no network."""
    FILL = "fill"
    """The network alone; no pixel is copied from another frame."""


class Motion(Enum):
    """How other frames are aligned before pixels are copied from them."""

    AUTO = "auto"
    """All of the methods below; each pixel takes the one with the lowest predicted error."""
    NONE = "none"
    """The camera stands still: a pixel shows the same point of the scene in every frame."""
    PLANAR = "planar"
    """The background moves as one plane: panning, zooming, rotation, a flat scene."""
    FLOW = "flow"
    """Every pixel moves by itself: parallax, a background that is not rigid."""
    DFPN = "dfpn"
    CPN = "cpn"
    """Found by a network: every pixel by itself, or one affine motion; see `NeighbourOptions`."""


class Unseen(Enum):
    """What fills the places that no frame of the shot shows."""

    AUTO = "auto"
    """Places that would show are synthesised once and carried along; the network does the rest."""
    SYNTHESISE = "synthesise"
    """All of them are synthesised, however small."""
    NETWORK = "network"
    """The network, or the smooth fill where there is none."""


class PixelRange(Enum):
    """Numbers for black and white; auto: as a file's metadata say, else 0..255 for bytes, 0..1 for floats."""

    AUTO = "auto"
    UNIT = "0..1"
    SIGNED = "-1..1"
    BYTES = "0..255"


class MaskSense(Enum):
    """What is white in a mask; auto: as a file's metadata say, else the hole."""

    AUTO = "auto"
    HOLE = "hole"
    KNOWN = "known"


class FlowMethod(Enum):
    """How dense optical flow between neighbouring frames is estimated."""

    BUILT_IN = "built-in"
    """This package, in torch."""
    DIS = "dis"
    """OpenCV, if it is installed."""
    RAFT = "raft"
    """torchvision, if it and its weights are installed."""


class Preset(Enum):
    """How much time a fill may take."""

    FAST = "fast"
    NORMAL = "normal"
    BEST = "best"


class CompareAs(Enum):
    """How a clip before and after the repair is shown in one picture."""

    SIDE_BY_SIDE = "side-by-side"
    """Before on the left, after on the right."""
    WIPE = "wipe"
    """One picture: a line moves across it and back, after on its left, before on its right."""
    MASK = "mask"
    """Side by side; before with the mask in red and the number of the frame."""


class DType(Enum):
    """Arithmetic of the network; masks, blending and copies are always float32."""

    AUTO = "auto"
    FP32 = "fp32"
    BF16 = "bf16"
    FP16 = "fp16"


@dataclass(frozen=True, kw_only=True)
class RunOptions(Options):
    """Where and how the arithmetic runs; none of these changes the picture noticeably."""

    device: str = knob(
        "auto",
        "Device as torch names it (cpu, cuda, cuda:1); auto is CUDA if present, else cpu.",
    )
    dtype: DType = knob(
        DType.AUTO,
        "Arithmetic of the network: fp32 is the reference; auto takes a half precision that the weights "
        "were tested with if it is faster on the device, else fp32.",
    )
    chunk: int = knob(
        0,
        "Frames computed together; 0 chooses by frame size, lower values save memory.",
        limits=(0, 64),
        advanced=True,
    )
    max_side: int = knob(
        960,
        "Longest side, in pixels, that the network works at; larger frames are filled at this size "
        "and composited at their own.",
        limits=(64, 8192),
        step=16,
        advanced=True,
    )
    threads: int = knob(
        0,
        "Threads of the CPU to use; 0 takes as many as other programs leave free when the job begins, a "
        "fixed number gives the same bits every time.",
        limits=(0, 1024),
        advanced=True,
    )


_PRESETS: MappingProxyType[Preset, tuple[int, int, int]] = MappingProxyType(
    {Preset.FAST: (4, 24, 640), Preset.NORMAL: (8, 48, 960), Preset.BEST: (16, 96, 1920)}
)
"""source_frames, reach and max_side."""


@dataclass(frozen=True, kw_only=True)
class InpaintOptions(Options):
    """Everything that decides the result."""

    mode: Mode = knob(
        Mode.COPY_FILL,
        "What may fill: copy+fill copies real pixels of other frames where they fit and lets the network do "
        "the rest; copy uses no network; fill uses the network alone.",
        advanced=True,
    )
    motion: Motion = knob(
        Motion.AUTO,
        "How other frames are aligned before pixels are copied: none for a fixed camera, planar "
        "for panning and zooming, flow for parallax; auto tries all of them and chooses for every pixel; "
        "dfpn and cpn use an aligner network of your own.",
        advanced=True,
    )
    flow: FlowMethod = knob(
        FlowMethod.BUILT_IN,
        "How dense optical flow is estimated: built-in, dis (needs OpenCV) or raft (needs "
        "torchvision).",
    )
    unseen: Unseen = knob(
        Unseen.AUTO,
        "What fills places that no frame shows: auto invents the larger ones from the picture around them, "
        "once for the whole shot, unless something moves there on its own; synthesise does so for all of "
        "them; network leaves them to the network.",
        advanced=True,
    )
    synthesiser: str | Path | None = knob(
        None,
        "Still-image model that invents what no frame shows: an ONNX file, owner/name:file.onnx on a hub, or "
        "pypatchmatch; without it, patches of the picture are used.",
    )
    synthesiser_range: PixelRange = knob(PixelRange.AUTO, "Pixel range of the synthesiser.")
    synthesiser_mask: MaskSense = knob(MaskSense.AUTO, "What is white in the synthesiser's mask.")
    feather: int = knob(
        2,
        "Width in pixels of the soft edge, which lies in the pixels that grow adds: what the mask covers is "
        "always replaced in full.",
        limits=(0, 64),
        advanced=True,
    )
    source_frames: int = knob(
        8,
        "How many other frames may lend pixels to one frame; 0 copies nothing.",
        limits=(0, 32),
        advanced=True,
    )
    reach: int = knob(
        48,
        "How many frames before and after a frame its source frames may come from; more need more memory.",
        limits=(0, 192),
        advanced=True,
    )
    preset: Preset = knob(
        Preset.NORMAL,
        "How much time the fill may take: fast and best set source_frames, reach and max_side, unless you "
        "set them yourself.",
    )
    cuts: tuple[int, ...] | None = knob(
        None, "Frame numbers at which a new shot begins; without them cuts are detected."
    )
    mask: MaskOptions = field(default_factory=MaskOptions)
    run: RunOptions = field(default_factory=RunOptions)
    neighbours: NeighbourOptions = field(default_factory=NeighbourOptions)

    def __post_init__(self) -> None:
        """Check the limits and the frame numbers of cuts, and apply the preset; raises OptionError."""
        super().__post_init__()
        *counts, max_side = _PRESETS[self.preset]
        for name, value in zip(("source_frames", "reach"), counts, strict=True):
            if getattr(self, name) == getattr(InpaintOptions, name):
                object.__setattr__(self, name, value)
        if self.run.max_side == RunOptions.max_side:
            object.__setattr__(self, "run", replace(self.run, max_side=max_side))
        self.neighbours.check_motion(self.motion.value)
        if self.synthesiser is not None:
            self._check_synthesiser(self.synthesiser)
        if self.cuts is not None and any(c < 0 for c in self.cuts):
            raise OptionError(
                f"Expected frame numbers of cuts to be 0 or more, got {shown(self.cuts)}; count from 0."
            )

    def _check_synthesiser(self, given: object) -> None:
        """Raise OptionError for one that is no name, or that nothing would ask."""
        if not isinstance(given, str | Path):
            raise OptionError(f"Expected synthesiser as a file, got {shown(given)}; name one.")
        object.__setattr__(self, "synthesiser", str(given))
        if not self.synthesises:
            raise OptionError(
                f"Expected a mode that synthesises with the synthesiser {shown(given)}, got mode "
                f"{self.mode.value} and unseen {self.unseen.value}; leave one of them out."
            )

    @property
    def synthesises(self) -> bool:
        """Whether what no frame shows may be synthesised."""
        return self.mode is not Mode.FILL and self.unseen is not Unseen.NETWORK

    @property
    def soft_edge_px(self) -> int:
        """Width of the soft edge that leaves every pixel of the mask as given to the fill.

        Such a pixel is more than `grow` pixels away from the nearest one that is kept, and the fill has
        full weight from `feather` + 1 pixels on.
        """
        return min(self.feather, max(0, self.mask.grow - 1))


@dataclass(frozen=True, kw_only=True)
class VideoOptions(Options):
    """How a file is read and written."""

    start: int = knob(0, "First frame to process and write, counted from 0.")
    end: int | None = knob(None, "Frame after the last one; without it the video runs to its end.")
    quality: int = knob(
        16, "Constant quality of the encoder; lower is better and larger.", limits=(0, 51)
    )
    lossless: bool = knob(False, "Write FFV1 in Matroska, which is exact outside the mask.")
    resume: bool = knob(False, "Continue an interrupted run of the same job.")
    strict: bool = knob(False, "Stop with an error at a damaged file, instead of a warning.")
    rate: Fraction = knob(
        Fraction(24),
        "Frames per second where the source is a folder of images, such as 25 or 24000/1001.",
        limits=(Fraction(1, 1000), 1000),
    )
    compare_as: CompareAs = knob(
        CompareAs.SIDE_BY_SIDE,
        "How a comparison shows before and after: side-by-side; wipe, where a line moves across the "
        "picture; or mask, side by side with the mask in red and the numbers of the frames.",
    )

    def __post_init__(self) -> None:
        """Check the limits and the range of frames; raises OptionError."""
        try:
            rate = Fraction(self.rate)
            if max(rate.numerator, rate.denominator) > _LARGEST_PART:
                rate = rate.limit_denominator(_NEAREST)
        except (ValueError, OverflowError, ZeroDivisionError) as error:
            raise OptionError(
                f"Expected rate as frames per second, got {self.rate!r:.80}; give 25 or 24000/1001."
            ) from error
        object.__setattr__(self, "rate", rate)
        super().__post_init__()
        if self.start < 0 or (self.end is not None and self.end <= self.start):
            raise OptionError(
                f"Expected a range with start < end, got {shown(self.start)} to {shown(self.end)}; "
                "count frames from 0, the end is not included."
            )
