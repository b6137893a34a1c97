"""What a page shows of its film, as JSON values."""

from __future__ import annotations

from pathlib import Path

from ..film_names import stem_of
from ..journal import journal_folder
from .current import additions, is_stale
from .made import Result
from .session import Session
from .worker import Worker


def state_of(session: Session, worker: Worker) -> dict[str, object]:
    """Return all that a page shows of a film, beside its pictures."""
    painted, options = session.painted, session.project.options or {}
    names = painted.names()
    task = session.task
    return {
        "changes": session.changes,
        "film": _film(session),
        "painted": {str(n): painted.path(n).stat().st_mtime_ns for n in painted.numbers()},
        "found": _found(session),
        "complete": session.project.complete.split(",") if session.project.complete else [],
        "added": _added(session),
        "task": task and {"number": session.num_tasks, **task.values(worker.place(task))},
        "results": {kind: _result(result) for kind, result in session.results.items()},
        "keys": {"numbers": session.keys.numbers(), "painted": session.keys.painted_numbers()},
        "options": {"grow_percent": session.project.default_grow_percent, **options},
        "wanted": list(session.project.results),
        "problem": session.problem(),
        "command": session.project.command(names) if names or session.project.mask else "",
        "project": str(session.project.file),
        "resumable": journal_folder(session.project.folder / session.project.output).exists(),
        "output": str(session.project.folder / session.project.output),
    }


def _film(session: Session) -> dict[str, object]:
    info, clip = session.clip.info, session.clip
    return {
        "name": stem_of(clip.source) if info.is_folder else clip.source.name,
        "path": str(clip.source),
        "width": info.width,
        "height": info.height,
        "aspect": float(info.aspect),
        "frames": clip.count,
        "rate": float(info.rate),
        "codec": info.codec,
        "depth": info.bit_depth,
        "sound": info.has_audio,
        "folder": info.is_folder,
    }


def _found(session: Session) -> dict[str, object] | None:
    found = session.found
    if found is None:
        return None
    return {
        "kind": found.kind,
        "stale": is_stale(session),
        "first": found.first,
        "confidence": [round(100 * one) for one in found.confidence],
        "repaint": found.repaint,
        "notes": found.notes,
    }


def _added(session: Session) -> dict[str, float] | None:
    """Return what was added, as shares of the picture."""
    added = additions(session)
    return added and added.shares


def _result(result: Result) -> dict[str, object]:
    return {
        "version": result.film.stat().st_mtime_ns if result.film.exists() else 0,
        "start": result.start,
        "count": result.count,
        "verdict": result.verdict,
        "passed": result.passed,
        "unseen": result.unseen,
        "notes": result.notes,
        "outputs": {name: _output(Path(path)) for name, path in result.outputs.items()},
    }


def _output(path: Path) -> dict[str, object]:
    is_file = path.is_file()
    return {
        "name": path.name,
        "path": str(path),
        "bytes": path.stat().st_size if is_file else 0,
        "is_file": is_file,
    }
