"""Training clips as uint8 arrays on disk: decoded once, then mapped, never held whole."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from PIL import Image

_LOG = logging.getLogger(__name__)
_INDEX = "index.json"
_VIDEO_SUFFIXES = {".mp4", ".mkv", ".mov", ".webm", ".avi"}
_IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".webp", ".bmp"}


@dataclass(frozen=True, kw_only=True)
class Clip:
    """One decoded clip or photograph.

    path: array file (T,H,W,3) uint8; a photograph has T = 1.
    source: what it was cut from; training and validation never share a source.
    licence: as its manifest states, or "not stated".
    """

    path: str
    source: str
    licence: str
    num_frames: int

    def array(self, root: Path) -> np.ndarray:
        """Map the frames (T,H,W,3) uint8 without reading them."""
        return np.load(root / self.path, mmap_mode="r")


@dataclass(frozen=True)
class Library:
    """All clips of a decoded folder."""

    root: Path
    clips: tuple[Clip, ...]

    def split(self, held_out_ratio: float = 0.1) -> tuple[Library, Library]:
        """Divide by source into training and validation; stable as long as names are.

        Args:
            held_out_ratio: share of sources that is held out, 0..1.

        Returns:
            Libraries for training and for validation; photographs are never held out.
        """
        held, kept = [], []
        for clip in self.clips:
            digest = hashlib.sha256(f"validation {clip.source}".encode()).digest()
            is_held = clip.num_frames > 1 and digest[0] < 256 * held_out_ratio
            (held if is_held else kept).append(clip)
        return Library(self.root, tuple(kept)), Library(self.root, tuple(held))


def _manifest(data: Path) -> dict[str, dict]:
    """Return the rows of DATA/manifest.json by file name, if there is one."""
    path = data / "manifest.json"
    if not path.is_file():
        return {}
    tables = json.loads(path.read_text(encoding="utf-8"))
    return {row["name"]: row for part in ("train", "stills") for row in tables.get(part, ())}


def _decode(path: Path) -> np.ndarray:
    """Decode a video file to (T,H,W,3) uint8."""
    import av  # only preparing data needs it; a GPU box may lack it

    with av.open(str(path)) as container:
        frames = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
    if not frames:
        raise ValueError(f"Expected frames in {path}, found none; remove the file.")
    return np.stack(frames)


def prepare(data: Path, out: Path) -> Library:
    """Decode every clip under DATA/train and every photograph under DATA/stills.

    Args:
        data: folder with `train` (videos, or folders of frames), `stills` (photographs) and
            optionally `manifest.json` (sources and licences; rows marked "nc" are refused).
        out: folder for the arrays and their index.

    Returns:
        The library; clips already decoded are kept.

    Raises:
        ValueError: nothing to train on, or material marked as non-commercial.
    """
    out.mkdir(parents=True, exist_ok=True)
    rows = _manifest(data)
    clips = []
    found = sorted([*data.glob("train/*"), *data.glob("stills/*")])
    for path in found:
        row = rows.get(path.name, {})
        if row.get("nc"):
            raise ValueError(
                f"Expected material that may be trained on, got {path.name}, which is marked "
                "non-commercial; remove it from the folder."
            )
        target = out / f"{path.parent.name}-{path.stem}.npy"
        if not target.exists():
            if path.suffix.lower() in _VIDEO_SUFFIXES:
                array = _decode(path)
            elif path.suffix.lower() in _IMAGE_SUFFIXES:
                array = np.asarray(Image.open(path).convert("RGB"))[None]
            elif path.is_dir():
                names = sorted(p for p in path.iterdir() if p.suffix.lower() in _IMAGE_SUFFIXES)
                array = np.stack([np.asarray(Image.open(p).convert("RGB")) for p in names])
            else:
                _LOG.info("left out %s: no video, picture or folder", path.name)
                continue
            np.save(target, array)
        clips.append(
            Clip(
                path=target.name,
                source=f"{row['repo']}/{row['path']}" if "repo" in row else path.stem,
                licence=row.get("licence", "not stated"),
                num_frames=int(np.load(target, mmap_mode="r").shape[0]),
            )
        )
    if not clips:
        raise ValueError(
            f"Expected clips in {data}/train or photographs in {data}/stills, found none; "
            "give a folder in that layout."
        )
    index = json.dumps([asdict(clip) for clip in clips], indent=1)
    (out / _INDEX).write_text(index, encoding="utf-8")
    return Library(out, tuple(clips))


def open_library(root: Path) -> Library:
    """Open a folder that `prepare` has written.

    Raises:
        ValueError: there is no index in it.
    """
    index = root / _INDEX
    if not index.is_file():
        raise ValueError(
            f"Expected an index at {index}, found none; run `python -m train prepare` first."
        )
    rows = json.loads(index.read_text(encoding="utf-8"))
    return Library(root, tuple(Clip(**row) for row in rows))
