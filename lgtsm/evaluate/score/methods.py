"""The compared methods as data, and how each is run on one clip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import Enum
from pathlib import Path
from types import MappingProxyType

import torch
from torch import Tensor

from ...api import inpaint_clip
from ...errors import OptionError, ShapeError
from ...fills.smooth import smooth_fill
from ...options import InpaintOptions, Mode
from ...video.read import read_frames
from ..metrics.opencv_baselines import has_opencv, navier_stokes, telea
from .cases import Material
from .clips import VIDEO_SUFFIXES
from .results import Row
from .tracing import flow_copy, homography_copy, nearest_copy

Fill = Callable[[Tensor, Tensor], Tensor]
"""(frames (T,3,H,W), black under the hole; holes (T,1,H,W)) -> filled (T,3,H,W)."""


class Kind(Enum):
    """Origin of a method."""

    OURS = "ours"
    SIMPLE = "simple"
    """One of the comparison methods in this package; the oracle picks among them."""
    THEIRS = "theirs"
    """Frames that another tool made."""
    TRUTH = "truth"
    """The true frames: they show the temporal figures of a perfect fill."""


@dataclass(frozen=True, kw_only=True)
class Method:
    """One row of the table."""

    name: str
    kind: Kind
    text: str = ""
    options: InpaintOptions | None = None
    """For OURS."""
    model: str | None = None
    """For OURS: as `--model`."""
    folder: Path | None = None
    """For THEIRS: holds CLIP.HOLES or CLIP."""

    @property
    def synthesiser_file(self) -> Path | None:
        """The synthesiser, where it is a file of this machine."""
        given = None if self.options is None else self.options.synthesiser
        path = None if given is None else Path(given)
        return path if path is not None and path.is_file() else None

    def facts(self) -> Row:
        """Return the method's entry in the results, without any path of this machine."""
        facts: Row = {"kind": self.kind.value, "text": self.text}
        if self.options is not None:
            options = asdict(self.options, dict_factory=_plain)
            if self.synthesiser_file is not None:
                options["synthesiser"] = self.synthesiser_file.name
            facts["options"] = options
            facts["model"] = None if self.model is None else Path(self.model).name
        return facts


def _plain(items: list[tuple[str, object]]) -> dict[str, object]:
    return {k: v.value if isinstance(v, Enum) else v for k, v in items}


@dataclass(frozen=True, kw_only=True)
class SimpleMethod:
    """One of the comparison methods in this package."""

    text: str
    fill: Fill
    needs_opencv: bool = False


def mean_colour(frames: Tensor, holes: Tensor) -> Tensor:
    """Fill with the mean colour of each frame's known pixels."""
    known = 1 - holes
    total = (frames * known).sum((-2, -1), keepdim=True)
    mean = total / known.sum((-2, -1), keepdim=True).clamp_min(1)
    return torch.where(holes > 0, mean, frames)


def temporal_median(frames: Tensor, holes: Tensor) -> Tensor:
    """Fill with the temporal median of the same pixel where it is ever known, else smoothly."""
    seen = torch.where(holes > 0, torch.nan, frames)
    middle = seen.nanmedian(0, keepdim=True).values.expand_as(frames)
    missing = torch.isnan(middle)
    return torch.where(missing, smooth_fill(frames, holes), torch.nan_to_num(middle))


SIMPLE: MappingProxyType[str, SimpleMethod] = MappingProxyType(
    {
        "mean": SimpleMethod(text="mean colour of each frame", fill=mean_colour),
        "telea": SimpleMethod(text="OpenCV Telea, per frame", fill=telea, needs_opencv=True),
        "ns": SimpleMethod(
            text="OpenCV Navier-Stokes, per frame", fill=navier_stokes, needs_opencv=True
        ),
        "smooth": SimpleMethod(text="smooth fill, per frame", fill=smooth_fill),
        "nearest": SimpleMethod(text="same pixel, nearest frame", fill=nearest_copy),
        "median": SimpleMethod(text="same pixel, median over time", fill=temporal_median),
        "homography": SimpleMethod(
            text="nearest frame along homographies (SIFT, RANSAC)",
            fill=homography_copy,
            needs_opencv=True,
        ),
        "flow": SimpleMethod(
            text="nearest frame along optical flow (DIS)", fill=flow_copy, needs_opencv=True
        ),
    }
)
"""By name; the copying ones fill smoothly what no frame shows."""


@dataclass(frozen=True)
class Selection:
    """Methods to run, and those that cannot run here with the reason, as (name, reason)."""

    methods: tuple[Method, ...]
    left_out: tuple[tuple[str, str], ...] = ()


