"""The pictures of a film that its page shows: its frames, masks over them, results and key frames."""

from __future__ import annotations

from typing import Any

from ..errors import OptionError
from ..mask_options import MaskOptions
from .current import additions
from .painted import shown_mask
from .pictures import Pictures, film_pictures, mask_pictures
from .session import Session


def picture(session: Session, kind: str, number: int) -> bytes:
    """Return a picture of a frame as PNG.

    Args:
        session: the film.
        kind: before; whole or preview, of a result; mask, as it stands; key or unseen, of a key frame.
        number: of the frame in the film.

    Raises:
        OptionError: there is no such picture; VideoError: it cannot be read.
    """
    if kind == "before":
        source, count = session.clip.source, session.clip.count
        return session.known(kind, None, lambda: film_pictures(source, count)).png(number)
    if kind == "mask":
        return _mask(session, number)
    if kind in ("key", "unseen"):
        return session.keys.png(kind, number)
    result = session.results.get(kind)
    if result is None or not result.shows(number):
        raise OptionError(
            f"Expected a picture that there is, got {kind:.20} of frame {number}; reload the page."
        )
    pictures = session.known(kind, result, lambda: film_pictures(result.film, result.count))
    return pictures.png(number - result.start)


def _mask(session: Session, number: int) -> bytes:
    """Return what is painted on a frame, or else what was found for it, with what was added."""
    session.painted.check(number)
    options = MaskOptions.of(session.project.options or {})
    added = additions(session)
    # a tracked mask that is up to date is as painted where it was painted
    painted = None if session.project.mask or added else session.painted.read(number)
    if painted is not None:
        return shown_mask(painted, options)
    found = session.found
    if found is None:
        raise OptionError(f"Expected a mask, got none for frame {number} yet; track first.")
    files = [found.mask, *([added.mask] if added else [])]

    def make() -> Pictures[Any]:
        return mask_pictures(
            files,
            session.clip.count,
            session.clip.source,
            lambda masks: shown_mask(masks[0], options, *masks[1:]),
        )

    return session.known("mask", (found, added, options), make).png(number)
