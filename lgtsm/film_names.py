"""Names of films: those in a folder, and what a result of one is called. No torch."""

from __future__ import annotations

from pathlib import Path

from .video.presets import CONTAINERS

_SUFFIXES = frozenset(CONTAINERS) | frozenset(
    [
        ".3gp",
        ".avi",
        ".dv",
        ".flv",
        ".gif",
        ".m2ts",
        ".mpeg",
        ".mpg",
        ".mts",
        ".mxf",
        ".nut",
        ".ogv",
        ".ts",
        ".vob",
        ".wmv",
        ".y4m",
    ]
)
"""Suffixes of films in a folder."""
MASK_ENDING = "_mask"
"""What the name of a mask beside a film has behind the film's."""


def films_in(folder: Path) -> list[Path]:
    """List the films of a folder in natural order; empty where it holds images, which are one clip."""
    from .video.folder import natural_key
    from .video.image import IMAGE_SUFFIXES

    files = [p for p in folder.iterdir() if p.is_file() and not p.name.startswith(".")]
    if any(p.suffix.lower() in IMAGE_SUFFIXES for p in files):
        return []
    return sorted((p for p in files if is_film(p)), key=natural_key)


def is_film(path: Path) -> bool:
    """Tell by its suffix whether a file is a film."""
    return path.suffix.lower() in _SUFFIXES


def stem_of(source: Path) -> str:
    """Return the name of a source without its suffix; dots in the name of a folder are part of it."""
    return source.name if source.is_dir() else source.stem


def written_name(source: Path, *, lossless: bool) -> str:
    """Return the name of a source's result in a folder of results."""
    if lossless:
        return f"{stem_of(source)}.mkv"
    if source.is_dir():
        return source.name
    suffix = source.suffix.lower()
    return f"{source.stem}{suffix if suffix in CONTAINERS else '.mp4'}"
