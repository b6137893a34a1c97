"""Protocols as data: which clips, at which size, with which holes; no torch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from ...errors import OptionError


class Source(Enum):
    """Where the clips of a protocol come from."""

    FOLDER = "folder"
    """Folders of frames (or films) in one folder, annotations in CLIP/masks."""
    FVI = "fvi"
    """FVI as its authors ship it: Test/JPEGImages/CLIP."""
    FACES = "faces"
    """FaceForensics as the authors of FVI lay it out: Test/videos/CLIP."""
    SCENE = "scene"
    """Scenes that the package renders itself."""


class Shape(Enum):
    """How a hole is made."""

    OBJECT = "object"
    """The annotated moving object of another clip, laid over this one."""
    BLOB = "blob"
    """A drawn object-like shape that moves."""
    SQUARES = "squares"
    """Squares that stand still."""
    STROKES = "strokes"
    """The published free-form strokes, drawn until their share falls into a bin."""
    FACE_BOX = "face_box"
    """The published square over faces, standing still."""
    OWN = "own"
    """The clip's own annotated object: a removal, mostly without truth."""


@dataclass(frozen=True, kw_only=True)
class HoleRule:
    """One way to cut holes into all clips of a protocol."""

    name: str
    """Short, part of file names."""
    shape: Shape
    group: str = ""
    """Rules of one group are averaged into one table."""
    coverage: float | None = None
    """Share of the picture, or the centre of a bin of 10 percentage points."""
    preset: str = ""
    """Published stroke setting."""
    grow: int = 0
    """Pixels by which an annotation is grown."""
    seed: int = 0

    @property
    def table(self) -> str:
        """Return the group, or the rule's own name where it has none."""
        return self.group or self.name


@dataclass(frozen=True, kw_only=True)
class ProtocolSpec:
    """What is measured on what."""

    name: str
    text: str
    source: Source
    holes: tuple[HoleRule, ...]
    size: tuple[int, int] | None
    """Height and width; None keeps the clip's own."""
    num_frames: int | None
    """Frames of each clip, the first ones; None takes all."""
    max_clips: int | None = None
    publishes: bool = False
    """Add the figures of the LGTSM paper's tables, computed as its code does."""
    together: tuple[str, ...] = ()
    """Tables whose holes are also shown as one."""
    comparable: str = ""
    """What its figures may be compared with, one sentence."""


_BINS = (0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.65)
"""Centres of the published bins 0-10 ... 60-70 %."""


def _binned(group: str, preset: str) -> tuple[HoleRule, ...]:
    return tuple(
        HoleRule(
            name=f"{group}_{round(100 * centre):02d}",
            group=group,
            shape=Shape.STROKES,
            preset=preset,
            coverage=centre,
            seed=1000 * (number + 1),
        )
        for number, centre in enumerate(_BINS)
    )


_SQUARES = HoleRule(name="squares", shape=Shape.SQUARES, coverage=0.06, seed=300)
_BLOB = HoleRule(name="blob", shape=Shape.BLOB, coverage=0.05, seed=100)

PROTOCOLS: MappingProxyType[str, ProtocolSpec] = MappingProxyType(
    {
        "moving": ProtocolSpec(
            name="moving",
            text="432x240: object masks of another clip moving over this one, a moving blob, "
            "stationary squares; background and moving objects reported apart",
            source=Source.FOLDER,
            holes=(HoleRule(name="object", shape=Shape.OBJECT), _BLOB, _SQUARES),
            size=(240, 432),
            num_frames=16,
            together=("object", "blob"),
            comparable="The size and the kinds of holes are those of later papers; clips, masks and "
            "length are not, so no figure here may be set beside a published one.",
        ),
        "fvi": ProtocolSpec(
            name="fvi",
            text="FVI at 320x180, first 15 frames, object-like and curve masks in seven bins of "
            "0-10 ... 60-70 %",
            source=Source.FVI,
            holes=_binned("object", "object_like_middle") + _binned("curve", "rand_curve"),
            size=(180, 320),
            num_frames=15,
            max_clips=100,
            publishes=True,
            comparable="The published generator and bins with seeds of ours: the published test "
            "masks differ in the draw.",
        ),
        "faces": ProtocolSpec(
            name="faces",
            text="FaceForensics at 128x128, 32 frames, box, object-like and curve masks",
            source=Source.FACES,
            holes=(
                HoleRule(name="box", shape=Shape.FACE_BOX, seed=500),
                *_binned("object", "object_like_middle"),
                *_binned("curve", "rand_curve"),
            ),
            size=(128, 128),
            num_frames=32,
            max_clips=150,
            publishes=True,
            comparable="As fvi; frames are resized whole, while the published ones were cropped "
            "around the face.",
        ),
        "removal": ProtocolSpec(
            name="removal",
            text="the clip's own annotated object is removed; with CLIP/plate.png the fill is "
            "compared with the empty plate, relit to each frame",
            source=Source.FOLDER,
            holes=(HoleRule(name="own", shape=Shape.OWN, grow=4),),
            size=None,
            num_frames=None,
            comparable="No truth but for clips with a plate; a plate is lit differently, so read its "
            "PSNR beside the floor that known pixels reach.",
        ),
        "folder": ProtocolSpec(
            name="folder",
            text="any folder of clips at their own size, with a moving blob and stationary squares",
            source=Source.FOLDER,
            holes=(_BLOB, _SQUARES),
            size=None,
            num_frames=None,
            comparable="With itself only.",
        ),
        "scene": ProtocolSpec(
            name="scene",
            text="three rendered scenes (locked, planar, parallax camera), the vehicle removed, the "
            "truth behind it known",
            source=Source.SCENE,
            holes=(HoleRule(name="own", shape=Shape.OWN),),
            size=(120, 216),
            num_frames=8,
            comparable="With itself only: it is drawn, and small.",
        ),
        "rendered": ProtocolSpec(
            name="rendered",
            text="the same three scenes at 432x240, 48 frames; motion and what other frames show of "
            "the hole are known, too",
            source=Source.SCENE,
            holes=(HoleRule(name="own", shape=Shape.OWN),),
            size=(240, 432),
            num_frames=48,
            comparable="With itself only: it is drawn.",
        ),
    }
)
"""By name; `scene` needs no file."""


def find_protocol(name: str) -> ProtocolSpec:
    """Return a protocol by name.

    Raises:
        OptionError: there is none of that name.
    """
    if name not in PROTOCOLS:
        raise OptionError(
            f"Expected one of the protocols {', '.join(PROTOCOLS)}, got {name}; choose one of them."
        )
    return PROTOCOLS[name]