def choose_methods(
    names: Sequence[str] | None,
    ours: Sequence[tuple[str, InpaintOptions, str | None]],
    theirs: Sequence[tuple[str, Path]] = (),
) -> Selection:
    """Select the rows of the table.

    Args:
        names: simple methods by name, and `network` for the network alone; None: all.
        ours: name, options and model of each variant of the product.
        theirs: name and folder of other tools' frames.

    Returns:
        Simple methods, the network alone, other tools, the product, the truth.

    Raises:
        OptionError: a name is unknown or repeated, or a folder is missing.
    """
    names = [*SIMPLE, "network"] if names is None else list(names)
    unknown = [name for name in names if name not in SIMPLE and name != "network"]
    if unknown:
        raise OptionError(
            f"Expected methods among {', '.join([*SIMPLE, 'network'])}, got {unknown[0]}; correct "
            "the name."
        )
    rows, left_out = [], []
    for name in names:
        if name == "network":
            continue
        if SIMPLE[name].needs_opencv and not has_opencv():
            left_out.append((name, "needs OpenCV, pip install opencv-python-headless"))
            continue
        rows.append(Method(name=name, kind=Kind.SIMPLE, text=SIMPLE[name].text))
    if "network" in names and ours:
        model, alone = ours[0][2], InpaintOptions(mode=Mode.FILL, feather=0)
        text = "the network alone, --mode fill"
        rows.append(Method(name="network", kind=Kind.OURS, text=text, options=alone, model=model))
    for name, folder in theirs:
        if not folder.is_dir():
            raise OptionError(
                f"Expected a folder with the frames of {name}, got {folder}; check the path."
            )
        rows.append(Method(name=name, kind=Kind.THEIRS, text="another tool", folder=folder))
    for name, options, model in ours:
        rows.append(Method(name=name, kind=Kind.OURS, text="lgtsm", options=options, model=model))
    rows.append(Method(name="truth", kind=Kind.TRUTH, text="the clean frames themselves"))
    seen = [row.name for row in rows]
    twice = next((name for name in seen if seen.count(name) > 1), None)
    if twice or "oracle" in seen:
        raise OptionError(
            f"Expected unique names of methods other than oracle, got {twice or 'oracle'}; rename it."
        )
    return Selection(tuple(rows), tuple(left_out))


def run_method(method: Method, material: Material, case: str) -> tuple[Tensor, dict[str, float]]:
    """Fill one case.

    Args:
        method: how.
        material: the case in memory.
        case: its name, CLIP.HOLES.

    Returns:
        (T,3,H,W) in [0,1]: the original frames outside the hole, the fill inside; and the origin of the
        fill (`Report.sources`), empty for methods other than our own.

    Raises:
        OptionError: another tool's frames are missing; ShapeError: they do not fit.
    """
    sources: dict[str, float] = {}
    if method.kind is Kind.TRUTH:
        filled = material.frames if material.truth is None else material.truth
    elif method.kind is Kind.THEIRS:
        filled = _read_theirs(method.name, method.folder or Path(), material, case)
    elif method.kind is Kind.SIMPLE:
        filled = SIMPLE[method.name].fill(material.masked, material.holes)
    else:
        done = inpaint_clip(material.masked, material.holes, method.model, method.options)
        filled = done.frames
        sources = done.report.sources | {"unseen": done.report.unseen}
    return torch.where(material.holes > 0, filled.float().clamp(0, 1), material.frames), sources


def _read_theirs(name: str, folder: Path, material: Material, case: str) -> Tensor:
    """Read another tool's frames: FOLDER/CLIP.HOLES or FOLDER/CLIP, a folder or a video file."""
    names = (case, case.rsplit(".", 1)[0])
    tried = [
        folder / f"{stem}{suffix}" for stem in names for suffix in ("", *sorted(VIDEO_SUFFIXES))
    ]
    path = next((path for path in tried if path.exists()), None)
    if path is None:
        raise OptionError(
            f"Expected frames of {name} for {case} in {folder}, found none; name the folder or video "
            f"file {case}."
        )
    frames = [frame.rgb() for frame in read_frames(path)]
    wanted = material.frames.shape
    if len(frames) != wanted[0] or frames[0].shape != wanted[1:]:
        raise ShapeError(
            f"Expected {wanted[0]} frames of {wanted[3]}x{wanted[2]} from {name} for {case}, got "
            f"{len(frames)} of {frames[0].shape[2]}x{frames[0].shape[1]}; make them from the files "
            "of --export."
        )
    return torch.stack(frames)
