"""Complete the masks of a video file or a folder of frames, and write them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from torch import Tensor

from .completion.completer import Completed, Completer
from .completion.kinds import ALL, Addition
from .completion.preview import shown_additions
from .completion.summary import Summary
from .engine.hooks import Hooks
from .errors import VideoError
from .file_names import refuse_shared_names
from .mask_options import LengthPolicy, MaskOptions
from .mask_source import MaskSource
from .masks.boxes import MaskBox
from .masks.prepare import binary_hole, of_count
from .video.clip import PictureWriter, write_mask_clip
from .video.probe import count_frames, probe
from .video.read import read_frames

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class FileCompletion:
    """What was added to the masks of a file.

    shares: mean shares of the picture, 0 to 1: those added by kind, and `perhaps`.
    text: the same in words.
    notes: what the user should know.
    """

    shares: dict[str, float]
    text: str
    notes: list[str] = field(default_factory=list[str])


def complete_file(  # noqa: PLR0913  a public call: files, then keyword-only choices
    source: str | Path,
    mask: str | Path | list[MaskBox],
    target: str | Path,
    *,
    kinds: Sequence[Addition] = ALL,
    options: MaskOptions | None = None,
    preview: str | Path | None = None,
    start: int = 0,
    end: int | None = None,
    cuts: Sequence[int] | None = None,
    of_range: bool = False,
    progress: Callable[[int, int, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> FileCompletion:
    """Write masks with what belongs to the object and lies outside of them; see `complete_masks`.

    Args:
        source: video file or folder of images.
        mask: still image, film or folder, or boxes; of the object alone, not grown.
        target: .mkv file or folder of PNG (exact), .mp4 or .mov; appears once it is complete.
        kinds: what may be added.
        options: how masks are read: threshold, invert, fit_mask, fill_enclosed and length.
        preview: film or folder of the frames with the object, the additions and what may belong to it
            in colours.
        start: first frame to look at; the masks of all frames before it are empty.
        end: frame after the last one; None is the end of the file.
        cuts: frame numbers of the file at which a new shot begins; None detects them.
        of_range: the given and the written masks are those from `start` to `end` alone, not of the whole file.
        progress: called as progress(done, total, note).
        cancel: asked between frames; True stops.

    Raises:
        VideoError, ShapeError: files that cannot be read or written, or do not fit; Cancelled.
    """
    source, target, options = Path(source), Path(target), options or MaskOptions()
    mask = mask if isinstance(mask, list) else Path(mask)
    shown = None if preview is None else Path(preview)
    refuse_shared_names([source, *([mask] if isinstance(mask, Path) else [])], [target, shown])
    info, total = probe(source), count_frames(source)
    end = total if end is None else min(end, total)
    if not 0 <= start < end:
        raise VideoError(
            f"Expected frames from {start} on in {source}, got {total}; choose an earlier start."
        )
    size, summary, hooks = (info.height, info.width), Summary(), Hooks(progress, cancel)
    options = replace(options, temporal_gap=0, temporal_grow=0)  # steps that come after this
    if of_range:
        # they are not as many as the file's frames
        options = replace(options, length=LengthPolicy.HOLD)
    first, last = (start, end) if of_range else (0, total)
    given, notes = MaskSource(mask, options, info, source), list[str]()
    given.check(hooks, notes)
    masks, options, before = given.read(start - first, end - first)
    holes = (binary_hole(one, options, number) for number, one in enumerate(masks))
    if not isinstance(mask, list):
        holes = islice(of_count(holes, end - first, options.length), before, end - first)
    frames = (frame.rgb() for frame in hooks.checked(read_frames(source, start=start, end=end)))
    inside = None if cuts is None else [cut - start for cut in cuts]
    completed = _completed(Completer(size, kinds, inside), zip(frames, holes, strict=False))
    again = read_frames(source, start=start, end=end)  # for the preview: frames need not wait

    def written() -> Iterator[Tensor]:
        for done, one in enumerate(completed, 1):
            if film is not None:
                film.write(shown_additions(next(again).rgb(), one), time=(done - 1) / info.rate)
            summary.add(one)
            hooks.report(done, end - start, "completing the mask")
            yield one.mask

    with ExitStack() as stack:
        film = None if shown is None else PictureWriter(shown, rate=info.rate)
        if film is not None:
            stack.enter_context(film)
        write_mask_clip(
            target, written(), size, rate=info.rate, before=start - first, after=last - end
        )
    for note in summary.notes:
        _LOG.warning("%s", note)
    return FileCompletion(summary.means, summary.text, notes + summary.notes)


def _completed(completer: Completer, pairs: Iterable[tuple[Tensor, Tensor]]) -> Iterator[Completed]:
    for frame, mask in pairs:
        yield from completer.push(frame, mask)
    yield from completer.finish()
