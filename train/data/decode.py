"""Decode files, folders and rendered scenes to uint8 arrays; find their shots."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from PIL import Image, UnidentifiedImageError

from lgtsm.engine.cuts import CutDetector
from lgtsm.errors import OptionError, VideoError
from lgtsm.scene.camera import Camera, SceneOptions
from lgtsm.scene.render import render_scene

from .layouts import Kind, Material, pictures

CHUNK_FRAMES = 600
"""Frames of one array file; longer videos are stored in several."""
MIN_SIDE_PX = 32
"""Clips with a shorter side are left out."""
_MAX_OBJECT_RATIO = 0.6
"""Mean share of object above which a folder of masks is considered inverted."""
FIRST_SCENE_SEED = 100_000
"""Smaller seeds are reserved for the demo and for measurements, so that none of their scenes is
trained on."""


class ClipError(VideoError):
    """One clip that cannot be trained on."""


def decode_chunks(item: Material) -> Iterator[np.ndarray]:
    """Decode a video, a folder of frames or a photograph.

    Yields:
        Arrays (T,H,W,3) uint8 of at most `CHUNK_FRAMES` frames, all of one size; a single frame
        after the last full array is dropped.

    Raises:
        ClipError: damaged, empty, too small, or frames of different sizes.
    """
    frames: list[np.ndarray] = []
    is_long = False
    for frame in _frames(item):
        if min(frame.shape[:2]) < MIN_SIDE_PX:
            raise ClipError(f"it is {frame.shape[1]}x{frame.shape[0]}, below {MIN_SIDE_PX} px")
        if frames and frame.shape != frames[0].shape:
            raise ClipError("its frames differ in size")
        frames.append(frame)
        if len(frames) == CHUNK_FRAMES:
            yield np.stack(frames)
            frames, is_long = [], True
    if len(frames) > 1 or (frames and item.kind is Kind.STILL):
        yield np.stack(frames)
    elif frames and not is_long:
        raise ClipError("it has a single frame")


def _frames(item: Material) -> Iterator[np.ndarray]:
    if item.kind is Kind.VIDEO:
        return _video_frames(item.path)
    files = pictures(item.path) if item.kind is Kind.FRAMES else [item.path]
    return (_picture(file) for file in files)


def _picture(path: Path) -> np.ndarray:
    try:
        with Image.open(path) as image:
            return np.asarray(image.convert("RGB"))
    except (UnidentifiedImageError, OSError, SyntaxError) as error:
        raise ClipError(f"{path.name} cannot be read ({error})") from error


def _video_frames(path: Path) -> Iterator[np.ndarray]:
    # only `prepare` needs PyAV; a training machine may lack it
    from lgtsm.video.media import open_media

    try:
        with open_media(path) as container:
            for frame in container.decode(video=0):
                yield frame.to_ndarray(format="rgb24")
    except (VideoError, IndexError) as error:
        raise ClipError(f"it cannot be decoded ({error})") from error


@torch.no_grad()
def find_shots(array: np.ndarray) -> list[tuple[int, int]]:
    """Return the shots of an array (T,H,W,3) uint8, so that no item crosses a cut.

    Returns:
        Ranges (first, stop) that cover the array, without single frames between two cuts.
    """
    if len(array) == 1:
        return [(0, 1)]
    detector = CutDetector()
    no_hole = torch.zeros(1, *array.shape[1:3])
    starts = [0]
    for t, frame in enumerate(array):
        pixels = rearrange(torch.from_numpy(np.array(frame)), "h w c -> c h w").float() / 255
        if detector.is_cut(pixels, no_hole):
            starts.append(t)
    ends = [*starts[1:], len(array)]
    return [(a, b) for a, b in zip(starts, ends, strict=True) if b - a > 1]


def read_masks(folder: Path) -> np.ndarray:
    """Read a folder of object masks, one PNG file a frame.

    Palette pictures have the background at index 0, grey ones show objects bright.

    Returns:
        (T,H,W) uint8, 1 = object.

    Raises:
        OptionError: nearly everything is object, so the masks are probably inverted.
    """
    masks = np.stack([_mask(file) for file in _one_size(pictures(folder))])
    share = float(masks.mean())
    if share > _MAX_OBJECT_RATIO:
        raise OptionError(
            f"Expected object masks with white or a palette colour on the object in {folder.name}, "
            f"got {share:.0%} of object; invert the folder."
        )
    return masks


def _mask(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        if image.mode == "P":
            return (np.asarray(image) != 0).astype(np.uint8)
        grey = np.asarray(image.convert("L"))
    return (grey >= 128 if grey.max() > 1 else grey > 0).astype(np.uint8)


def _one_size(files: Iterable[Path]) -> list[Path]:
    """Return the files whose pictures have the size of the first."""
    sizes = {}
    for file in files:
        with Image.open(file) as image:
            sizes[file] = image.size
    return [file for file, size in sizes.items() if size == next(iter(sizes.values()))]


def render_clip(number: int) -> np.ndarray:
    """Render scene `number`, without its object; cameras alternate.

    Returns:
        (32,180,320,3) uint8.
    """
    options = SceneOptions(
        seed=FIRST_SCENE_SEED + number,
        camera=list(Camera)[number % len(Camera)],
        num_frames=32,
        height=180,
        width=320,
    )
    truth = render_scene(options).truth
    return rearrange((255 * truth).round().byte(), "t c h w -> t h w c").numpy()
