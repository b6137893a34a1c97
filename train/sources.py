"""Training clips as uint8 arrays on disk: decoded once, cut into shots, then mapped."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from lgtsm.errors import OptionError

from .decode import ClipError, decode_chunks, find_shots, read_masks
from .layouts import NOT_STATED, Kind, Material, find_material
from .scenes import render_clip

_LOG = logging.getLogger(__name__)
_INDEX = "index.json"


@dataclass(frozen=True, kw_only=True)
class Clip:
    """One shot of a decoded clip, or one photograph.

    path: array file (T,H,W,3) uint8; a photograph has T = 1; masks are (T,H,W) uint8, 1 = object.
    source: what it was cut from; training and validation never share a source.
    licence: as its manifest states, or "not stated".
    first: where the shot begins in the array.
    """

    path: str
    source: str
    licence: str
    num_frames: int
    first: int = 0

    def array(self, root: Path) -> np.ndarray:
        """Map the frames (T,H,W,3) uint8 without reading them."""
        whole = np.load(root / self.path, mmap_mode="r")
        return whole[self.first : self.first + self.num_frames]


@dataclass(frozen=True)
class Library:
    """All clips of a decoded folder, and object masks to hide them with."""

    root: Path
    clips: tuple[Clip, ...]
    masks: tuple[Clip, ...] = field(default=())

    def split(self, held_out_ratio: float = 0.1) -> tuple[Library, Library]:
        """Divide by source into training and validation; stable as long as names are.

        Args:
            held_out_ratio: share of sources that is held out, 0..1.

        Returns:
            Libraries for training and for validation; photographs are never held out, and training
            is never left with nothing.
        """
        held, kept = [], []
        for clip in self.clips:
            digest = hashlib.sha256(f"validation {clip.source}".encode()).digest()
            is_held = clip.num_frames > 1 and digest[0] < 256 * held_out_ratio
            (held if is_held else kept).append(clip)
        if not kept:  # a single source, or a few that all fell on the same side
            kept, held = held, []
        return (
            Library(self.root, tuple(kept), self.masks),
            Library(self.root, tuple(held), self.masks),
        )

    def offers(self, num_frames: int) -> bool:
        """Tell whether items of so many frames can be cut out of this library."""
        return any(c.num_frames == 1 or c.num_frames >= num_frames for c in self.clips)

    def require(self, num_frames: int) -> None:
        """Check that something can be cut out of this library.

        Raises:
            OptionError: no clip is long enough and there is no photograph.
        """
        if not self.offers(num_frames):
            longest = max((c.num_frames for c in self.clips), default=0)
            raise OptionError(
                f"Expected clips of {num_frames} frames or more, got {len(self.clips)} clips of "
                f"which the longest has {longest}; add longer clips or photographs, or shorten "
                "the recipe's."
            )


def prepare(data: Path | None, out: Path, *, num_scenes: int = 0) -> Library:
    """Decode everything that `find_material` lists, and render scenes of our own.

    Args:
        data: a folder or a manifest; None for rendered scenes alone.
        out: folder for the arrays and their index; what it already holds is kept.
        num_scenes: how many scenes to render.

    Returns:
        The library. Clips that cannot be used are left out, named in the log and counted.

    Raises:
        OptionError: nothing to train on, material marked as non-commercial, or masks upside down.
    """
    out.mkdir(parents=True, exist_ok=True)
    before = _read_index(out) if (out / _INDEX).is_file() else {"clips": [], "masks": []}
    clips: list[Clip] = []
    masks: list[Clip] = []
    left_out = 0
    material = find_material(data) if data is not None else []
    works: list[tuple[Material, Callable[[], Iterable[np.ndarray]]]] = [
        (m, lambda m=m: decode_chunks(m)) for m in material if m.kind is not Kind.MASKS
    ]
    works += [
        (_scene(number), lambda number=number: iter([render_clip(number)]))
        for number in range(num_scenes)
    ]
    for item, decode in works:
        known = [c for c in before["clips"] if _belongs(c, item) and (out / c.path).is_file()]
        if not known:
            try:
                known = _store(item, decode(), out)
            except (ClipError, OSError) as error:
                left_out += 1
                _LOG.warning("left out %s: %s", item.path.name, error)
        clips += known
        _write_index(out, clips, masks)
    for item in (m for m in material if m.kind is Kind.MASKS):
        masks += _store_masks(item, out)
    _write_index(out, clips, masks)
    if left_out:
        _LOG.warning("left out %d of %d clips and photographs", left_out, len(works))
    if not clips:
        raise OptionError(
            f"Expected clips or photographs in {data}, found none that can be decoded; see the "
            "warnings above."
        )
    return Library(out, tuple(clips), tuple(masks))


def open_library(root: Path) -> Library:
    """Open a folder that `prepare` has written.

    Raises:
        OptionError: there is no index in it.
    """
    if not (root / _INDEX).is_file():
        raise OptionError(
            f"Expected an index at {root / _INDEX}, found none; run `python -m train prepare` "
            "first."
        )
    index = _read_index(root)
    return Library(root, tuple(index["clips"]), tuple(index["masks"]))


def _scene(number: int) -> Material:
    name = f"scene-{number:04d}"
    return Material(path=Path(name), kind=Kind.VIDEO, source=name, licence="Apache-2.0")


def _belongs(clip: Clip, item: Material) -> bool:
    """Tell whether a decoded clip came from a piece of material."""
    stem = clip.path.removesuffix(".npy")
    return stem == item.name or stem.startswith(f"{item.name}~")


def _store(item: Material, chunks: Iterable[np.ndarray], out: Path) -> list[Clip]:
    """Write the arrays of one piece of material; returns its shots."""
    clips = []
    for number, array in enumerate(chunks):
        path = f"{item.name}~{number}.npy" if number else f"{item.name}.npy"
        partial = out / f".{path}.partial"
        with partial.open("wb") as file:
            np.save(file, array)
        partial.replace(out / path)
        for first, stop in find_shots(array):
            clip = Clip(
                path=path,
                source=item.source,
                licence=item.licence,
                num_frames=stop - first,
                first=first,
            )
            clips.append(clip)
    if not clips:
        raise ClipError("it has no frames")
    return clips


def _store_masks(item: Material, out: Path) -> list[Clip]:
    """Write the object masks of one folder; empty where it holds no object."""
    array = read_masks(item.path)
    if not array.any():
        return []
    path = f"masks-{item.path.name}.npy"
    np.save(out / path, array)
    return [Clip(path=path, source=item.source, licence=NOT_STATED, num_frames=len(array))]


def _write_index(root: Path, clips: list[Clip], masks: list[Clip]) -> None:
    index = {"clips": [asdict(c) for c in clips], "masks": [asdict(c) for c in masks]}
    partial = root / f".{_INDEX}.partial"
    partial.write_text(json.dumps(index, indent=1), encoding="utf-8")
    partial.replace(root / _INDEX)


def _read_index(root: Path) -> dict[str, list[Clip]]:
    try:
        index = json.loads((root / _INDEX).read_text(encoding="utf-8"))
        if isinstance(index, list):  # before there were masks, the index was the list of clips
            index = {"clips": index, "masks": []}
        return {part: [Clip(**row) for row in index[part]] for part in ("clips", "masks")}
    except (ValueError, KeyError, TypeError) as error:
        raise OptionError(
            f"Expected an index of clips in {root}, got {error}; run `python -m train prepare` "
            "again."
        ) from error
