"""One cell: one method on one case, kept on disk so that an interrupted run goes on."""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path

from ...whole_file import WholeFile
from .cases import Case, Material, digest
from .methods import Kind, Method

_PACKAGE = Path(__file__).resolve().parents[2]
_NOT_ARITHMETIC = ("cli", "bench", "demo.py", "__main__.py")
"""Parts of the package that no figure depends on."""


def code_digest(kind: Kind) -> str:
    """Return a digest of the code that a method's figures depend on.

    Args:
        kind: of the method; simple ones do not depend on the engine.
    """
    total = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*")):
        name = path.relative_to(_PACKAGE).as_posix()
        if path.suffix not in {".py", ".safetensors"} or name.startswith(_NOT_ARITHMETIC):
            continue
        if kind is not Kind.OURS and not name.startswith(("score/", "metrics/", "fills/smooth")):
            continue
        total.update(name.encode() + path.read_bytes())
    return total.hexdigest()


def file_digest(path: Path | None) -> str:
    """Return the SHA-256 of a file; of a folder's listing with sizes and times; or nothing."""
    if path is None or not path.exists():
        return ""
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    listing = sorted((p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in path.rglob("*"))
    return hashlib.sha256(repr(listing).encode()).hexdigest()


class Cells:
    """The folder of cells of one run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def key(self, method: Method, material: Material, context: str) -> str:
        """Return what a cell must have been made from to be used again.

        Args:
            method: the method.
            material: the case.
            context: whatever else the figures depend on (code, features, packages).
        """
        clips = (material.frames, material.holes, material.truth, material.own, material.shown)
        model = "" if method.model is None else file_digest(Path(method.model))
        parts = (
            json.dumps(method.facts(), sort_keys=True),
            method.name,
            model,
            file_digest(method.folder),
            *("" if clip is None else digest(clip) for clip in clips),
            context,
        )
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def read(self, case: Case, method: Method, key: str) -> dict[str, object] | None:
        """Return the figures of a cell, None where it is missing, damaged or of something else."""
        try:
            values = json.loads(self._path(case, method).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(values, dict) or values.get("key") != key:
            return None
        return {k: _number(v) for k, v in values["figures"].items()}

    def write(self, case: Case, method: Method, key: str, figures: dict[str, object]) -> None:
        """Keep the figures of a cell; the file appears whole."""
        path = self._path(case, method)
        path.parent.mkdir(parents=True, exist_ok=True)
        values = {"key": key, "figures": {k: _word(v) for k, v in figures.items()}}
        with WholeFile(path) as partial:
            partial.write_text(json.dumps(values), encoding="utf-8")

    def _path(self, case: Case, method: Method) -> Path:
        return self.folder / case.name / f"{method.name}.json"


def _word(value: object) -> object:
    if isinstance(value, list):
        return [_word(v) for v in value]
    return "inf" if isinstance(value, float) and math.isinf(value) else value


def _number(value: object) -> object:
    if isinstance(value, list):
        return [_number(v) for v in value]
    return math.inf if value == "inf" else value
