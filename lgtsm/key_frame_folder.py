"""Key frames of a file as a folder to paint in, and a painted folder as plates.

`frame_000123.png` is frame 123 with what other frames show of it; `mask_000123.png` marks in white what
no frame shows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from .copying.plates import Plate
from .engine.hooks import Hooks
from .engine.threads import computing_threads
from .errors import OptionError, VideoError
from .job import FileJob
from .key_frame_set import copying_options, find_key_frames, opened
from .masks.boxes import MaskBox
from .options import InpaintOptions, VideoOptions
from .report import Report, noting_warnings
from .video.image import IMAGE_SUFFIXES, read_picture, write_picture
from .video.output import write_errors
from .video.probe import probe
from .video.read import read_frames
from .whole_file import WholeFolder

_FRAME, _MASK = "frame_", "mask_"
_NUMBER = re.compile(r"(\d{1,9})$")


class KeyFrame(NamedTuple):
    """One key frame of a file.

    number: of the frame in the file.
    frame: (3,H,W) in [0,1], with a smooth fill where no frame shows anything.
    mask: (1,H,W) 1 = shown by no frame.
    """

    number: int
    frame: Tensor
    mask: Tensor


def key_frames_of_file(
    job: FileJob, hooks: Hooks, report: Report, *, at_least_one: bool = False
) -> Iterator[KeyFrame]:
    """Yield the key frames of a file one by one, in constant memory.

    Args:
        job: the repair that they are for; its target is not written.
        hooks: progress and cancellation.
        report: gets the figures.
        at_least_one: as in `key_frames`.

    Raises:
        OptionError, VideoError, ShapeError: as `inpaint_video`; OptionError: as `key_frames`.
    """
    info, video = probe(job.source, rate=job.video.rate), job.video
    options = copying_options(job.from_start())
    report.model = "none"
    with noting_warnings(report), computing_threads(options.run.threads) as report.threads:
        job.check_mask(info, hooks, report.notes)
        patches = find_key_frames(
            job.pairs(info),
            options,
            hooks,
            report,
            job.numbered(),
            job.num_frames(info),
            at_least_one=at_least_one,
        )
        for patch in patches:
            number = patch.index + video.start
            # read once more: frames that wait for later ones would take much memory
            found = read_frames(job.source, start=number, end=number + 1, rate=video.rate)
            pixels = next(found).rgb()
            everywhere = torch.ones(
                1, *pixels.shape[1:]
            )  # a patch equals its frame around the hole
            yield KeyFrame(number, *opened(pixels, everywhere, patch))
    report.shots = [first + video.start for first in report.shots]


def write_key_frames(  # noqa: PLR0913  as `inpaint_video`: files, then keyword-only choices
    source: str | Path,
    mask: str | Path | list[MaskBox],
    folder: str | Path,
    *,
    options: InpaintOptions | None = None,
    video: VideoOptions | None = None,
    plates: Sequence[Plate] = (),
    progress: Callable[[int, int, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> tuple[tuple[int, ...], Report]:
    """Write the key frames of a file into a folder, to be painted; see `read_plates`.

    Args:
        source: video file or folder of images.
        mask: still image, video or folder (white = hole), or boxes.
        folder: a new or empty one; appears only once it is complete, and only where there is a key frame.
        options: as in `key_frames`.
        video: range of frames, rate of a folder.
        plates: numbered as the frames of the file.
        progress: as in `inpaint_video`.
        cancel: as in `inpaint_video`.

    Returns:
        Numbers of the key frames in the file, and the figures of the copies.

    Raises:
        VideoError: files that cannot be read or written; and whatever `key_frames` raises.
    """
    folder = Path(folder)
    job = FileJob(
        source=Path(source),
        mask=mask if isinstance(mask, list) else Path(mask),
        target=folder,
        options=options or InpaintOptions(),
        video=video or VideoOptions(),
        plates=tuple(plates),
    )
    job.check_names()
    _check_folder(folder)
    report, numbers = Report(), list[int]()
    with write_errors(folder):
        whole = WholeFolder(folder)
    try:
        for key in key_frames_of_file(job, Hooks(progress, cancel), report):
            write_picture(key.frame, whole.path / f"{_FRAME}{key.number:06}.png")
            write_picture(key.mask.expand(3, -1, -1), whole.path / f"{_MASK}{key.number:06}.png")
            numbers.append(key.number)
        if numbers:
            with write_errors(folder):
                whole.commit()
            report.outputs = [str(folder)]
    finally:
        whole.discard()
    return tuple(numbers), report


def _check_folder(folder: Path) -> None:
    """Raise VideoError where key frames cannot be written; painted ones must not be replaced."""
    if folder.exists() and not folder.is_dir():
        raise VideoError(
            f"Expected a folder for key frames, got the file {folder}; name a new one."
        )
    if folder.is_dir() and any(folder.iterdir()):
        raise VideoError(
            f"Expected a new or empty folder for key frames, got {folder} with files, which may be "
            "painted already; name a new one."
        )
    if not folder.absolute().parent.is_dir():
        raise VideoError(f"Expected an existing folder, got {folder.parent}; create it first.")


def read_plates(folder: Path) -> list[Plate]:
    """Read a folder of painted frames as plates.

    A picture whose name ends in a number is the plate of that frame. Where `mask_NUMBER` lies beside it,
    the plate goes only where that is white.

    Args:
        folder: with pictures of kinds that ffmpeg reads; other files are ignored.

    Raises:
        OptionError: no such picture, one without a number, or two of one number; VideoError: a picture
            cannot be read.
    """
    frames, masks = dict[int, Path](), dict[int, Path]()
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in IMAGE_SUFFIXES or path.name.startswith("."):
            continue
        number = _NUMBER.search(path.stem)
        if number is None:
            raise OptionError(
                f"Expected pictures whose names end in the number of their frame, got {path}; rename "
                "or move it."
            )
        kind = masks if path.name.lower().startswith(_MASK) else frames
        other = kind.setdefault(int(number[1]), path)
        if other is not path:
            raise OptionError(
                f"Expected one picture for frame {int(number[1])}, got {other.name} and {path.name} in "
                f"{folder}; move one elsewhere."
            )
    if not frames:
        raise OptionError(
            f"Expected a folder of plates such as frame_000120.png, got {folder} without; check the "
            "path."
        )
    return [
        Plate(
            read_picture(path), number, read_picture(masks[number])[:1] if number in masks else None
        )
        for number, path in frames.items()
    ]
