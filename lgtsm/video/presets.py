"""Supported encoders and containers, as data; no torch, no PyAV."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, kw_only=True)
class EncoderPreset:
    """Encoding of one family of codecs."""

    encoder: str
    """Encoder name in ffmpeg."""
    quality_option: str | None = "crf"
    """Option for constant quality; None where the encoder has none."""
    quality_top: int = 51
    """Largest value of that option, to which the user's 0 to 51 is scaled."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Further encoder options."""
    even: bool = False
    """Subsampled pictures must have an even size."""
    excluded: tuple[str, ...] = ()
    """Pixel formats that the encoder lists but refuses."""
    holds_aspect: bool = False
    """The encoded stream itself holds the pixel aspect ratio."""
    side_alpha: bool = False
    """Alpha is a stream of its own, which not every container holds."""

    def quality_options(self, quality: int) -> dict[str, str]:
        """Return all encoder options for a quality of 0 (best) to 51."""
        options = dict(self.options)
        if self.quality_option:
            options[self.quality_option] = str(round(quality * self.quality_top / 51))
        return options


@dataclass(frozen=True, kw_only=True)
class ContainerPreset:
    """Container of one file suffix."""

    muxer: str
    """Format name in ffmpeg."""
    families: tuple[str, ...]
    """Codec families it holds; the first is used when the source's own does not fit."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Options of the muxer."""
    exact_clock: bool = True
    """Holds any time base; Matroska rounds all times to milliseconds."""
    side_alpha: bool = False
    """Holds the second stream in which VP9 stores alpha."""


ENCODERS: Mapping[str, EncoderPreset] = MappingProxyType(
    {
        "h264": EncoderPreset(
            encoder="libx264", options={"preset": "medium"}, even=True, holds_aspect=True
        ),
        "hevc": EncoderPreset(
            encoder="libx265",
            options={"preset": "medium", "x265-params": "log-level=error"},
            even=True,
            holds_aspect=True,
        ),
        "vp9": EncoderPreset(
            encoder="libvpx-vp9",
            quality_top=63,
            options={"b": "0", "row-mt": "1", "cpu-used": "2"},
            excluded=("yuva422p", "yuva444p", "gbrap"),
            side_alpha=True,
        ),
        "av1": EncoderPreset(
            encoder="libsvtav1", quality_top=63, options={"preset": "6"}, even=True
        ),
        "prores": EncoderPreset(
            encoder="prores_ks", quality_option=None, options={"vendor": "apl0"}
        ),
        # Version 3 with slices and checksums, as for archives; every frame is a key frame.
        "ffv1": EncoderPreset(
            encoder="ffv1",
            quality_option=None,
            options={"level": "3", "g": "1", "slicecrc": "1"},
        ),
    }
)
"""Codec family (ffmpeg's name of the codec) to encoder."""

_MP4 = ContainerPreset(
    muxer="mp4", families=("h264", "hevc", "av1", "vp9"), options={"movflags": "+faststart"}
)

CONTAINERS: Mapping[str, ContainerPreset] = MappingProxyType(
    {
        ".mp4": _MP4,
        ".m4v": _MP4,
        ".mov": ContainerPreset(
            muxer="mov", families=("h264", "hevc", "prores"), options={"movflags": "+faststart"}
        ),
        ".mkv": ContainerPreset(
            muxer="matroska",
            families=("h264", "hevc", "vp9", "av1", "prores", "ffv1"),
            # Sound that starts before 0 (encoder priming) must not shift the video.
            options={"avoid_negative_ts": "disabled"},
            exact_clock=False,
            side_alpha=True,
        ),
        ".webm": ContainerPreset(
            muxer="webm",
            families=("vp9", "av1"),
            options={"avoid_negative_ts": "disabled"},
            exact_clock=False,
            side_alpha=True,
        ),
    }
)
"""File suffix to container."""

PRORES_PROFILES: Mapping[str, str] = MappingProxyType(
    {name: name for name in ("proxy", "lt", "standard", "hq", "4444")}
    | {"xq": "4444xq", "4444 xq": "4444xq"}
)
"""Decoder's profile name, in lower case, to the encoder's."""
