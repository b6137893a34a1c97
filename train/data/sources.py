"""Training clips as uint8 arrays on disk: decoded once, cut into shots, then mapped."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from lgtsm.errors import OptionError
from lgtsm.whole_file import WholeFile

from .decode import ClipError, decode_chunks, find_shots, read_masks
from .layouts import Kind, Material, find_material
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
        out: folder for the arrays and their index; what it already holds is kept, with the source
            and licence that are stated now.
        num_scenes: how many scenes to render.

    Returns:
        The library with all that the folder holds. Clips that cannot be used are left out, named in
        the log and counted.

    Raises:
        OptionError: nothing to train on, material marked as non-commercial, or masks upside down.
    """
    out.mkdir(parents=True, exist_ok=True)
    before = _read_index(out) if (out / _INDEX).is_file() else {"clips": [], "masks": []}
    clips, masks = ([c for c in rows if (out / c.path).is_file()] for rows in before.values())
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
        shots = [c for c in clips if _belongs(c, (item.name,))]
        if not shots:
            try:
                shots = _store(item, decode(), out)
            except (ClipError, OSError) as error:
                left_out += 1
                _LOG.warning("left out %s: %s", item.path.name, error)
        clips, known = _with_rows_of(item, shots, clips), clips
        if clips != known:
            _write_index(out, clips, masks)  # all that is there, whenever this is interrupted
    for item in (m for m in material if m.kind is Kind.MASKS):
        masks = _with_rows_of(item, _store_masks(item, out), masks)
    _write_index(out, clips, masks)
    if left_out:
        _LOG.warning("left out %d of %d clips and photographs", left_out, len(works))
    if left_out == len(works):
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
    return Material(
        path=Path(name), kind=Kind.VIDEO, source=name, licence="Apache-2.0", name=f"-{name}"
    )


def _belongs(clip: Clip, names: Collection[str]) -> bool:
    """Tell whether a decoded clip came from a piece of material that has or had these names."""
    stem = clip.path.removesuffix(".npy")
    return stem in names or stem.rpartition("~")[0] in names


def _with_rows_of(item: Material, found: list[Clip], rows: list[Clip]) -> list[Clip]:
    """Replace the rows of one piece of material where they stand; new ones come last.

    Items are drawn by the rows' order, so what is there already keeps its place.
    """
    names = (item.name, *item.former_names)
    first = next((i for i, c in enumerate(rows) if _belongs(c, names)), len(rows))
    others = [c for c in rows if not _belongs(c, names)]
    told = [replace(c, source=item.source, licence=item.licence) for c in found]
    return [*others[:first], *told, *others[first:]]


def _store(item: Material, chunks: Iterable[np.ndarray], out: Path) -> list[Clip]:
    """Write the arrays of one piece of material; returns its shots."""
    clips = []
    for number, array in enumerate(chunks):
        path = f"{item.name}~{number}.npy" if number else f"{item.name}.npy"
        _write_array(out / path, array)
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
    path = f"{item.name}.npy"
    _write_array(out / path, array)
    return [Clip(path=path, source=item.source, licence=item.licence, num_frames=len(array))]


def _write_array(path: Path, array: np.ndarray) -> None:
    """Write an array whole or not at all; who has mapped the former one keeps it."""
    with WholeFile(path) as partial, partial.open("wb") as file:
        np.save(file, array)


def _write_index(root: Path, clips: list[Clip], masks: list[Clip]) -> None:
    index = {"clips": [asdict(c) for c in clips], "masks": [asdict(c) for c in masks]}
    with WholeFile(root / _INDEX) as partial:
        partial.write_text(json.dumps(index, indent=1), encoding="utf-8")


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
