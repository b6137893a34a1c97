"""Clips on disk, in the layouts of their authors, and rendered ones."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ...errors import OptionError, ShapeError
from ...scene.camera import Camera, SceneOptions
from ...scene.render import render_scene, shown_elsewhere
from ...video.folder import natural_key
from ...video.image import IMAGE_SUFFIXES
from ...video.read import read_frames, read_masks
from .protocols import ProtocolSpec, Source

VIDEO_SUFFIXES = frozenset({".mp4", ".mkv", ".mov", ".webm", ".avi"})
_PARTS = {Source.FVI: ("Test", "JPEGImages"), Source.FACES: ("Test", "videos")}
_SCENE_SEED = 7


@dataclass(frozen=True, kw_only=True)
class Clip:
    """Paths of one clip; nothing is read yet."""

    name: str
    frames: Path | None = None
    """Folder of frames or video file; None: a rendered scene."""
    masks: Path | None = None
    """Annotation of its own moving object, if there is one."""
    plate: Path | None = None
    """Picture of the scene without the object, if there is one."""


@dataclass(frozen=True)
class Footage:
    """One clip in memory; None means not known."""

    frames: Tensor
    """(T,3,H,W) in [0,1]."""
    own: Tensor | None
    """(T,1,H,W), 1 = the clip's own moving object."""
    truth: Tensor | None = None
    """(T,3,H,W), behind the object; of rendered scenes."""
    plate: Tensor | None = None
    """(3,H,W), without the object."""
    shown: Tensor | None = None
    """(T,1,H,W), 1 = hole pixel that another frame shows; of rendered scenes."""
    flow: Tensor | None = None
    """(T-1,2,H,W), true optical flow to the next frame in pixels; of rendered scenes."""


def find_clips(spec: ProtocolSpec, data: Path | None) -> list[Clip]:
    """List the clips of a protocol, in natural order.

    Args:
        spec: the protocol.
        data: the data set's folder; None for rendered scenes.

    Returns:
        The clips, at most as many as the protocol takes.

    Raises:
        OptionError: the folder is not given or missing, or holds no clip in the expected layout.
    """
    if spec.source is Source.SCENE:
        return [Clip(name=camera.value) for camera in Camera]
    if data is None:
        raise OptionError(
            f"Expected --data for the protocol {spec.name}, got none; give the data set's folder."
        )
    root = data.joinpath(*_PARTS.get(spec.source, ()))
    if not root.is_dir():
        raise OptionError(
            f"Expected the clips of the protocol {spec.name} in {root}, found no such folder; give "
            "the data set in the layout of its authors."
        )
    paths = sorted(root.iterdir(), key=natural_key)
    inner = any(_clip(path) for path in paths if path.is_dir() and path.name != "masks")
    if not inner and (alone := _clip(root)):
        return [alone]  # the folder of one clip
    clips = [clip for path in paths if (clip := _clip(path))]
    if not clips:
        raise OptionError(
            f"Expected folders of frames or video files in {root}, found none; check the path."
        )
    (name, number), *_ = Counter(clip.name for clip in clips).most_common()
    if number > 1:
        raise OptionError(
            f"Expected unique names of the clips in {root}, got {name} {number} times; rename or "
            "remove one."
        )
    return clips[: spec.max_clips]


def _clip(path: Path) -> Clip | None:
    """Return the clip at a path, or None."""
    if path.name.startswith(".") or path.stem == "mask":
        return None
    if path.is_file():
        return Clip(name=path.stem, frames=path) if path.suffix.lower() in VIDEO_SUFFIXES else None
    plate = path / "plate.png"
    masks = next((m for m in (path / "masks", path / "mask.mkv") if m.exists()), None)
    found = {"masks": masks, "plate": plate if plate.is_file() else None}
    if len(_pictures(path)) > 1:
        return Clip(name=path.name, frames=path, **found)
    videos = [p for p in path.iterdir() if p.suffix.lower() in VIDEO_SUFFIXES and p.stem != "mask"]
    return Clip(name=path.name, frames=videos[0], **found) if len(videos) == 1 else None


def _pictures(folder: Path) -> list[Path]:
    names = (p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)
    return [p for p in names if p.stem != "plate" and not p.name.startswith(".")]


def read_footage(clip: Clip, size: tuple[int, int] | None, num_frames: int | None) -> Footage:
    """Read one clip at the protocol's size.

    Args:
        clip: its paths.
        size: (height, width) to resize to; None keeps its own.
        num_frames: how many of the first frames; None: all.

    Raises:
        ShapeError: fewer masks than frames, or masks of another size; VideoError: a file cannot be
        read.
    """
    if clip.frames is None:
        return _rendered(clip.name, size, num_frames)
    frames = torch.stack([_resized(x, size) for x in _read(clip.frames, num_frames)])
    own, plate, actual = None, None, (frames.shape[-2], frames.shape[-1])
    if clip.masks is not None:
        own = read_holes(clip.masks, len(frames), actual, may_outlast=num_frames is not None)
    if clip.plate is not None:
        plate = _resized(next(read_frames(clip.plate)).rgb(), actual)
    return Footage(frames, own, plate=plate)


def _read(path: Path, num_frames: int | None) -> list[Tensor]:
    """Read frames, without a plate in the same folder."""
    if path.is_dir() and (path / "plate.png").exists():
        files = sorted(_pictures(path), key=natural_key)[:num_frames]
        return [next(read_frames(file)).rgb() for file in files]
    return [frame.rgb() for frame in islice(read_frames(path), num_frames)]


def read_holes(
    path: Path, count: int, size: tuple[int, int], *, may_outlast: bool = True
) -> Tensor:
    """Read masks as holes (T,1,H,W), 1 = hole, resized and thresholded at 0.5.

    Args:
        path: folder, video file or still image.
        count: number of frames.
        size: (height, width).
        may_outlast: allow more masks than frames, which are only the first of the clip.

    Raises:
        ShapeError: the number of masks differs from that of the frames.
    """
    masks = list(islice(read_masks(path), count + 1))
    if len(masks) == 1:
        masks = masks * count
    if len(masks) < count or (len(masks) > count and not may_outlast):
        raise ShapeError(
            f"Expected {count} masks in {path}, one a frame, got "
            f"{'more' if len(masks) > count else len(masks)}; add or remove masks."
        )
    return (torch.stack([_resized(mask, size) for mask in masks[:count]]) > 0.5).float()


def _resized(picture: Tensor, size: tuple[int, int] | None) -> Tensor:
    """Resize (C,H,W) bilinearly with antialiasing."""
    if size is None or tuple(picture.shape[-2:]) == tuple(size):
        return picture
    return interpolate(picture[None], size, mode="bilinear", antialias=True)[0].clamp_(0, 1)


def _rendered(camera: str, size: tuple[int, int] | None, num_frames: int | None) -> Footage:
    height, width = size or (240, 432)
    scene = render_scene(
        SceneOptions(
            seed=_SCENE_SEED,
            camera=Camera(camera),
            num_frames=num_frames or 48,
            height=height,
            width=width,
        )
    )
    return Footage(
        scene.frames, scene.mask, truth=scene.truth, shown=shown_elsewhere(scene), flow=scene.flow
    )
