"""Which files the page may name: those in the folders that the studio was started with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..errors import LgtsmError, OptionError, shown
from ..film_names import is_film
from ..video.folder import list_images, natural_key

_NOWHERE = Path()
"""Of the list of all roots."""
_PROJECT = ".lgtsm.json"
WORK_ENDING = ".lgtsm-studio"
"""Of the folder in which a film's painted frames and masks are kept."""


class NotAllowedError(LgtsmError):
    """A file outside the folders of the studio, or none at all; the page is not told which."""


@dataclass(frozen=True)
class Entry:
    """A line of a listing.

    kind: folder, film (a film or a folder of images) or project.
    """

    name: str
    path: str
    kind: str


@dataclass(frozen=True)
class Places:
    """The folders that a page may read, and where results go.

    roots: resolved folders; everything below them may be read.
    folder: of the results, one of the roots; None puts them beside each film.
    """

    roots: tuple[Path, ...]
    folder: Path | None = None

    @classmethod
    def of(cls, film: Path | None, roots: list[Path], folder: Path | None) -> Places:
        """Allow the folder of a film, the given folders, and that of the results.

        Raises:
            OptionError: one of them is no folder.
        """
        named = [*roots, *([film.absolute().parent] if film else [])] or [Path.cwd()]
        named += [folder] if folder else []
        for one in named:
            if not one.is_dir():
                raise OptionError(f"Expected a folder, got {one}; create it or correct the name.")
        return cls(
            tuple(dict.fromkeys(one.resolve() for one in named)), folder and folder.resolve()
        )

    def readable(self, given: str) -> Path:
        """Return an existing file or folder with all links followed.

        Args:
            given: absolute, or relative to the first folder.

        Raises:
            NotAllowedError: it is elsewhere, or not there.
        """
        try:
            path = Path(self.roots[0], given).resolve(strict=True)
        except (OSError, RuntimeError, ValueError):  # loops of links, null bytes
            path = None
        if path is None or not any(path.is_relative_to(root) for root in self.roots):
            raise NotAllowedError(
                f"Expected a file in {self._listed()}, got {shown(given)}; correct the name, or start "
                "lgtsm studio with --root FOLDER."
            )
        return path

    def results(self, film: Path) -> Path:
        """Return the folder that results of a film go to."""
        return self.folder or film.parent

    def listing(self, given: str) -> tuple[Path, list[Entry]]:
        """List the folders, films and projects in a folder, or what belongs to an empty name: the roots.

        Raises:
            NotAllowedError: it is elsewhere, or no folder.
        """
        if not given and len(self.roots) > 1:
            return _NOWHERE, [Entry(str(root), str(root), "folder") for root in self.roots]
        folder = self.readable(given or ".")
        if not folder.is_dir():
            raise NotAllowedError(
                f"Expected a folder, got the file {folder.name}; choose its folder."
            )
        entries = [
            Entry(path.name, str(path), kind)
            for path in sorted(folder.iterdir(), key=natural_key)
            if not path.name.startswith(".") and (kind := _kind(path))
        ]
        return folder, sorted(entries, key=lambda entry: entry.kind != "folder")

    def above(self, folder: Path) -> str | None:
        """Return the folder above one that may be shown, "" where that is the list of roots."""
        if folder in self.roots:
            return "" if len(self.roots) > 1 else None
        return str(folder.parent) if folder.name else None

    def _listed(self) -> str:
        return ", ".join(map(str, self.roots))


def project_file(film: Path, folder: Path) -> Path:
    """Return where the project of a film is saved."""
    return folder / f"{film.stem if film.is_file() else film.name}{_PROJECT}"


def work_folder(project: Path) -> Path:
    """Return the folder of a project's painted frames and masks."""
    return project.with_name(project.name.removesuffix(_PROJECT) + WORK_ENDING)


def is_project(path: Path) -> bool:
    """Tell by its name whether a file is a project."""
    return path.name.endswith(_PROJECT)


def _kind(path: Path) -> str:
    if path.is_dir():
        if path.name.endswith((WORK_ENDING, ".lgtsm-partial")):
            return ""
        return "film" if _holds_images(path) else "folder"
    if is_project(path):
        return "project"
    return "film" if is_film(path) else ""


def _holds_images(folder: Path) -> bool:
    try:
        return bool(list_images(folder))
    except (LgtsmError, OSError):
        return False
