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
from ..plate_names import plate_file
from ..prompt_names import framed, painted_file, painted_files
from ..whole_file import WholeFile
from .columns import FILES, is_url
from .description import BatchJob, plain_values
from .storage import url_key

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
    delivered: where the outputs were copied to.
    """

    identity: dict[str, Any]
    stamps: dict[str, tuple[list[int], str]] = field(default_factory=dict)
    before: dict[str, list[int]] = field(default_factory=dict)
    outputs: dict[str, list[int]] = field(default_factory=dict)
    report: dict[str, Any] = field(default_factory=dict)
    delivered: str = ""

    @property
    def key(self) -> str:
        """Return a digest of the identity."""
        return json_digest(self.identity)


def json_digest(values: object) -> str:
    """Return the SHA-256 of JSON values, whatever the order of their names."""
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()


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


def begun_manifest(folder: Path, job: BatchJob) -> Manifest:
    """Return the manifest of a job that has begun.

    Raises:
        VideoError: it is gone.
    """
    manifest = load_manifest(folder, job)
    if manifest is None:
        raise VideoError(
            f"Expected the manifest of {job.output} in {state_folder(folder)}, found none; run the batch "
            "again."
        )
    return manifest


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
        what: [_hashed(name, known, stamps) for name in names] for what, names in _inputs(job)
    }
    return Manifest(identity=_settings(job) | {"inputs": inputs}, stamps=stamps)


def is_untouched(job: BatchJob, folder: Path, manifest: Manifest, deliver: str | None) -> bool:
    """Tell from sizes and times alone that a job is done, and nothing that it depends on has changed.

    Args:
        job: the job.
        folder: of the results.
        manifest: its manifest.
        deliver: where its outputs are to be copied.
    """
    if deliver and manifest.delivered != deliver:
        return False
    settings = {name: value for name, value in manifest.identity.items() if name != "inputs"}
    if settings != _settings(job) or not is_finished(job, folder, manifest):
        return False
    names = {name for _, named in _inputs(job) for name in named}
    stamps = manifest.stamps
    return names == stamps.keys() and all(_stamp(name) == stamps[name][0] for name in names)


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
    found = {name: _stamp(str(folder / name)) for name in job.outputs}
    return {name: stamp for name, stamp in found.items() if stamp}


def _settings(job: BatchJob) -> dict[str, Any]:
    """Return what the results depend on besides the contents of files."""
    values = {name: v for name, v in plain_values(job).items() if name not in _ROUNDING}
    for name in FILES:  # their contents count, wherever they lie
        values.pop(name, None)
    frames = [plate_file(text)[1] for text in job.plates]
    settings = {"form": _FORM, "version": __version__, "job": values, "plate_frames": frames}
    settings["track_frames"] = [_without_file(text) for text in job.track]
    return json.loads(json.dumps(settings))


def _without_file(text: str) -> int | str:
    """Return what a prompt says besides the contents of its file."""
    return framed(text)[1] if painted_file(text) else text.replace(" ", "")


def _inputs(job: BatchJob) -> list[tuple[str, list[str]]]:
    """Return the files of all inputs by what they are for; of folders, the files in them."""
    named = {
        "source": [job.source],
        "mask": [] if job.mask is None else [job.mask],
        "track": [str(file) for file in painted_files(job.track)],
        "plate": [str(plate_file(text)[0]) for text in job.plates],
    }
    options, neighbours = job.options, job.options.neighbours
    models = {"model": job.model, "synthesiser": options.synthesiser}
    models |= {"aligner_model": neighbours.aligner_model, "carrier_model": neighbours.carrier_model}
    for what, name in models.items():
        named[what] = [str(name)] if name is not None and Path(name).is_file() else []
    tracker = job.tracking.tracker_model
    named["tracker"] = [tracker] if job.track and tracker and Path(tracker).exists() else []
    return [(what, [f for name in names for f in _files(name)]) for what, names in named.items()]


def _files(name: str) -> Iterable[str]:
    """Return the files of a folder; of anything else, itself."""
    if is_url(name) or not Path(name).is_dir():
        return [name]
    files = (p for p in Path(name).iterdir() if p.is_file() and not p.name.startswith("."))
    return sorted(map(str, files))


def _stamp(name: str) -> list[int]:
    """Return what changes when a file is written or replaced; [] where there is none.

    Of a file its size, time of change in ns and number on its disk; of a folder the number of files, and
    a digest of theirs; of a URL what its storage tells of it.
    """
    if is_url(name):
        return [int(hashlib.sha256(url_key(name).encode()).hexdigest()[:12], 16)]
    path = Path(name)
    with suppress(OSError):
        if path.is_dir():
            stamps = [_stamp(file)[:_COPIED] for file in _files(name)]
            return [len(stamps), int(json_digest(stamps)[:12], 16)]
        status = path.stat()
        return [status.st_size, status.st_mtime_ns, status.st_ino]
    return []


def _hashed(
    name: str,
    known: dict[str, tuple[list[int], str]],
    stamps: dict[str, tuple[list[int], str]],
) -> str:
    """Return the SHA-256 of a file, of a URL its stamp, and note the stamp."""
    stamp = _stamp(name)
    before = known.get(name)
    if not stamp or before is None or before[0] != stamp:
        before = (stamp, f"{stamp[0]:x}" if is_url(name) else _sha256(Path(name)))
    stamps[name] = (stamp, before[1])
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
