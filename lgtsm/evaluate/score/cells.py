"""One cell: one method on one case, kept on disk so that an interrupted run can resume."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from ...whole_file import WholeFile
from .cases import Case, Material, digest
from .methods import Kind, Method
from .results import Row

_PACKAGE = Path(__file__).resolve().parents[2]
_NOT_ARITHMETIC = ("cli/", "evaluate/bench/", "demo.py", "__main__.py")
"""Parts of the package that no figure depends on."""
_SIMPLE = ("evaluate/score/", "evaluate/metrics/", "metrics/", "align/", "copying/", "fills/")
"""Parts that the figures of simple methods depend on."""


def code_digest(kind: Kind) -> str:
    """Return a digest of the code that a method's figures depend on.

    Args:
        kind: of the method; only our own depend on the whole package.
    """
    total = hashlib.sha256()
    for path in sorted(_PACKAGE.rglob("*")):
        name = path.relative_to(_PACKAGE).as_posix()
        if path.suffix not in {".py", ".safetensors"} or name.startswith(_NOT_ARITHMETIC):
            continue
        if kind is not Kind.OURS and not name.startswith(_SIMPLE):
            continue
        total.update(name.encode() + path.read_bytes())
    return total.hexdigest()


def file_digest(path: Path | None) -> str:
    """Return the SHA-256 of a file, or of a folder's names, sizes and times; "" where there is none."""
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
        """Return the digest of everything a cell was computed from.

        Args:
            method: the method.
            material: the case.
            context: whatever else the figures depend on (code, networks, packages).
        """
        clips = (material.frames, material.holes, material.truth, material.own, material.shown)
        model = "" if method.model is None else file_digest(Path(method.model))
        parts = (
            json.dumps(method.facts(), sort_keys=True),
            method.name,
            model,
            file_digest(method.folder),
            file_digest(method.synthesiser_file),
            *("" if clip is None else digest(clip) for clip in clips),
            context,
        )
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def read(self, case: Case, method: Method, key: str) -> Row | None:
        """Return the figures of a cell; None if it is missing, damaged or has another key."""
        try:
            values = json.loads(self._path(case, method).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(values, dict) or values.get("key") != key:
            return None
        return values["figures"]

    def write(self, case: Case, method: Method, key: str, figures: Row) -> None:
        """Write the figures of a cell, atomically."""
        path = self._path(case, method)
        path.parent.mkdir(parents=True, exist_ok=True)
        with WholeFile(path) as partial:
            # Python reads back its own Infinity
            partial.write_text(json.dumps({"key": key, "figures": figures}), encoding="utf-8")

    def _path(self, case: Case, method: Method) -> Path:
        return self.folder / case.name / f"{method.name}.json"
