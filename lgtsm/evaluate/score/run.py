"""Run a score: every method on every case, cases in parallel, every finished cell kept."""

from __future__ import annotations

import os
import platform
import signal
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import active_children, get_context
from pathlib import Path

import torch

from ...errors import Cancelled, DeviceError, OptionError
from ..metrics.opencv_baselines import has_opencv, use_one_thread
from .cases import Case, Material, load_case, plan_cases
from .cells import Cells, code_digest, file_digest
from .measure import I3D_KEY, Evaluator, NetworkPaths, load_networks
from .methods import Kind, Method, Selection, run_method
from .motion import motion_errors
from .pictures import PicturePaths, write_pictures
from .protocols import ProtocolSpec
from .results import Results, Row
from .video_fid import video_distances

Progress = Callable[[int, int, str], None]
"""Called as progress(done, total, note)."""
_PACKAGES = ("torch", "numpy", "kornia", "opencv-python-headless", "av", "pillow")


@dataclass(frozen=True, kw_only=True)
class ScoreSettings:
    """What to run."""

    protocol: ProtocolSpec
    chosen: Selection
    out: Path
    """Folder for cells and pictures."""
    data: Path | None = None
    num_frames: int | None = None
    """First frames of each clip; 0: all, None: as the protocol."""
    max_clips: int | None = None
    networks: NetworkPaths = field(default_factory=NetworkPaths)
    """Networks behind optional columns."""
    workers: int = 1
    """Single-threaded processes; 1 runs in this process."""
    shown: tuple[str, ...] = ()
    """Methods in the pictures; without any, no pictures are made."""


@dataclass(frozen=True)
class Outcome:
    """Results of one case; `case` is None if it is excluded."""

    case: Row | None
    scores: list[Row] = field(default_factory=list)
    excluded: list[Row] = field(default_factory=list)


