"""The work behind the buttons of a page, each in the worker's thread."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import repeat
from pathlib import Path

from torch import Tensor

from ..batch.file_job import file_job_of
from ..engine.hooks import Hooks
from ..errors import OptionError
from ..file_check import FileCheck
from ..file_tracking import track_for_job
from ..job import FileJob
from ..journal import OtherJobError
from ..key_frame_folder import write_key_frames
from ..masks.static import find_static
from ..masks.text.detector import text_detector
from ..masks.text.joined import text_masks
from ..options import RunOptions
from ..prompt_names import painted_prompts
from ..report import Report
from ..tracked_folder import TrackedFolder
from ..video.clip import write_mask_clip
from ..video.probe import count_frames
from .completing import complete
from .current import additions, is_stale, needed_part
from .made import PREVIEW, TRACKED, WHOLE, Found, Result, tracking_digest
from .session import Session

_KEPT, _MASK, _PREVIEW, _PREVIEW_MASK = "tracked", "mask.mkv", "preview.mkv", "preview_mask.mkv"
_USED = "mask_used.mkv"
_HALF = 2
_SECONDS = 1
"""Length of a preview."""


def track(session: Session, hooks: Hooks) -> None:
    """Track the painted object through the frames that are to be filled, unless its mask is there already.

    Raises:
        OptionError: nothing is painted; and what `track_for_job` raises.
    """
    if session.found is not None and session.found.kind == TRACKED and not is_stale(session):
        return
    job, part = session.job(), needed_part(session)
    depends = tracking_digest(session.painted, session.project.options or {})
    target = session.folder / _MASK
    found = track_for_job(
        session.clip.source,
        painted_prompts(job.track),
        target,
        job.options,
        job.video,
        tracking=job.tracking,
        kept=TrackedFolder(session.folder / _KEPT, session.clip.source),
        hooks=hooks,
    )
    session.found = Found(
        str(target),
        TRACKED,
        depends,
        part.start,
        tuple(round(value, 3) for value in found.confidence),
        tuple(found.repaint),
        tuple(found.notes),
    )
    session.found.save(session.folder)
    session.save()


def find(session: Session, kind: str, hooks: Hooks) -> None:
    """Find logos (static) or burned-in text (text), and take them as the mask.

    Raises:
        OptionError: nothing was found, or nothing can be told; and what `find_static` and `text_masks` raise.
    """
    clip, target = session.clip, session.folder / f"{kind}.mkv"

    def frames() -> Iterator[Tensor]:
        for number, frame in enumerate(hooks.checked(clip.read(0, clip.count)), 1):
            yield frame
            hooks.report(number, clip.count, "looking")

    shares: list[float] = []

    def measured(masks: Iterator[Tensor]) -> Iterator[Tensor]:
        for mask in masks:
            shares.append(float(mask.mean()))
            yield mask

    if kind == "static":
        masks = repeat(find_static(frames()).mask, clip.count)
    else:
        threads = RunOptions.of(session.project.options or {}).threads
        masks = text_masks(frames(), text_detector(threads), rate=clip.info.rate)
    write_mask_clip(target, measured(masks), clip.size, rate=clip.info.rate)
    if not any(shares):
        what = "a logo that stays in its place" if kind == "static" else "burned-in text"
        raise OptionError(f"Expected {what}, found none; paint the object instead.")
    take_mask(session, target, kind)


def take_mask(session: Session, mask: Path, kind: str) -> None:
    """Take the mask of the whole film from a file.

    Raises:
        OptionError: its length is another; ShapeError, VideoError: it does not fit or cannot be read.
    """
    before, session.project.mask = session.project.mask, mask
    wanted, session.project.complete = (
        session.project.complete,
        "",
    )  # what is added belongs to a mask
    try:
        file_job(session).check_mask(session.clip.info)
        number = count_frames(mask, session.clip.source)
        if number not in (1, session.clip.count):
            raise OptionError(
                f"Expected one mask or {session.clip.count}, got {number}; give a mask of this film."
            )
    except BaseException:
        session.project.mask, session.project.complete = before, wanted
        raise
    session.found = Found(str(mask), kind)
    session.found.save(session.folder)
    session.save()


def file_job(session: Session) -> FileJob:
    """Return the job as it stands, with the mask that was tracked or given, and what was added to it."""
    job, added = session.job(), additions(session)
    if added is not None:
        mask = replace(job.options.mask, invert=False, threshold=0.5)  # what was written is a hole
        options = replace(job.options, mask=mask)
        job = replace(job, track=(), mask=added.file, options=options)
    elif job.track:
        assert session.found is not None
        job = replace(job, track=(), mask=session.found.file)
    return file_job_of(job, session.project.folder)


def preview(session: Session, number: int, *, half: bool, hooks: Hooks) -> None:
    """Fill a second around a frame, into a film that is only looked at.

    Args:
        session: the film.
        number: of the frame in the middle.
        half: fill at half size.
        hooks: progress and cancellation.

    Raises:
        As `track`, and as `inpaint_video`.
    """
    find_mask(session, hooks)
    job, info = file_job(session), session.clip.info
    length = max(1, round(info.rate * Fraction(_SECONDS)))
    first, last = job.video.start, min(job.video.end or session.clip.count, session.clip.count)
    start = max(first, min(number - length // 2, last - length))
    end = min(last, start + length)
    options = job.options
    if half:
        side = max(64, min(options.run.max_side, max(session.clip.size)) // _HALF)
        options = replace(options, run=replace(options.run, max_side=side))
    target, used = session.folder / _PREVIEW, session.folder / _PREVIEW_MASK
    shown = replace(
        job,
        target=target,
        mask_used=used,
        fill_layer=None,
        compare=None,
        options=options,
        video=replace(job.video, start=start, end=end, lossless=True),
    )
    report = shown.run(session.job().model, hooks)
    _keep(session, Result(PREVIEW, str(target), str(used), start, end - start), report)


def remove(session: Session, hooks: Hooks) -> None:
    """Fill the whole film as the command line does, going on where an interrupted run stopped; then check it.

    Raises:
        As `track`, and as `inpaint_video`.
    """
    find_mask(session, hooks)
    job = file_job(session)
    _check_own(session, job)
    used = job.mask_used or session.folder / _USED
    job = replace(job, mask_used=used, video=replace(job.video, resume=True))
    model = session.job().model
    try:
        report = job.run(model, hooks)
    except OtherJobError:  # interrupted with other options: nothing of it can be used
        job = replace(job, video=replace(job.video, resume=False))
        report = job.run(model, hooks)
    outputs = {
        name: str(path)
        for name in ("target", "fill_layer", "mask_used", "compare")
        if (path := getattr(job, name)) is not None
        and (name != "mask_used" or path.parent != session.folder)
    }
    result = Result(
        WHOLE, str(job.target), str(used), job.video.start, report.frames, outputs=outputs
    )
    kept = _keep(session, result, report)
    check = FileCheck(original=job.source, result=job.target, mask=used, video=job.video)
    verdict = check.run(hooks)
    session.keep(replace(kept, verdict=verdict.summary, passed=verdict.passed))


def _check_own(session: Session, job: FileJob) -> None:
    """Raise OptionError where a result would replace a file that the studio has not made."""
    before = session.results.get(WHOLE)
    ours = set(before.outputs.values()) if before else set[str]()
    found = next((p for p in job.outputs.named() if p.exists() and str(p) not in ours), None)
    if found is not None:
        raise OptionError(
            f"Expected {found.name} to be new or made by this project, found another file; move or rename it."
        )


def _keep(session: Session, result: Result, report: Report) -> Result:
    kept = replace(result, unseen=report.unseen, notes=tuple(report.notes))
    session.keep(kept)
    return kept


def find_keys(session: Session, hooks: Hooks) -> None:
    """Write the key frames: those in which something has to be invented.

    Raises:
        As `track`, and as `write_key_frames`; OptionError: there is none.
    """
    find_mask(session, hooks)
    job = file_job(session)
    session.keys.begin()
    numbers, _ = write_key_frames(
        job.source,
        job.mask,
        session.keys.written,
        options=job.options,
        video=job.video,
        progress=hooks.progress,
        cancel=hooks.cancel,
    )
    session.save()
    if not numbers:
        raise OptionError(
            "Expected a place that no frame shows, found none that is large enough; there is nothing to paint."
        )


def find_mask(session: Session, hooks: Hooks) -> None:
    """Track where the mask comes from painted frames, and add to it what is wanted.

    Raises:
        As `track` and `complete`.
    """
    if session.project.mask is None:
        track(session, hooks)
    if session.project.complete and additions(session) is None:
        complete(session, hooks)
