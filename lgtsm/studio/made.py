"""What was made for a film, and is found again when it is opened: its mask, and its result."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path

from .painted import PaintedFrames, write_file

_FOUND = "mask.json"
PREVIEW, WHOLE = "preview", "whole"
"""Kinds of results."""
TRACKED = "track"
"""Kind of a mask that was tracked from painted frames."""
_DEPENDS = ("cuts", "tracker", "tracker_model")
"""Options that a tracked mask depends on."""


@dataclass(frozen=True)
class Found:
    """The mask of a whole film.

    file: of the mask.
    kind: track, static, text or file.
    depends: on what, as a digest; another one means that it is out of date.
    confidence: of a tracked mask, one a frame, 0 to 1.
    repaint: frames to paint next, the most helpful first.
    notes: what the user should know.
    """

    file: str
    kind: str
    depends: str = ""
    confidence: tuple[float, ...] = ()
    repaint: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def mask(self) -> Path:
        """Return the file of the mask."""
        return Path(self.file)

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