def run_score(
    settings: ScoreSettings,
    *,
    progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Results:
    """Run a score; cells that an earlier run left in the folder are reused.

    Args:
        settings: what to run.
        progress: called after every case.
        cancel: polled between cases; True stops the run, finished cells are kept.

    Raises:
        OptionError: the data or methods cannot be used; DeviceError: a process died; Cancelled; and
        errors of reading the clips.
    """
    cases = plan_cases(
        settings.protocol,
        settings.data,
        num_frames=settings.num_frames,
        max_clips=settings.max_clips,
    )
    if settings.workers < 1:
        raise OptionError(f"Expected 1 or more workers, got {settings.workers}; raise --workers.")
    load_networks(settings.networks)  # a wrong file fails before the work
    try:
        settings.out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OptionError(
            f"Expected a folder for the results, got {settings.out} ({error.strerror}); choose "
            "another."
        ) from error
    outcomes: dict[str, Outcome] = {}
    for case, outcome in _outcomes(settings, cases):
        outcomes[case.name] = outcome
        if progress is not None:
            progress(len(outcomes), len(cases), case.name)
        if cancel is not None and cancel():
            raise Cancelled(
                f"Expected to score {len(cases)} cases, got cancelled after {len(outcomes)}; run the "
                "same command again to resume."
            )
    results = _gather(settings, [outcomes[case.name] for case in cases])
    if not results.scores:
        reasons = {str(row["reason"]) for row in results.excluded} or {"no case"}
        raise OptionError(
            f"Expected a case that can be scored, got none ({'; '.join(sorted(reasons))}); use "
            "other clips."
        )
    return results


def _outcomes(settings: ScoreSettings, cases: Sequence[Case]) -> Iterator[tuple[Case, Outcome]]:
    """Yield the outcome of every case as soon as it is ready."""
    # once, before the work, as the code may be edited while it runs
    codes = {kind: code_digest(kind) for kind in Kind}
    if settings.workers == 1:
        for case in cases:
            yield case, score_case(settings, case, codes)
        return
    before, finished = set(active_children()), False
    # spawn: torch's threads do not survive a fork
    pool = ProcessPoolExecutor(
        settings.workers, mp_context=get_context("spawn"), initializer=_one_thread
    )
    try:
        waiting = {pool.submit(score_case, settings, case, codes): case for case in cases}
        for future in as_completed(waiting):
            yield waiting[future], future.result()
        finished = True
    except BrokenProcessPool as error:
        raise DeviceError(
            f"Expected {settings.workers} worker processes, got one that was killed, probably for lack "
            "of memory; lower --workers and run again to resume."
        ) from error
    finally:
        if not finished:  # a case takes minutes, and nobody waits for it after Ctrl-C
            for child in set(active_children()) - before:
                child.terminate()
        pool.shutdown(wait=True, cancel_futures=True)


def _one_thread() -> None:
    # Ctrl-C reaches all processes; only the parent handles it
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    if has_opencv():
        use_one_thread()


def score_case(settings: ScoreSettings, case: Case, codes: Mapping[Kind, str]) -> Outcome:
    """Run all methods on one case, except for cells that the folder holds already.

    Args:
        settings: the run.
        case: which.
        codes: digest of the code that each kind of method depends on.
    """
    material = load_case(case)
    if isinstance(material, str):
        return Outcome(None, excluded=[_exclusion(case, None, material)])
    runner = _Runner(settings, case, material, codes)
    scores, excluded = [], []
    for method in settings.chosen.methods:
        if method.kind is Kind.TRUTH and material.truth is None:
            excluded.append(_exclusion(case, method.name, "no truth"))
            continue
        scores.append(runner.cell(method))
    if settings.shown and not runner.has_pictures():
        runner.draw()
    facts = material.facts(case)
    facts["floor_mse"], facts["floor_here_mse"] = material.floor, material.floor_here
    if material.flow is not None and material.truth is not None:
        facts["motion_errors"] = motion_errors(
            material.masked, material.holes, material.truth, material.flow
        )
    return Outcome(facts, scores, excluded)


def _exclusion(case: Case, method: str | None, reason: str) -> Row:
    return {"clip": case.clip.name, "holes": case.rule.name, "method": method, "reason": reason}


class _Runner:
    """All methods on one case; the evaluator is made only if a cell is missing."""

    def __init__(
        self,
        settings: ScoreSettings,
        case: Case,
        material: Material,
        codes: Mapping[Kind, str],
    ) -> None:
        self.settings, self.case, self.material = settings, case, material
        self._codes = codes
        self.cells = Cells(settings.out / "cells")
        self._pictures = PicturePaths(settings.out, case.name)
        paths = settings.networks
        # what the columns depend on: networks, optional packages, the published columns
        nets = file_digest(paths.perceptual) + file_digest(paths.i3d) + (paths.lpips or "")
        self._context = f"{nets}{has_opencv()} {settings.protocol.publishes}"
        self._evaluator: Evaluator | None = None
        self._fresh: dict[str, torch.Tensor] = {}

    def cell(self, method: Method) -> Row:
        """Return the row of one method, from the folder or by running it."""
        context = self._codes[method.kind] + self._context
        key = self.cells.key(method, self.material, context)
        figures = self.cells.read(self.case, method, key)
        if figures is None:
            start = time.perf_counter()
            result, sources = run_method(method, self.material, self.case.name)
            seconds = (time.perf_counter() - start) / len(result)
            figures = self.evaluator.measure(result)
            measured = method.kind in (Kind.OURS, Kind.SIMPLE)
            figures["seconds_per_frame"] = seconds if measured else None
            if sources:
                figures["sources"] = sources
            self.cells.write(self.case, method, key, figures)
            if method.name in self.settings.shown:
                self._fresh[method.name] = result
        names = {"clip": self.case.clip.name, "holes": self.case.rule.name, "method": method.name}
        return names | figures

    @property
    def evaluator(self) -> Evaluator:
        if self._evaluator is None:
            networks = load_networks(self.settings.networks)
            publishes = self.settings.protocol.publishes
            self._evaluator = Evaluator(self.material, networks, publishes=publishes)
        return self._evaluator

    def has_pictures(self) -> bool:
        """Whether the pictures of this case exist and no method was run again."""
        return not self._fresh and self._pictures.exist()

    def draw(self) -> None:
        """Write the film and the sheet of this case."""
        for method in self.settings.chosen.methods:
            missing = method.name in self.settings.shown and method.name not in self._fresh
            if missing and (method.kind is not Kind.TRUTH or self.material.truth is not None):
                self._fresh[method.name] = run_method(method, self.material, self.case.name)[0]
        write_pictures(self._pictures, self.material, self._fresh)


def _gather(settings: ScoreSettings, outcomes: Sequence[Outcome]) -> Results:
    """Combine the outcomes of all cases."""
    spec = settings.protocol
    excluded = [one for outcome in outcomes for one in outcome.excluded]
    excluded += [
        {"clip": None, "holes": None, "method": name, "reason": reason}
        for name, reason in settings.chosen.left_out
    ]
    cases = [outcome.case for outcome in outcomes if outcome.case is not None]
    scores = [row for outcome in outcomes for row in outcome.scores]
    features = [row.pop(I3D_KEY, None) for row in scores]
    video_fid, too_few = [], []
    if settings.networks.i3d is not None:
        video_fid, too_few = video_distances(cases, scores, features)
    return Results(
        protocol={
            "name": spec.name,
            "text": spec.text,
            "comparable": spec.comparable,
            "frames": settings.num_frames if settings.num_frames is not None else spec.num_frames,
            "size": None if spec.size is None else [spec.size[1], spec.size[0]],
        },
        methods={method.name: method.facts() for method in settings.chosen.methods},
        cases=cases,
        scores=scores,
        video_fid=video_fid,
        excluded=excluded + too_few,
        versions=versions(),
        machine={
            "system": platform.system(),
            "processor": platform.machine(),
            "cpu_capability": torch.backends.cpu.get_cpu_capability(),
            "cores": os.cpu_count(),
            "workers": settings.workers,
        },
    )


def versions() -> dict[str, str]:
    """Return the versions of this package and of those that the figures depend on."""
    from ... import __version__

    found = {"lgtsm": __version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found
