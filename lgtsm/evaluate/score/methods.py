"""What is compared, as data, and how each method is run on one clip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
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
from .clips import FILMS
from .tracing import flow_copy, homography_copy, nearest_copy

Fill = Callable[[Tensor, Tensor], Tensor]
"""(frames (T,3,H,W) black under the hole, holes (T,1,H,W)) -> filled (T,3,H,W)."""


class Kind(Enum):
    """Where a method comes from."""

    OURS = "ours"
    SIMPLE = "simple"
    """One of the package's comparisons; the oracle picks among them."""
    THEIRS = "theirs"
    """Frames that another tool made."""
    TRUTH = "truth"
    """The clean frames themselves: what the temporal figures of a perfect fill are."""


@dataclass(frozen=True, kw_only=True)
class Method:
    """One row of the table."""

    name: str
    kind: Kind
    text: str = ""
    options: InpaintOptions | None = None
    """Of our own."""
    model: str | None = None
    """Of our own: as `--model`."""
    folder: Path | None = None
    """Of another tool: CLIP.HOLES or CLIP inside it."""

    def facts(self) -> dict[str, object]:
        """Return what identifies the method, for the results; no path of this machine."""
        facts: dict[str, object] = {"kind": self.kind.value, "text": self.text}
        if self.options is not None:
            facts["options"] = asdict(self.options, dict_factory=_plain)
            facts["model"] = None if self.model is None else Path(self.model).name
        return facts


def _plain(items: list[tuple[str, object]]) -> dict[str, object]:
    return {k: v.value if isinstance(v, Enum) else v for k, v in items}


@dataclass(frozen=True, kw_only=True)
class Simple:
    """One of the package's comparisons."""

    text: str
    fill: Fill
    needs_opencv: bool = False


def mean_colour(frames: Tensor, holes: Tensor) -> Tensor:
    """Fill with the mean colour of each frame's known pixels; (T,3,H,W)."""
    known = 1 - holes
    total = (frames * known).sum((-2, -1), keepdim=True)
    mean = total / known.sum((-2, -1), keepdim=True).clamp_min(1)
    return torch.where(holes > 0, mean, frames)


def temporal_median(frames: Tensor, holes: Tensor) -> Tensor:
    """Fill with the median over time of the same pixel where known, else smoothly; (T,3,H,W)."""
    seen = torch.where(holes > 0, torch.nan, frames)
    middle = seen.nanmedian(0, keepdim=True).values.expand_as(frames)
    missing = torch.isnan(middle)
    return torch.where(missing, smooth_fill(frames, holes), torch.nan_to_num(middle))


SIMPLE: MappingProxyType[str, Simple] = MappingProxyType(
    {
        "mean": Simple(text="mean colour of each frame", fill=mean_colour),
        "telea": Simple(text="OpenCV Telea, per frame", fill=telea, needs_opencv=True),
        "ns": Simple(text="OpenCV Navier-Stokes, per frame", fill=navier_stokes, needs_opencv=True),
        "smooth": Simple(text="smooth fill, per frame", fill=smooth_fill),
        "nearest": Simple(text="same pixel, nearest frame", fill=nearest_copy),
        "median": Simple(text="same pixel, median over time", fill=temporal_median),
        "homography": Simple(
            text="nearest frame along homographies (SIFT, RANSAC)",
            fill=homography_copy,
            needs_opencv=True,
        ),
        "flow": Simple(
            text="nearest frame along optical flow (DIS)", fill=flow_copy, needs_opencv=True
        ),
    }
)
"""By name; what no frame shows is filled smoothly by the copying ones."""


@dataclass(frozen=True)
class Chosen:
    """Methods to run, and what had to be left out."""

    methods: tuple[Method, ...]
    left_out: tuple[str, ...] = field(default=())


def choose_methods(
    names: Sequence[str] | None,
    ours: Sequence[tuple[str, InpaintOptions, str | None]],
    theirs: Sequence[tuple[str, Path]] = (),
) -> Chosen:
    """Put the rows of the table together.

    Args:
        names: simple methods by name, and `network` for the network alone; None takes all.
        ours: name, options and model of each variant of the product; the feather is switched off,
            because the clips are black under the hole.
        theirs: name and folder of other tools' frames.

    Returns:
        Simple ones, the network alone, other tools, the product, the truth.

    Raises:
        OptionError: an unknown or repeated name, or a folder that is not there.
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
            left_out.append(f"{name}: needs OpenCV, pip install opencv-python-headless")
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
            f"Expected methods of different names, none called oracle, got {twice or 'oracle'}; "
            "rename it."
        )
    return Chosen(tuple(rows), tuple(left_out))


def run_method(method: Method, material: Material, case: str) -> tuple[Tensor, dict[str, float]]:
    """Fill one case and put it into the frames.

    Args:
        method: how.
        material: the case in memory.
        case: its name, CLIP.HOLES.

    Returns:
        (T,3,H,W) in [0,1]: the frames outside the hole, the fill inside; and where the fill came from
        (`Report.sources`), empty for other methods than the product's own.

    Raises:
        OptionError: frames of another tool that are missing or do not fit.
    """
    sources: dict[str, float] = {}
    if method.kind is Kind.TRUTH:
        filled = material.frames if material.truth is None else material.truth
    elif method.kind is Kind.THEIRS:
        filled = read_theirs(method, material, case)
    elif method.kind is Kind.SIMPLE:
        filled = SIMPLE[method.name].fill(material.masked, material.holes)
    else:
        done = inpaint_clip(material.masked, material.holes, method.model, method.options)
        filled, sources = done.frames, done.report.sources
    return torch.where(material.holes > 0, filled.float().clamp(0, 1), material.frames), sources


def read_theirs(method: Method, material: Material, case: str) -> Tensor:
    """Read the frames another tool made: FOLDER/CLIP.HOLES, or FOLDER/CLIP, or a film so named.

    Raises:
        OptionError: there are none; ShapeError: another size or number of frames.
    """
    folder = method.folder or Path()
    names = (case, case.rsplit(".", 1)[0])
    tried = [folder / f"{name}{suffix}" for name in names for suffix in ("", *sorted(FILMS))]
    path = next((path for path in tried if path.exists()), None)
    if path is None:
        raise OptionError(
            f"Expected frames of {method.name} for {case} in {folder}, found none; name the folder "
            f"or film {case}."
        )
    frames = [frame.rgb() for frame in read_frames(path)]
    wanted = material.frames.shape
    if len(frames) != wanted[0] or frames[0].shape != wanted[1:]:
        raise ShapeError(
            f"Expected {wanted[0]} frames of {wanted[3]}x{wanted[2]} from {method.name} for {case}, "
            f"got {len(frames)} of {frames[0].shape[2]}x{frames[0].shape[1]}; make them from the "
            "files of --export."
        )
    return torch.stack(frames)
