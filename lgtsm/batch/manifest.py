"""What is known of a job of a batch: everything its results depend on, and whether they are there.

A manifest is a JSON file beside the results. It is written before a job begins and when it has ended, each
time in one step, so that a process may be killed at any moment.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from .. import __version__
from ..errors import VideoError
from ..whole_file import WholeFile
from .description import BatchJob, plain_values

STATE_FOLDER = ".lgtsm-batch"
"""In the folder of results: manifests, parts of films, the lock."""
_FORM = 1
_BLOCK = 2**22
_ROUNDING = ("device", "chunk", "threads", "strict")
"""Options that change no more than rounding, or nothing at all."""

_COPIED = 2
"""Leading parts of a stamp that a copy of a folder of results keeps: size and time of change."""


@dataclass
class Manifest:
    """State of one job.

    identity: what the results depend on; equal identities mean equal results.
    stamps: of the inputs when they were hashed, by path, each with its SHA-256.
    before: stamps of the outputs when the job began, by name.
    outputs: stamps of the finished outputs, by name; empty until then.
    report: figures of the finished job.
    """

    identity: dict[str, Any]
    stamps: dict[str, tuple[list[int], str]] = field(default_factory=dict)
    before: dict[str, list[int]] = field(default_factory=dict)
    outputs: dict[str, list[int]] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """Return a digest of the identity."""
        return hashlib.sha256(json.dumps(self.identity, sort_keys=True).encode()).hexdigest()


def state_folder(folder: Path) -> Path:
    """Return where a folder of results keeps its state."""
    return folder / STATE_FOLDER


def _path(folder: Path, job: BatchJob) -> Path:
    return state_folder(folder) / "jobs" / f"{job.output}.json"


def load_manifest(folder: Path, job: BatchJob) -> Manifest | None:
    """Return the manifest of a job; None where there is none, or it cannot be read."""
    with suppress(OSError, ValueError, TypeError):
        return Manifest(**json.loads(_path(folder, job).read_text(encoding="utf-8")))
    return None


def save_manifest(folder: Path, job: BatchJob, manifest: Manifest) -> None:
    """Write the manifest of a job in one step.

    Raises:
        VideoError: it cannot be written.
    """
    path = _path(folder, job)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with WholeFile(path) as partial:
            partial.write_text(json.dumps(asdict(manifest), indent=1), encoding="utf-8")
    except OSError as error:
        raise VideoError(
            f"Expected to write {path}, got: {error.strerror}; check the folder of results."
        ) from error


def describe(job: BatchJob, earlier: Manifest | None) -> Manifest:
    """Describe a job that is to begin, reading all its inputs.

    Args:
        job: with local files.
        earlier: its manifest of before; inputs that have not been touched since are not read again.

    Raises:
        VideoError: an input cannot be read.
    """
    known = earlier.stamps if earlier else {}
    stamps: dict[str, tuple[list[int], str]] = {}
    inputs = {
        what: [_hashed(path, known, stamps) for path in paths] for what, paths in _inputs(job)
    }
    return Manifest(identity=_settings(job) | {"inputs": inputs}, stamps=stamps)


def is_untouched(job: BatchJob, folder: Path, manifest: Manifest) -> bool:
    """Tell from sizes and times alone that a job is done, and nothing that it depends on has changed."""
    settings = {name: value for name, value in manifest.identity.items() if name != "inputs"}
    if settings != _settings(job) or not is_finished(job, folder, manifest):
        return False
    paths = {str(path) for _, named in _inputs(job) for path in named}
    stamps = manifest.stamps
    return paths == stamps.keys() and all(_stamp(Path(p)) == stamps[p][0] for p in paths)


def is_finished(job: BatchJob, folder: Path, manifest: Manifest) -> bool:
    """Tell whether all outputs are there as the job left them."""
    now = {name: stamp[:_COPIED] for name, stamp in output_stamps(job, folder).items()}
    return bool(now) and now == {name: s[:_COPIED] for name, s in manifest.outputs.items()}


def was_completed(job: BatchJob, folder: Path, manifest: Manifest) -> bool:
    """Tell whether a run that could not note its end has replaced all outputs.

    Outputs appear only when they are whole, so one that is not as it was before is complete.
    """
    if manifest.outputs:
        return False
    now = output_stamps(job, folder)
    return len(now) == len(job.outputs) and all(now[n] != manifest.before.get(n) for n in now)


def output_stamps(job: BatchJob, folder: Path) -> dict[str, list[int]]:
    """Return the stamps of the outputs that exist, by name."""
    found = {name: _stamp(folder / name) for name in job.outputs}
    return {name: stamp for name, stamp in found.items() if stamp}


def _settings(job: BatchJob) -> dict[str, Any]:
    """Return what the results depend on besides the contents of files."""
    values = {name: v for name, v in plain_values(job).items() if name not in _ROUNDING}
    for name in ("source", "mask", "plate"):  # their contents count, wherever they lie
        values.pop(name, None)
    frames = [text.rpartition("@")[2] if "@" in text else "" for text in job.plates]
    settings = {"form": _FORM, "version": __version__, "job": values, "plate_frames": frames}
    return json.loads(json.dumps(settings))


def _inputs(job: BatchJob) -> list[tuple[str, list[Path]]]:
    """Return the files of all inputs by what they are for; of folders, the files in them."""
    from ..plate_names import plate_file

    named = {
        "source": [Path(job.source)],
        "mask": [] if job.mask is None else [Path(job.mask)],
        "plate": [plate_file(text)[0] for text in job.plates],
        "model": [Path(job.model)] if job.model and Path(job.model).is_file() else [],
        "synthesiser": [],
    }
    synthesiser = job.options.synthesiser
    if synthesiser is not None and Path(synthesiser).is_file():
        named["synthesiser"] = [Path(synthesiser)]
    return [(what, [f for path in paths for f in _files(path)]) for what, paths in named.items()]


def _files(path: Path) -> Iterable[Path]:
    if not path.is_dir():
        return [path]
    return sorted(p for p in path.iterdir() if p.is_file() and not p.name.startswith("."))


def _stamp(path: Path) -> list[int]:
    """Return what changes when a file is written or replaced; [] where there is none.

    Of a file its size, time of change in ns and number on its disk; of a folder the number of files, and
    a digest of theirs.
    """
    with suppress(OSError):
        if path.is_dir():
            stamps = [_stamp(file)[:_COPIED] for file in _files(path)]
            digest = hashlib.sha256(json.dumps(stamps).encode()).hexdigest()
            return [len(stamps), int(digest[:12], 16)]
        status = path.stat()
        return [status.st_size, status.st_mtime_ns, status.st_ino]
    return []


def _hashed(
    path: Path,
    known: dict[str, tuple[list[int], str]],
    stamps: dict[str, tuple[list[int], str]],
) -> str:
    """Return the SHA-256 of a file, and note its stamp."""
    stamp = _stamp(path)
    before = known.get(str(path))
    if not stamp or before is None or before[0] != stamp:
        before = (stamp, _sha256(path))
    stamps[str(path)] = (stamp, before[1])
    return before[1]


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except OSError as error:
        raise VideoError(
            f"Expected to read {path}, got: {error.strerror}; check that its disk is there."
        ) from error
    return digest.hexdigest()
