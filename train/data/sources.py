"""Training clips as uint8 arrays on disk: decoded once, split into shots, then memory-mapped."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np

from lgtsm.errors import OptionError
from lgtsm.whole_file import WholeFile

from .decode import ClipError, decode_chunks, find_shots, read_masks, render_clip
from .layouts import Kind, Material, find_material

_LOG = logging.getLogger(__name__)
_INDEX = "index.json"


@dataclass(frozen=True, kw_only=True)
class Clip:
    """One shot of a decoded clip, or one photograph.

    path: array file (T,H,W,3) uint8; a photograph has T = 1; masks are (T,H,W) uint8, 1 = object.
    source: the film it was cut from; training and validation never share a source.
    licence: as stated in its manifest, or "not stated".
    first: index of the shot's first frame in the array.
    """

    path: str
    source: str
    licence: str
    num_frames: int
    first: int = 0

    def array(self, root: Path) -> np.ndarray:
        """Memory-map the frames (T,H,W,3) uint8."""
        whole = np.load(root / self.path, mmap_mode="r")
        return whole[self.first : self.first + self.num_frames]


@dataclass(frozen=True)
class Library:
    """All clips of a decoded folder, and its object masks."""

    root: Path
    clips: tuple[Clip, ...]
    masks: tuple[Clip, ...] = ()

    @cached_property
    def sizes(self) -> dict[str, tuple[int, int]]:
        """(height, width) of every file by its path; reads their headers only."""
        paths = {clip.path for clip in self.clips}
        return {p: np.load(self.root / p, mmap_mode="r").shape[1:3] for p in paths}

    def split(self, held_out_ratio: float = 0.1) -> tuple[Library, Library]:
        """Split by source into training and validation; stable while the sources keep their names.

        Args:
            held_out_ratio: share of sources that is held out, 0..1.

        Returns:
            Libraries for training and for validation. Photographs are never held out; training is
            never empty.
        """
        training, held_out = [], []
        for clip in self.clips:
            digest = hashlib.sha256(f"validation {clip.source}".encode()).digest()
            is_held_out = clip.num_frames > 1 and digest[0] < 256 * held_out_ratio
            (held_out if is_held_out else training).append(clip)
        if not training:  # a single source, or a few that were all held out
            training, held_out = held_out, []
        return replace(self, clips=tuple(training)), replace(self, clips=tuple(held_out))

    def offers(self, num_frames: int) -> bool:
        """Return whether any clip or photograph can give an item of this many frames."""
        return any(c.num_frames == 1 or c.num_frames >= num_frames for c in self.clips)

    def require(self, num_frames: int) -> None:
        """Check that some clip or photograph can give an item of this many frames.

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
    """Decode everything that `find_material` lists, and render synthetic scenes.

    Args:
        data: a folder or a manifest; None for rendered scenes alone.
        out: folder for the arrays and their index. Arrays in it are not decoded again, but get the
            source and licence that are stated now.
        num_scenes: number of scenes to render.

    Returns:
        The library of the whole folder. Unusable clips are skipped, named in the log and counted.

    Raises:
        OptionError: nothing to train on, material marked as non-commercial, or inverted masks.
    """
    material = find_material(data) if data is not None else []
    out.mkdir(parents=True, exist_ok=True)
    before = _read_index(out) if (out / _INDEX).is_file() else {"clips": [], "masks": []}
    clips, masks = ([c for c in rows if (out / c.path).is_file()] for rows in before.values())
    num_skipped = 0
    works: list[tuple[Material, Iterable[np.ndarray]]] = [  # decoded as they are stored
        (m, decode_chunks(m)) for m in material if m.kind is not Kind.MASKS
    ]
    works += [(_scene(number), map(render_clip, [number])) for number in range(num_scenes)]
    for item, chunks in works:
        shots = [c for c in clips if _belongs(c, (item.name,))]
        if not shots:
            try:
                shots = _store(item, chunks, out)
            except (ClipError, OSError) as error:
                num_skipped += 1
                _LOG.warning("skipped %s: %s", item.path.name, error)
        clips, known = _with_rows_of(item, shots, clips), clips
        if clips != known:
            _write_index(out, clips, masks)  # the index is complete after an interruption
    for item in (m for m in material if m.kind is Kind.MASKS):
        masks = _with_rows_of(item, _store_masks(item, out), masks)
    _write_index(out, clips, masks)
    if num_skipped:
        _LOG.warning("skipped %d of %d clips and photographs", num_skipped, len(works))
    if num_skipped == len(works):
        raise OptionError(
            f"Expected clips or photographs in {data}, found none that can be decoded; see the "
            "warnings above."
        )
    return Library(out, tuple(clips), tuple(masks))


