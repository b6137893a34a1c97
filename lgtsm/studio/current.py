"""Whether the mask of a film, and what was added to it, are those of its paint, options and range."""

from __future__ import annotations

from contextlib import suppress

from ..errors import OptionError
from ..file_tracking import part_for_job
from ..tracking.prompts import Prompt
from .made import TRACKED, Added, completion_digest, tracking_digest
from .session import Session


def needed_part(session: Session) -> range:
    """Return the frames in which the object has to be tracked; raises OptionError as `Session.job`."""
    job = session.job()
    # only their frames count, so none of the pictures is read
    prompts = [Prompt(frame=number, box=(0, 0, 1, 1)) for number in session.painted.numbers()]
    return part_for_job(prompts, session.clip.count, job.options, job.video)


def is_stale(session: Session) -> bool:
    """Tell whether the mask was tracked from other paint, or not in all frames that are to be filled."""
    found = session.found
    if found is None or found.kind != TRACKED:
        return False
    if found.depends != tracking_digest(session.painted, session.project.options or {}):
        return True
    try:
        return not found.covers(needed_part(session))
    except OptionError:  # nothing can be done as the project stands
        return True


def completion(session: Session) -> str:
    """Return what the additions that are wanted depend on, as a digest; empty where there is no mask."""
    found, project = session.found, session.project
    if found is not None:
        with suppress(OSError):
            return completion_digest(found, project.complete, project.options or {})
    return ""


def additions(session: Session) -> Added | None:
    """Return what was added to the mask as it stands; None where that is not wanted or not known."""
    added = session.added
    if not session.project.complete or added is None or is_stale(session):
        return None
    return added if added.depends == completion(session) else None
