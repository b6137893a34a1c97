"""The pixel formats of all frames of a source, found before work, and one that holds them all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import av
from av.bitstream import BitStreamFilterContext
from av.error import FFmpegError

from ..errors import VideoError
from .folder import list_images
from .image import is_still
from .layout import Family, Layout, known_layout
from .media import is_hidden, open_media, video_codec, video_stream
from .native import supported_name

_IN_BAND = frozenset({"mpegts", "mpeg", "mpegvideo", "h264", "hevc"})
"""Formats (ffmpeg's names) that repeat the parameters of the picture, which may change on the way."""


def first_frames(source: Path, start: int = 0, end: int | None = None) -> dict[str, int]:
    """Return the pixel formats of ours in which the frames are read, each with its first frame.

    Images and joined recordings (MPEG) are looked through by their headers; any other file counts
    as one format and gives an empty result.

    Args:
        source: video file, folder of images or one still image.
        start: first frame of a folder.
        end: frame after the last one.

    Raises:
        VideoError: an image cannot be read, or a recording changes its picture size.
    """
    if source.is_dir() or is_still(source):
        files = list_images(source) if source.is_dir() else [source]
        found = (
            (number, _image_format(file)) for number, file in islice(enumerate(files), start, end)
        )
    else:
        found = _changes(source)
    first: dict[str, int] = {}
    for number, name in found:
        first.setdefault(supported_name(av.VideoFormat(name)), number)
    return first


def _image_format(file: Path) -> str:
    with open_media(file) as container:
        name = video_stream(container, file).codec_context.pix_fmt
        return name or next(container.decode(video=0)).format.name


def _changes(path: Path) -> Iterator[tuple[int, str]]:
    """Yield frame number and pixel format where a stream's parameters change, decoding only there."""
    with open_media(path) as container:
        stream = video_stream(container, path)
        codec = stream.codec_context.codec
        if container.format.name not in _IN_BAND:
            return
        try:
            search = BitStreamFilterContext("extract_extradata", stream)
        except (FFmpegError, ValueError):
            return  # a codec without such parameters
        size, last, number = None, None, -1
        for packet in container.demux(stream):
            number += bool(packet.size) and not is_hidden(packet, codec.canonical_name)
            for found in search.filter(packet) if packet.size else ():
                if not found.has_sidedata("new_extradata"):
                    continue
                parameters = bytes(found.get_sidedata("new_extradata"))
                if parameters == last:
                    continue
                last = parameters
                decoder = video_codec(codec.name, "r")
                try:
                    frames = decoder.decode(found) + decoder.decode(None)
                except FFmpegError:
                    continue  # damaged, as the reader will tell
                for frame in frames[:1]:
                    size = size or (frame.width, frame.height)
                    check_size(path, number, size, (frame.width, frame.height))
                    yield number, frame.format.name


def check_size(path: Path, number: int, first: tuple[int, int], size: tuple[int, int]) -> None:
    """Compare the (width, height) of a frame with that of the first one; raises VideoError."""
    if size != first:
        raise VideoError(
            f"Expected all frames of {path} to be {first[0]}x{first[1]}, got {size[0]}x{size[1]} at "
            f"frame {number}; split the file there."
        )


def widest(layouts: Iterable[Layout]) -> Layout:
    """Return a layout that holds the samples of all given ones (at least one).

    Grey joins any colours; YUV with RGB gives RGB, which is not exact.
    """
    layouts = list(layouts)
    if len({layout.name for layout in layouts}) == 1:
        return layouts[0]
    families = {layout.family for layout in layouts}
    alpha = "a" if any(layout.alpha for layout in layouts) else ""
    most = max(layout.bits for layout in layouts)
    bits = "" if most == 8 else "f32le" if most == 32 else f"{most}le"
    if Family.RGB in families or (alpha and families == {Family.GRAY} and most == 32):
        return known_layout(f"gbr{alpha}p{bits}")
    if families == {Family.GRAY}:
        # grey with alpha has two depths
        return known_layout(("ya16le" if bits else "ya8") if alpha else f"gray{bits}")
    shifts = [layout.shifts for layout in layouts if layout.family is Family.YUV]
    sampling = _SAMPLINGS.get((min(x for x, _ in shifts), min(y for _, y in shifts)), "444")
    return known_layout(f"yuv{alpha}{sampling}p{bits}")


def holds(wide: Layout, layout: Layout) -> bool:
    """Tell whether a layout has the colours, depth, sampling and alpha that another one needs."""

    def traits(layout: Layout) -> tuple[object, ...]:
        return layout.family, layout.bits, layout.shifts, layout.alpha is not None

    return wide == layout or traits(widest([wide, layout])) == traits(wide)


_SAMPLINGS = {(1, 1): "420", (1, 0): "422", (0, 1): "440", (2, 0): "411", (2, 2): "410"}
