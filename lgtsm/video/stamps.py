"""Time stamps of the packets that a film shows, read without decoding."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av

from .media import is_hidden, open_media, video_stream


def shown_stamps(path: Path) -> tuple[Fraction, list[int]]:
    """Return the time base, and the time stamps of all packets that are shown, in the file's order.

    Raises:
        VideoError: it is no film.
    """
    with open_media(path) as container:
        stream = video_stream(container, path)
        codec = stream.codec_context.codec.canonical_name
        # packets before an edit's start are decoded and not shown
        stamps = [
            p.pts
            for p in container.demux(stream)
            if p.pts is not None and not p.is_discard and not is_hidden(p, codec)
        ]
        return stream.time_base or Fraction(1, av.time_base), stamps
