"""Image sequences: a listing, and a writer with the interface of `VideoWriter`."""

from __future__ import annotations

import re
from pathlib import Path
from types import MappingProxyType

from av.codec.codec import Properties
from torch import Tensor

from ..errors import VideoError
from .carrier import choose_carrier, convert, is_exact
from .frame import Frame
from .image import IMAGE_KINDS, IMAGE_SUFFIXES, ImageKind, image_kind, is_still, save_image
from .image_extras import extras_of
from .layout import Family, Layout
from .media import open_media, video_stream
from .output import Output, write_errors
from .paste import paste
from .profiles import fits, is_srgb, read_profile

_SPELLINGS = MappingProxyType({".jpeg": ".jpg", ".tiff": ".tif"})


def list_images(folder: Path) -> list[Path]:
    """List the images of a folder in natural order (2 before 10), without hidden files.

    Raises:
        VideoError: the folder holds no images, or those of two kinds, which are two sequences.
    """
    files = [
        p
        for p in folder.iterdir()
        if p.suffix.lower() in IMAGE_SUFFIXES and not p.name.startswith(".") and p.is_file()
    ]
    if not files:
        raise VideoError(f"Expected a folder with images, got {folder} without; check the path.")
    kinds = sorted({_SPELLINGS.get(p.suffix.lower(), p.suffix.lower()) for p in files})
    if len(kinds) > 1:
        raise VideoError(
            f"Expected images of one kind in {folder}, got {', '.join(kinds)}; "
            "move all but one sequence elsewhere."
        )
    return sorted(files, key=natural_key)


def natural_key(path: Path) -> tuple[list[tuple[int, int, str]], str]:
    """Return a sort key by which numbers in file names sort as numbers."""
    parts = re.split(r"(\d+)", path.name.casefold())
    # Odd items are digits; the first element keeps numbers and words comparable.
    keys = [(0, int(p), "") if i % 2 else (1, 0, p) for i, p in enumerate(parts)]
    return keys, path.name


def keeps_values(path: Path) -> bool:
    """Tell whether the codec of a film, folder or image is lossless whatever its settings."""
    with open_media(list_images(path)[0] if path.is_dir() else path) as container:
        kinds = int(video_stream(container, path).codec_context.codec.properties)
    return bool(kinds & Properties.LOSSLESS.value) and not kinds & Properties.LOSSY.value


def _written_name(source: Path) -> str:
    if source.suffix.lower() in (".tif", ".tiff"):
        return source.name
    return source.stem + image_kind(source.suffix).suffix


def _check_apart(sources: list[Path]) -> None:
    """Refuse images that would get one name: f1.jpg and f1.jpeg both become f1.png."""
    taken: dict[str, Path] = {}
    for source in sources:
        other = taken.setdefault(_written_name(source), source)
        if other is not source:
            raise VideoError(
                f"Expected names that differ as {image_kind(source.suffix).suffix}, got "
                f"{other.name} and {source.name} in {source.parent}; rename one."
            )


class FrameFolderWriter(Output):
    """Write frames as a folder of images, changing hole samples only.

    Images keep their name and kind (PNG, TIFF, BMP, EXR); JPEG and WebP become PNG, since encoding
    them again would change pixels outside the hole. Frames of a video become PNG with 8 bits, or 16
    where the video has more than 8.
    """

    def __init__(self, target: Path, source: Path) -> None:
        """Check the paths; existing images of the same names are replaced at the end.

        Raises:
            VideoError: the target is the source, is a file, or cannot be written, or two images
                of the source would get one name.
        """
        source = Path(source)
        self._names: list[Path] = []
        if source.is_dir():
            self._names = list_images(source)
        elif is_still(source):
            self._names = [source]
        _check_apart(self._names)
        names = {_written_name(name) for name in self._names}
        is_ours = {"is_ours": names.__contains__} if names else {}
        super().__init__(Path(target), folder=True, source=source, **is_ours)

    def write(self, frame: Frame, pixels: Tensor, hole: Tensor) -> None:
        """Write one frame; pixels (3,H,W) and hole (1,H,W) as for `VideoWriter.write`.

        Raises:
            ShapeError: the sizes do not fit.
            VideoError: the image cannot be written.
        """
        source = self._names[frame.index] if frame.index < len(self._names) else None
        kind = image_kind(source.suffix if source else ".png")
        if source is not None and source.suffix.lower() not in IMAGE_KINDS:
            self._warn_once(
                "%s images are written as PNG: saving them again would change all pixels.",
                source.suffix,
            )
        pasted = paste(frame, pixels, hole)
        layout = choose_carrier(
            frame.layout, kind.formats, size=(frame.native.height, frame.native.width)
        )
        if not is_exact(frame.layout, layout):
            self._warn_once("Pixel format %s is written as %s.", frame.layout.name, layout.name)
        if source and not self._num_frames and (extras := extras_of(source)):
            self._warn_once("The new images lack what %s carries: %s.", source, ", ".join(extras))
        if frame.orientation.matrix is not None:
            self._warn_once("Images are written upright, without the orientation tag.")
        name = _written_name(source) if source else f"{frame.index:06d}{kind.suffix}"
        with write_errors(self.target):
            image = convert(pasted, layout, frame.orientation)
            save_image(image, self._whole.path / name, kind, self._profile(source, layout, kind))
        self._num_frames += 1

    def _profile(self, source: Path | None, layout: Layout, kind: ImageKind) -> bytes | None:
        """Return the colour profile to write."""
        profile = read_profile(source) if source else None
        if profile is None:
            return None
        if kind.suffix == ".png" and fits(profile, gray=layout.family is Family.GRAY):
            return profile
        if not is_srgb(profile):
            self._warn_once("The new images cannot hold the colour profile of %s.", source)
        return None
