"""A shot whose masks a command makes: the range of frames that it looks at, and the file it writes."""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import OptionError, shown
from ..interruption import Interruption
from ..options import VideoOptions
from .arguments import add_option
from .terminal import progress_bar

if TYPE_CHECKING:
    from torch import Tensor

_RANGE = re.compile(r"(\d{0,9})-(\d{0,9})")


def add_shot(parser: argparse.ArgumentParser, *, ranged: bool = True) -> None:
    """Add the shot, the output, `--range`, `--rate` and `--quiet` to a parser."""
    add_files(parser)
    if ranged:
        add_range(parser)
    add_option(parser, VideoOptions, "rate")
    parser.add_argument("--quiet", action="store_true", help="no bar, no summary, only errors")


def add_files(parser: argparse.ArgumentParser) -> None:
    """Add the shot and the output to a parser."""
    parser.add_argument("input", type=Path, metavar="SHOT", help="video file or folder of images")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="MASK",
        help="folder for PNG images, .mkv file (exact), or .mp4 or .mov file: one mask a frame",
    )


def add_range(parser: argparse.ArgumentParser) -> None:
    """Add `--range` to a parser."""
    parser.add_argument(
        "--range",
        type=parse_range,
        default=(0, None),
        metavar="A-B",
        help="frames to look at, B not included; all other masks are empty [all]",
    )


def parse_range(text: str) -> tuple[int, int | None]:
    """Read A-B, A- or -B.

    Raises:
        ArgumentTypeError: something else; argparse turns it into a usage error.
    """
    match = _RANGE.fullmatch(text.replace(" ", ""))
    first = int(match[1] or 0) if match else 0
    end = int(match[2]) if match and match[2] else None
    if match is None or (end is not None and end <= first):
        raise argparse.ArgumentTypeError(
            f"expected frames as A-B with A < B, such as 120-360, got {shown(text)}"
        )
    return first, end


@dataclass(frozen=True)
class Shot:
    """A source of frames and the file of its masks.

    first, end: range that is looked at, end not included; total: frames of the source; size: (height,
    width).
    """

    source: Path
    target: Path
    first: int
    end: int
    total: int
    size: tuple[int, int]
    rate: Fraction

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Shot:
        """Describe the shot of a command.

        Raises:
            OptionError: the range begins behind the last frame; VideoError: the shot cannot be read, or the
                output has its name.
        """
        from ..file_names import refuse_shared_names
        from ..video.probe import count_frames, probe

        source, target = arguments.input, arguments.output
        refuse_shared_names([source], [target])
        info, total = probe(source, rate=arguments.rate), count_frames(source)
        first, end = getattr(arguments, "range", (0, None))
        if first >= total:
            raise OptionError(
                f"Expected a range that begins before frame {total}, got {first}; count frames from 0."
            )
        last = total if end is None else min(end, total)
        return cls(source, target, first, last, total, (info.height, info.width), info.rate)

    def frames(self, interruption: Interruption, *, note: str, quiet: bool) -> Iterator[Tensor]:
        """Read the frames (3,H,W) of the range, with a progress bar."""
        from ..engine.hooks import Hooks
        from ..video.read import read_frames

        count = self.end - self.first
        with progress_bar(self.source.name, quiet=quiet) as bar:
            hooks = Hooks(bar, interruption.happened)
            frames = read_frames(self.source, start=self.first, end=self.end)
            for number, frame in enumerate(hooks.checked(frames), 1):
                yield frame.rgb()
                hooks.report(number, count, note)

    def write(self, masks: Iterable[Tensor]) -> float:
        """Write the masks of the range, empty ones around them, and return their mean coverage (0..1)."""
        from ..video.clip import write_mask_clip

        shares: list[float] = []

        def measured() -> Iterator[Tensor]:
            for mask in masks:
                shares.append(float(mask.mean()))
                yield mask

        write_mask_clip(
            self.target,
            measured(),
            self.size,
            rate=self.rate,
            before=self.first,
            after=self.total - self.end,
        )
        return sum(shares) / max(1, len(shares))
