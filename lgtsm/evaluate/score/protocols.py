"""Protocols as data: the clips, their size and their holes; no torch."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from ...errors import OptionError


class Source(Enum):
    """Origin of a protocol's clips."""

    FOLDER = "folder"
    """One folder with a folder of frames or a video file per clip; annotations in CLIP/masks."""
    FVI = "fvi"
    """FVI in its authors' layout: Test/JPEGImages/CLIP."""
    FACES = "faces"
    """FaceForensics in the layout of FVI's authors: Test/videos/CLIP."""
    SCENE = "scene"
    """Scenes rendered by this package."""


class Shape(Enum):
    """How a hole is made."""

    OBJECT = "object"
    """The annotated moving object of another clip, laid over this one."""
    BLOB = "blob"
    """A drawn, moving, object-like shape."""
    SQUARES = "squares"
    """Static squares."""
    STROKES = "strokes"
    """The published free-form strokes, drawn until their coverage falls into a bin."""
    FACE_BOX = "face_box"
    """The published static square over faces."""
    OWN = "own"
    """The clip's own annotated object: a removal, usually without truth."""


@dataclass(frozen=True, kw_only=True)
class HoleRule:
    """One way to cut holes into all clips of a protocol."""

    name: str
    """Short; part of file names."""
    shape: Shape
    group: str = ""
    """Rules of one group share a table, averaged per clip."""
    coverage: float | None = None
    """Fraction of the picture (0 to 1), or the centre of a bin of 10 percentage points."""
    preset: str = ""
    """Published stroke preset."""
    grow: int = 0
    """Radius in pixels by which an annotation is grown."""
    seed: int = 0

    @property
    def table(self) -> str:
        """The group, or the rule's name if it has none."""
        return self.group or self.name


@dataclass(frozen=True, kw_only=True)
class ProtocolSpec:
    """One protocol."""

    name: str
    text: str
    source: Source
    holes: tuple[HoleRule, ...]
    size: tuple[int, int] | None
    """(height, width) in pixels; None keeps the clip's own."""
    num_frames: int | None
    """How many of the first frames of each clip; None: all."""
    max_clips: int | None = None
    publishes: bool = False
    """Add the figures of the LGTSM paper's tables, computed as its code does."""
    together: tuple[str, ...] = ()
    """Tables that are also shown merged into one."""
    comparable: str = ""
    """What its figures may be compared with; one sentence."""


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
            text="432x240: object masks of another clip moving over this one, a moving blob, static "
            "squares; background and moving objects reported separately",
            source=Source.FOLDER,
            holes=(HoleRule(name="object", shape=Shape.OBJECT), _BLOB, _SQUARES),
            size=(240, 432),
            num_frames=16,
            together=("object", "blob"),
            comparable="Size and kinds of holes are those of later papers; clips, masks and length are "
            "not, so no figure here is comparable with a published one.",
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
            comparable="Only clips with a plate have a truth; its light differs, so read its PSNR "
            "beside the floor that known pixels reach.",
        ),
        "own": ProtocolSpec(
            name="own",
            text="432x240: each clip's own annotated object, grown by 6 px, is removed; nobody knows the "
            "truth, so the fill is compared with its surroundings",
            source=Source.FOLDER,
            holes=(HoleRule(name="own", shape=Shape.OWN, grow=6),),
            size=(240, 432),
            num_frames=16,
            comparable="With itself only.",
        ),
        "folder": ProtocolSpec(
            name="folder",
            text="any folder of clips at their own size, with a moving blob and static squares",
            source=Source.FOLDER,
            holes=(_BLOB, _SQUARES),
            size=None,
            num_frames=None,
            comparable="With itself only.",
        ),
        "scene": ProtocolSpec(
            name="scene",
            text="three rendered scenes (locked, planar and parallax camera); the vehicle is removed, "
            "the truth behind it is known",
            source=Source.SCENE,
            holes=(HoleRule(name="own", shape=Shape.OWN),),
            size=(120, 216),
            num_frames=8,
            comparable="With itself only: it is rendered, and small.",
        ),
        "rendered": ProtocolSpec(
            name="rendered",
            text="the same three scenes at 432x240, 48 frames; optical flow and the hole pixels that "
            "other frames show are known, too",
            source=Source.SCENE,
            holes=(HoleRule(name="own", shape=Shape.OWN),),
            size=(240, 432),
            num_frames=48,
            comparable="With itself only: it is rendered.",
        ),
    }
)
"""By name; `scene` and `rendered` need no files."""


def find_protocol(name: str) -> ProtocolSpec:
    """Return a protocol by name.

    Raises:
        OptionError: the name is unknown.
    """
    if name not in PROTOCOLS:
        raise OptionError(
            f"Expected one of the protocols {', '.join(PROTOCOLS)}, got {name}; choose one of them."
        )
    return PROTOCOLS[name]