def is_decoded(root: Path) -> bool:
    """Tell whether `prepare` has written a folder."""
    return (root / _INDEX).is_file()


def open_library(root: Path) -> Library:
    """Open a folder that `prepare` has written.

    Raises:
        OptionError: there is no index in it.
    """
    if not is_decoded(root):
        raise OptionError(
            f"Expected an index at {root / _INDEX}, found none; run `python -m train prepare` "
            "first."
        )
    index = _read_index(root)
    return Library(root, tuple(index["clips"]), tuple(index["masks"]))


def open_or_prepare(data: Path, out: Path, *, resume: bool) -> Library:
    """Open decoded clips; where there are only films, decode them first.

    Args:
        data: folder that `prepare` has written, or what `prepare` takes.
        out: folder of the run; films are decoded into `data` in it, once.
        resume: keep what was decoded, even if there are more films now, so that the run goes on
            with the same items.

    Raises:
        OptionError: neither decoded clips nor anything to decode.
    """
    if is_decoded(data) or not data.exists():
        return open_library(data)
    decoded = out / "data"
    if resume and is_decoded(decoded):
        return open_library(decoded)
    _LOG.info(
        "%s holds no decoded clips: its films are decoded into %s first; give --data %s to later "
        "commands",
        *(data, decoded, decoded),
    )
    library = prepare(data, decoded)
    _LOG.info("%d clips and photographs in %s", len(library.clips), decoded)
    return library


def _scene(number: int) -> Material:
    name = f"scene-{number:04d}"
    return Material(
        path=Path(name), kind=Kind.VIDEO, source=name, licence="Apache-2.0", name=f"-{name}"
    )


def _belongs(clip: Clip, names: Collection[str]) -> bool:
    """Return whether a decoded clip is of the material that has or had these names."""
    stem = clip.path.removesuffix(".npy")
    return stem in names or stem.rpartition("~")[0] in names


def _with_rows_of(item: Material, found: list[Clip], rows: list[Clip]) -> list[Clip]:
    """Replace one item's rows in place; new rows go last.

    Training items depend on the rows' order, so existing rows keep theirs.
    """
    names = (item.name, *item.former_names)
    first = next((i for i, c in enumerate(rows) if _belongs(c, names)), len(rows))
    others = [c for c in rows if not _belongs(c, names)]
    updated = [replace(c, source=item.source, licence=item.licence) for c in found]
    return [*others[:first], *updated, *others[first:]]


def _store(item: Material, chunks: Iterable[np.ndarray], out: Path) -> list[Clip]:
    """Write the arrays of one item; return its shots."""
    clips = []
    for number, array in enumerate(chunks):
        path = f"{item.name}~{number}.npy" if number else f"{item.name}.npy"
        _write_array(out / path, array)
        for first, stop in find_shots(array):
            clips.append(_clip(item, path, stop - first, first))
    if not clips:
        raise ClipError("it has no frames")
    return clips


def _store_masks(item: Material, out: Path) -> list[Clip]:
    """Write the object masks of one folder; return nothing if they show no object."""
    array = read_masks(item.path)
    if not array.any():
        return []
    path = f"{item.name}.npy"
    _write_array(out / path, array)
    return [_clip(item, path, len(array))]


def _clip(item: Material, path: str, count: int, first: int = 0) -> Clip:
    origin = {"source": item.source, "licence": item.licence}
    return Clip(path=path, num_frames=count, first=first, **origin)


def _write_array(path: Path, array: np.ndarray) -> None:
    """Replace an array file; processes that have mapped the previous one keep it."""
    with WholeFile(path) as partial, partial.open("wb") as file:
        np.save(file, array)


def _write_index(root: Path, clips: list[Clip], masks: list[Clip]) -> None:
    index = {"clips": [asdict(c) for c in clips], "masks": [asdict(c) for c in masks]}
    with WholeFile(root / _INDEX) as partial:
        partial.write_text(json.dumps(index, indent=1), encoding="utf-8")


def _read_index(root: Path) -> dict[str, list[Clip]]:
    try:
        index = json.loads((root / _INDEX).read_text(encoding="utf-8"))
        if isinstance(index, list):  # an older format, without masks
            index = {"clips": index, "masks": []}
        return {part: [Clip(**row) for row in index[part]] for part in ("clips", "masks")}
    except (ValueError, KeyError, TypeError) as error:
        raise OptionError(
            f"Expected an index of clips in {root}, got {error}; run `python -m train prepare` "
            "again."
        ) from error
