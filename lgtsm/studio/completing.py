"""Add to a mask what belongs to the object and lies outside it: its shadow, a forgotten rim."""

from __future__ import annotations

from ..completion.kinds import parse_additions
from ..engine.hooks import Hooks
from ..engine.threads import computing_threads
from ..file_completion import complete_file
from .current import completion
from .made import Added
from .session import Session

_MASK = "completed.mkv"


def complete(session: Session, hooks: Hooks) -> None:
    """Add to the mask of a film what its project wants, in the frames that are to be filled.

    Raises:
        As `complete_file`.
    """
    job, found, depends = session.job(), session.found, completion(session)
    assert found is not None
    target, video = session.folder / _MASK, job.video
    more = job.options.mask.temporal_gap + job.options.mask.temporal_grow
    with computing_threads(job.options.run.threads):
        completed = complete_file(
            session.clip.source,
            found.mask,
            target,
            kinds=parse_additions(session.project.complete),
            options=job.options.mask,
            start=max(0, video.start - more),
            end=None if video.end is None else video.end + more,
            cuts=job.options.cuts,
            progress=hooks.progress,
            cancel=hooks.cancel,
        )
    shares = {name: round(share, 6) for name, share in completed.shares.items()}
    session.added = Added(str(target), depends, shares)
    session.added.save(session.folder)
    session.save()
