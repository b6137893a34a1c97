"""Which encoders and containers are written, as data; no torch, no PyAV."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType


@dataclass(frozen=True, kw_only=True)
class EncoderPreset:
    """How one family of codecs is written."""

    encoder: str
    """Encoder name in ffmpeg."""
    quality_option: str | None = "crf"
    """Option that takes the constant quality; None where the encoder has none."""
    quality_top: int = 51
    """Largest value of that option; the user's 0 to 51 is scaled to it."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Further encoder options."""
    even: bool = False
    """Subsampled pictures must have an even size."""
    excluded: tuple[str, ...] = ()
    """Pixel formats that it lists and refuses."""
    holds_aspect: bool = False
    """The encoded stream itself says how wide a pixel is."""
    side_alpha: bool = False
    """Alpha is a stream beside the picture, which not every container holds."""

    def quality_options(self, quality: int) -> dict[str, str]:
        """Translate the user's quality.

        Args:
            quality: 0 (best) to 51.

        Returns:
            All options for the encoder.
        """
        options = dict(self.options)
        if self.quality_option:
            options[self.quality_option] = str(round(quality * self.quality_top / 51))
        return options


@dataclass(frozen=True, kw_only=True)
class ContainerPreset:
    """What one file suffix can hold."""

    muxer: str
    """Format name in ffmpeg."""
    families: tuple[str, ...]
    """Codec families it takes; the first is used when the source's own does not fit."""
    options: Mapping[str, str] = field(default_factory=dict)
    """Options of the muxer."""
    exact_clock: bool = True
    """Keeps any time base; Matroska rounds all times to milliseconds."""
    side_alpha: bool = False
    """Holds the second stream in which VP9 puts alpha."""


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
        # Version 3 with slices and checksums is the archive setting; every frame stands alone.
        "ffv1": EncoderPreset(
            encoder="ffv1",
            quality_option=None,
            options={"level": "3", "g": "1", "slicecrc": "1"},
        ),
    }
)
"""Codec family (ffmpeg's name of the codec) to the way it is written."""

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
            # Sound that starts before 0 (encoder priming) must not move the picture.
            families=("h264", "hevc", "vp9", "av1", "prores", "ffv1"),
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
    {
        "proxy": "proxy",
        "lt": "lt",
        "standard": "standard",
        "hq": "hq",
        "4444": "4444",
        "xq": "4444xq",
        "4444 xq": "4444xq",
    }
)
"""Profile name as the decoder gives it, in small letters, to the encoder's word."""
