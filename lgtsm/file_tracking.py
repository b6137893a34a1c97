"""Track through a video file or a folder of frames, and write the mask."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from .engine.hooks import Hooks
from .engine.threads import computing_threads
from .errors import VideoError
from .file_names import refuse_shared_names
from .masks.overlay import numbered_overlay
from .options import InpaintOptions, VideoOptions
from .track_options import TrackOptions
from .tracking.kept import Kept
from .tracking.load_tracker import load_tracker
from .tracking.prompts import Prompt, check_prompts
from .tracking.repaint import advise, frames_to_repaint, say_doubt
from .tracking.track import Tracker
from .video.clip import PictureWriter, write_mask_clip
from .video.probe import count_frames, probe
from .video.read import read_frames

_LOG = logging.getLogger(__name__)


class FileClip:
    """Frames of a file, decoded again whenever they are read."""

    def __init__(self, source: Path, start: int = 0, end: int | None = None) -> None:
        """Count the frames.

        Args:
            source: video file or folder of images.
            start: the frame that is number 0 here.
            end: frame after the last one; None is the end of the file.

        Raises:
            VideoError: nothing can be read, or the range is empty.
        """
        self.source, self.info, self._start = source, probe(source), start
        number = count_frames(source)
        self.count = min(number, end or number) - start
        self.size = self.info.height, self.info.width
        if self.count < 1:
            raise VideoError(
                f"Expected frames from {start} on in {source}, got {number}; choose an earlier start."
            )

    def read(self, start: int, end: int) -> Iterator[Tensor]:
        """Yield the frames (3,H,W) in [0,1] from start up to end, which is not included."""
        if start < end:
            first, last = start + self._start, end + self._start
            for frame in read_frames(self.source, start=first, end=last):
                yield frame.rgb()


@dataclass(frozen=True)
class FileTrack:
    """What was tracked in a file.

    confidence: predicted intersection over union with the true mask, one a frame; 1 where painted.
    repaint: frames to paint next, the most helpful first.
    notes: what the user should know.
    """

    confidence: list[float]
    repaint: list[int]
    notes: list[str] = field(default_factory=list[str])

    @property
    def doubt(self) -> str:
        """A sentence about the frames to paint next; empty where there are none."""
        return say_doubt(self.repaint)

    @property
    def advice(self) -> str:
        """A sentence about what to paint next."""
        return advise(self.repaint)


def track_file(  # noqa: PLR0913  a public call: files, then keyword-only choices
    source: str | Path,
    prompts: Sequence[Prompt],
    target: str | Path,
    *,
    options: TrackOptions | None = None,
    start: int = 0,
    end: int | None = None,
    cuts: Sequence[int] | None = None,
    preview: str | Path | None = None,
    kept: Kept | None = None,
    progress: Callable[[int, int, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> FileTrack:
    """Write the mask of an object that is painted in some frames of a file.

    Args:
        source: video file or folder of images.
        prompts: what is known of the object.
        target: .mkv file or folder of PNG for the mask (exact), .mp4 or .mov; appears once it is complete.
        options: as for `track_mask`.
        start: first frame to track in; frames are counted from here.
        end: frame after the last one; None is the end of the file.
        cuts: as for `track_mask`.
        preview: .mp4, .mov, .mkv or folder for the frames with the mask in red and their numbers.
        kept: as for `track_mask`.
        progress: as for `track_mask`.
        cancel: as for `track_mask`.

    Raises:
        VideoError: files that cannot be read or written; and what `track_mask` raises.
    """
    source, target = Path(source), Path(target)
    shown = None if preview is None else Path(preview)
    refuse_shared_names([source], [target, shown])
    clip = FileClip(source, start, end)
    check_prompts(prompts, clip.count)
    walker = load_tracker(options or TrackOptions())
    tracker = Tracker(clip, prompts, cuts, Hooks(progress, cancel), kept, walker=walker)
    if shown is None:
        return _written(tracker, clip, target)
    with PictureWriter(shown, rate=clip.info.rate) as film:
        return _written(tracker, clip, target, film)


def track_for_job(  # noqa: PLR0913  as above
    source: Path,
    prompts: Sequence[Prompt],
    target: Path,
    options: InpaintOptions,
    video: VideoOptions,
    *,
    tracking: TrackOptions | None = None,
    kept: Kept | None = None,
    hooks: Hooks | None = None,
) -> FileTrack:
    """Write the mask of a whole file, tracked only in the frames that a job needs; others are black.

    Args:
        source: video file or folder of images.
        prompts: what is known of the object; frames are numbered as in the file.
        target: .mkv file or folder; appears once it is complete.
        options: of the job: cuts, threads, device, and how far a hole grows in time.
        video: the range of the job.
        tracking: what tracks; None is the built-in tracker.
        kept: as for `track_mask`.
        hooks: progress and cancellation.

    Returns:
        Figures of the frames that were tracked; frames to repaint are numbered as in the file.

    Raises:
        As `track_file`.
    """
    clip = FileClip(source)
    part = part_for_job(prompts, clip.count, options, video)
    walker = load_tracker(tracking or TrackOptions(), options.run.device)
    tracker = Tracker(clip, prompts, options.cuts, hooks or Hooks(), kept, part, walker)
    with computing_threads(options.run.threads):
        return _written(tracker, clip, target)


def part_for_job(
    prompts: Sequence[Prompt], num_frames: int, options: InpaintOptions, video: VideoOptions
) -> range:
    """Return the frames that a job's mask is tracked in: those of its range and of all prompts.

    Raises:
        OptionError: prompts that do not fit a file of so many frames.
    """
    painted = [prompt.frame for prompt in check_prompts(prompts, num_frames)]
    # a frame more at both ends: the step ahead of the last frame counts, too
    more = options.mask.temporal_gap + options.mask.temporal_grow + 1
    end = num_frames if video.end is None else video.end + more
    start = max(0, min(video.start - more, painted[0]))
    return range(start, min(num_frames, max(end, painted[-1] + 1)))


def _written(
    tracker: Tracker, clip: FileClip, target: Path, film: PictureWriter | None = None
) -> FileTrack:
    """Write the masks of a tracker's part with black ones around it; show them in a film."""
    part = tracker.part or range(clip.count)
    confidence: list[float] = []
    again = clip.read(part.start, part.stop)  # for the film: frames need not wait

    def masks() -> Iterator[Tensor]:
        for number, tracked in enumerate(tracker.run(), part.start):
            confidence.append(tracked.confidence)
            if film is not None:
                (shown,) = numbered_overlay(next(again)[None], tracked.mask[None], [number])
                film.write(shown, time=(number - part.start) / clip.info.rate)
            yield tracked.mask

    write_mask_clip(
        target,
        masks(),
        clip.size,
        rate=clip.info.rate,
        before=part.start,
        after=clip.count - part.stop,
    )
    for note in tracker.notes:
        _LOG.warning("%s", note)
    painted = [prompt.frame - part.start for prompt in tracker.prompts]
    repaint = [number + part.start for number in frames_to_repaint(confidence, painted)]
    return FileTrack(confidence, repaint, tracker.notes)
