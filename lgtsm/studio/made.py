"""What was made for a film, and is found again when it is opened: its mask, what was added to it, and its result."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path

from .painted import PaintedFrames, write_file

_FOUND, _ADDED = "mask.json", "added.json"
PREVIEW, WHOLE = "preview", "whole"
"""Kinds of results."""
TRACKED = "track"
"""Kind of a mask that was tracked from painted frames."""
_DEPENDS = ("cuts", "tracker", "tracker_model")
"""Options that a tracked mask depends on, beside the range."""
_COMPLETED = ("threshold", "invert", "fill_enclosed", "fit_mask", "length", "cuts")
_COMPLETED += ("start", "end", "temporal_gap", "temporal_grow")
"""Options that additions to a mask depend on."""


@dataclass(frozen=True)
class Found:
    """The mask of a whole film.

    file: of the mask.
    kind: track, static, text or file.
    depends: on what, as a digest; another one means that it is out of date.
    first: frame of the first confidence; those before it were not tracked.
    confidence: of a tracked mask, one a frame, 0 to 1.
    repaint: frames to paint next, the most helpful first.
    notes: what the user should know.
    """

    file: str
    kind: str
    depends: str = ""
    first: int = 0
    confidence: tuple[float, ...] = ()
    repaint: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def mask(self) -> Path:
        """Return the file of the mask."""
        return Path(self.file)

    def covers(self, part: range) -> bool:
        """Tell whether it was tracked in these frames."""
        return self.first <= part.start and part.stop <= self.first + len(self.confidence)

    def save(self, folder: Path) -> None:
        """Keep it in a folder; raises VideoError where it cannot be written."""
        write_file(folder / _FOUND, json.dumps(asdict(self)).encode())

    @classmethod
    def saved(cls, folder: Path) -> Found | None:
        """Return what was kept in a folder, None where its mask is gone."""
        try:
            values = json.loads((folder / _FOUND).read_bytes())
            values |= {n: tuple(values[n]) for n in ("confidence", "repaint", "notes")}
            found = cls(**values)
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return found if found.mask.exists() else None


def tracking_digest(painted: PaintedFrames, options: dict[str, object]) -> str:
    """Return what the tracked mask depends on, as a digest."""
    digest = sha256(repr([options.get(name) for name in _DEPENDS]).encode())
    for number in painted.numbers():
        digest.update(f"{number} ".encode() + painted.path(number).read_bytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class Added:
    """What was added to a mask: the object's shadow, a forgotten rim.

    file: of the mask with all of it, a hole already.
    depends: on what, as a digest; another one means that it is out of date.
    shares: mean shares of the picture, 0 to 1, by kind; `perhaps` is what may belong to it, too, and was not
        added.
    """

    file: str
    depends: str
    shares: dict[str, float]

    @property
    def mask(self) -> Path:
        """Return the file of the mask."""
        return Path(self.file)

    def save(self, folder: Path) -> None:
        """Keep it in a folder; raises VideoError where it cannot be written."""
        write_file(folder / _ADDED, json.dumps(asdict(self)).encode())

    @classmethod
    def saved(cls, folder: Path) -> Added | None:
        """Return what was kept in a folder, None where its mask is gone."""
        try:
            added = cls(**json.loads((folder / _ADDED).read_bytes()))
        except (OSError, ValueError, TypeError):
            return None
        return added if added.mask.exists() else None


def completion_digest(found: Found, kinds: str, options: dict[str, object]) -> str:
    """Return what additions to a mask depend on, as a digest; raises OSError where the mask is gone."""
    state = found.mask.stat()
    depends = [found.file, state.st_size, state.st_mtime_ns, kinds]
    return sha256(repr([*depends, *map(options.get, _COMPLETED)]).encode()).hexdigest()


@dataclass(frozen=True)
class Result:
    """What was filled.

    kind: preview or whole.
    file: of the film; used: of the mask that was used.
    start, count: its frames in the source.
    verdict: of the check, in a sentence; empty before it. passed: what it says.
    unseen: share of the hole that no frame shows, 0 to 1.
    notes: what the user should know.
    outputs: files by column of a job list, without those that were not wanted.
    """

    kind: str
    file: str
    used: str
    start: int
    count: int
    verdict: str = ""
    passed: bool = False
    unseen: float = 0.0
    notes: tuple[str, ...] = ()
    outputs: dict[str, str] = field(default_factory=dict)

    @property
    def film(self) -> Path:
        """Return the file of the film."""
        return Path(self.file)

    def shows(self, number: int) -> bool:
        """Tell whether it holds a frame of the source."""
        return self.start <= number < self.start + self.count

    def save(self, folder: Path) -> None:
        """Keep it in a folder; raises VideoError where it cannot be written."""
        write_file(folder / f"{self.kind}.json", json.dumps(asdict(self)).encode())

    @classmethod
    def saved(cls, folder: Path, kind: str) -> Result | None:
        """Return what was kept of a kind in a folder, None where its film is gone."""
        try:
            values = json.loads((folder / f"{kind}.json").read_bytes())
            result = cls(**{**values, "notes": tuple(values["notes"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return result if result.film.exists() else None
