"""What decoders attach to pictures and a new file would lose: captions are carried over, else told."""

from __future__ import annotations

from collections.abc import Iterator
from types import MappingProxyType

import av

from .layout import plane_rows
from .native import copy_tags, side_data, without

_CAPTIONS = "A53_CC"
_NAMES = MappingProxyType(
    {
        _CAPTIONS: "closed captions",
        "SPHERICAL": "360 degree marking",
        "STEREO3D": "stereo 3D marking",
        "DOVI_METADATA": "Dolby Vision metadata",
        "DYNAMIC_HDR_PLUS": "HDR10+ metadata",
        "DYNAMIC_HDR_VIVID": "HDR Vivid metadata",
    }
)
"""PyAV's names of types to those in messages."""
_WITH_CAPTIONS = frozenset({"h264", "hevc"})
"""Codec families whose encoders store captions that are attached to pictures."""


def attach(source: av.VideoFrame, picture: av.VideoFrame, family: str) -> av.VideoFrame:
    """Attach the captions of a decoded frame to the picture that is encoded in its place.

    Args:
        source: the decoded frame.
        picture: what is encoded.
        family: codec family of the encoder.

    Returns:
        The picture, or a copy with captions.
    """
    if not _keeps_captions(source, picture, family):
        return picture
    result = without(source, "ICC_PROFILE")
    for item in side_data(source):
        if item.type.name != _CAPTIONS:
            result = without(result, str(item.type.value))
    result.make_writable()  # samples of its own; the decoder needs the others
    result.pict_type = 0  # else the encoder would repeat the source's choice
    copy_tags(picture, result)
    for old, new in zip(picture.planes, result.planes, strict=True):
        rows, target = plane_rows(old), plane_rows(new)
        shared = min(rows.shape[1], target.shape[1])
        target[:, :shared] = rows[:, :shared]
    return result


def lost(source: av.VideoFrame, picture: av.VideoFrame, family: str) -> Iterator[str]:
    """Yield the names of what `attach` cannot keep of a decoded frame."""
    for item in side_data(source):
        name = _NAMES.get(item.type.name)
        if name is not None and not (
            item.type.name == _CAPTIONS and _keeps_captions(source, picture, family)
        ):
            yield name


def _keeps_captions(source: av.VideoFrame, picture: av.VideoFrame, family: str) -> bool:
    same = source.format.name == picture.format.name
    return same and family in _WITH_CAPTIONS and _CAPTIONS in side_data(source)
