"""Find training material in a folder: videos, folders of frames, photographs, object masks.

Five layouts are supported: a manifest file; `train/` and `stills/` with an optional `manifest.json`; FVI
(`[Train/]JPEGImages`, `object_masks`; Chang et al. 2019, ICCV); FaceForensics (`[Train/]videos`,
`masks`); and any folder of videos and folders of frames.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from lgtsm.errors import OptionError

VIDEO_SUFFIXES = {".mp4", ".mkv", ".mov", ".webm", ".avi"}
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}
NOT_STATED = "not stated"
_MASK_FOLDERS = ("object_masks", "masks")
_SPLIT = "Train"
"""Subfolder of the published layouts to train on; `Test` is never read."""


class Kind(Enum):
    """Kind of a file or folder."""

    VIDEO = "video"
    FRAMES = "frames"
    STILL = "still"
    MASKS = "masks"


@dataclass(frozen=True, kw_only=True)
class Material:
    """One file or folder.

    source: the film it was cut from; training and validation never share a source.
    licence: as stated in its manifest, or "not stated".
    name: of the decoded file; unique.
    former_names: names that it had, or would have beside other material; no other item's name.
    """

    path: Path
    kind: Kind
    source: str = ""
    licence: str = NOT_STATED
    name: str = ""
    former_names: frozenset[str] = frozenset()


def find_material(data: Path) -> list[Material]:
    """List the training material of a folder or manifest.

    Args:
        data: a folder in one of the layouts, or a manifest (.json or .csv) whose rows have `path`
            (relative to it) and may have `source`, `licence`, `kind` and `nc`.

    Raises:
        OptionError: nothing found, or material marked as non-commercial.
    """
    if data.is_file():
        found, root = _from_manifest(data), data.parent
    elif (data / "train").is_dir() or (data / "stills").is_dir():
        found, root = _own_layout(data), data
    else:
        root = data / _SPLIT if (data / _SPLIT).is_dir() else data
        inner = next((n for n in ("JPEGImages", "videos") if (root / n).is_dir()), None)
        found = _plain(root / inner if inner else root)
        for name in _MASK_FOLDERS:
            found += [Material(path=path, kind=Kind.MASKS) for path in _folders(root / name)]
    if not any(m.kind is not Kind.MASKS for m in found):
        raise OptionError(
            f"Expected videos, folders of frames or photographs in {data}, found none; give a "
            "folder in a layout that docs/training.md lists."
        )
    return _named(found, root)


def _named(found: list[Material], root: Path) -> list[Material]:
    """Give every item a unique name, and a source where none is stated.

    The name consists of folder and file name where that is unique, else of the whole path.
    """
    paths: dict[str, set[Path]] = {}
    for item in found:
        paths.setdefault(_short_name(item), set()).add(item.path)
    named = []
    for item in found:
        short, whole = _short_name(item), _whole_name(item.path, root)
        is_unique = len(paths[short]) == 1
        stem = f"{item.path.parent.name}-{item.path.stem}"  # former name of folders with a dot
        named.append(
            replace(
                item,
                name=short if is_unique else whole,
                former_names=frozenset((short, whole, stem)),
                source=item.source or (_own_name(item) if is_unique else whole),
            )
        )
    taken = {item.name for item in named}
    return [replace(item, former_names=item.former_names - taken) for item in named]


def _own_name(item: Material) -> str:
    is_folder = item.kind in (Kind.FRAMES, Kind.MASKS)  # a dot in its name starts no suffix
    return item.path.name if is_folder else item.path.stem


def _short_name(item: Material) -> str:
    folder = "masks" if item.kind is Kind.MASKS else item.path.parent.name
    return f"{folder}-{_own_name(item)}"


def _whole_name(path: Path, root: Path) -> str:
    inside = path.relative_to(root if path.is_relative_to(root) else path.anchor)
    return "--".join((root.resolve().name, *inside.parts))


def pictures(folder: Path) -> list[Path]:
    """Return the pictures of a folder, sorted by name."""
    return sorted(p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)


def _folders(root: Path) -> list[Path]:
    """Return the folders that contain pictures."""
    if not root.is_dir():
        return []
    return sorted(p for p in root.iterdir() if p.is_dir() and pictures(p))


def _kind_of(path: Path) -> Kind | None:
    """Return the kind of a path by its suffix; None for other files."""
    if path.is_dir():
        return Kind.FRAMES if pictures(path) else None
    suffix = path.suffix.lower()
    if suffix in VIDEO_SUFFIXES:
        return Kind.VIDEO
    return Kind.STILL if suffix in IMAGE_SUFFIXES else None


def _plain(root: Path) -> list[Material]:
    """List videos and folders of frames; a folder of pictures alone is one clip."""
    if not root.is_dir():
        return []
    found = [
        Material(path=path, kind=kind)
        for path in sorted(root.iterdir())
        if path.name not in _MASK_FOLDERS and (kind := _kind_of(path)) in (Kind.VIDEO, Kind.FRAMES)
    ]
    if not found and pictures(root):
        found = [Material(path=root, kind=Kind.FRAMES)]
    return found


def _own_layout(data: Path) -> list[Material]:
    """List `train`, `stills` and `object_masks`, with sources and licences from `manifest.json`."""
    rows: dict[str, dict] = {}
    if (data / "manifest.json").is_file():
        tables = _read_json(data / "manifest.json")
        if isinstance(tables, dict):
            rows = {r["name"]: r for part in ("train", "stills") for r in tables.get(part, ())}
    found = []
    for path in sorted([*data.glob("train/*"), *data.glob("stills/*")]):
        kind = _kind_of(path)
        if kind is None:
            continue
        row = rows.get(path.name, {})
        _refuse_non_commercial(path.name, row)
        source = f"{row['repo']}/{row['path']}" if "repo" in row else ""
        licence = row.get("licence", NOT_STATED)
        found.append(Material(path=path, kind=kind, source=source, licence=licence))
    return found + [Material(path=p, kind=Kind.MASKS) for p in _folders(data / "object_masks")]


def _from_manifest(file: Path) -> list[Material]:
    """List the rows of a manifest file."""
    if file.suffix.lower() == ".csv":
        with file.open(newline="", encoding="utf-8") as text:
            rows = list(csv.DictReader(text))
    else:
        rows = _read_json(file)
    found = []
    for row in rows:
        path = file.parent / row.get("path", "") if isinstance(row, dict) else file.parent
        kind = _kind_of(path) if path != file.parent else None
        if kind is None or not path.exists():
            raise OptionError(
                f"Expected rows with the path of a video, picture or folder of frames in "
                f"{file.name}, got {row}; correct the row."
            )
        _refuse_non_commercial(path.name, row)
        if row.get("kind"):
            kind = Kind(row["kind"])
        source = row.get("source") or ""
        licence = row.get("licence") or NOT_STATED
        found.append(Material(path=path, kind=kind, source=source, licence=licence))
    return found


def _read_json(file: Path) -> list | dict:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise OptionError(f"Expected JSON in {file.name}, got {error}; correct it.") from error


def _refuse_non_commercial(name: str, row: dict) -> None:
    if str(row.get("nc", "")).lower() in ("true", "1", "yes"):
        raise OptionError(
            f"Expected material that may be trained on, got {name}, which is marked "
            "non-commercial; remove it."
        )
