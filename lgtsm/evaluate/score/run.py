"""Run a score: every method on every case, cases in parallel, cells kept as they are done."""

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
from multiprocessing import get_context
from pathlib import Path

import torch

from ...errors import Cancelled, DeviceError, OptionError
from ..metrics.opencv_baselines import has_opencv, use_one_thread
from ..metrics.published import has_scipy
from .cases import Case, Material, load_case, plan_cases
from .cells import Cells, code_digest, file_digest
from .measure import I3D_KEY, NetworkPaths, Ruler, load_networks
from .methods import Chosen, Kind, Method, run_method
from .motion import motion_errors
from .pictures import Wanted, write_pictures
from .protocols import ProtocolSpec
from .results import Results
from .video_fid import video_distances

Progress = Callable[[int, int, str], None]
_PACKAGES = ("torch", "numpy", "kornia", "opencv-python-headless", "av", "pillow")


@dataclass(frozen=True, kw_only=True)
class ScoreSettings:
    """What to run."""

    protocol: ProtocolSpec
    chosen: Chosen
    out: Path
    """Folder for cells and pictures."""
    data: Path | None = None
    num_frames: int | None = None
    """Of each clip; 0 takes all, None what the protocol says."""
    max_clips: int | None = None
    networks: NetworkPaths = field(default_factory=NetworkPaths)
    """Networks that measure; columns of missing ones are left out."""
    workers: int = 1
    """Processes of one thread each; 1 runs in this process."""
    shown: tuple[str, ...] = ()
    """Methods on the side-by-side films; none makes no pictures."""


@dataclass(frozen=True)
class Outcome:
    """What one case gave."""

    case: dict[str, object] | None
    scores: list[dict[str, object]] = field(default_factory=list)
    excluded: list[dict[str, object]] = field(default_factory=list)


def run_score(
    settings: ScoreSettings,
    *,
    progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Results:
    """Run a score; cells that an earlier run left in the folder are used again.

    Args:
        settings: what to run.
        progress: called as progress(done, total, note), a case at a time.
        cancel: asked between cases; True stops, what was done is kept.

    Returns:
        Every number.

    Raises:
        OptionError: data or methods that cannot be used; DeviceError: a process died; Cancelled; and
        what the clips raise.
    """
    cases = plan_cases(
        settings.protocol,
        settings.data,
        num_frames=settings.num_frames,
        max_clips=settings.max_clips,
    )
    if settings.workers < 1:
        raise OptionError(f"Expected a worker or more, got {settings.workers}; give 1 or more.")
    load_networks(settings.networks)  # a wrong file is told before the work
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
                f"Expected to score {len(cases)} cases, got a stop after {len(outcomes)}; run the "
                "same command again to go on."
            )
    results = _gather(settings, [outcomes[case.name] for case in cases])
    if not results.scores:
        reasons = {str(row["reason"]) for row in results.excluded} or {"no case"}
        raise OptionError(
            f"Expected a case that can be scored, got none ({'; '.join(sorted(reasons))}); give "
            "other clips."
        )
    return results


def _outcomes(settings: ScoreSettings, cases: Sequence[Case]) -> Iterator[tuple[Case, Outcome]]:
    """Yield the outcome of every case as it is ready."""
    # once, before the work: somebody may edit the code while it runs
    codes = {kind: code_digest(kind) for kind in Kind}
    if settings.workers == 1:
        for case in cases:
            yield case, score_case(settings, case, codes)
        return
    # spawn: torch's threads do not survive a fork
    pool = ProcessPoolExecutor(
        settings.workers, mp_context=get_context("spawn"), initializer=_one_thread
    )
    try:
        waiting = {pool.submit(score_case, settings, case, codes): case for case in cases}
        for future in as_completed(waiting):
            yield waiting[future], future.result()
    except BrokenProcessPool as error:
        raise DeviceError(
            f"Expected {settings.workers} processes to live, got one that was killed, as happens "
            "when memory runs out; give fewer --workers and run again to go on."
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _one_thread() -> None:
    # Ctrl-C reaches all processes; the first one alone decides
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
    if has_opencv():
        use_one_thread()


def score_case(settings: ScoreSettings, case: Case, codes: Mapping[Kind, str]) -> Outcome:
    """Run all methods on one case; what the folder holds already is not run again.

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
    if material.flow is not None:  # a rendered shot, whose truth is known too
        facts["motion_errors"] = motion_errors(
            material.masked, material.holes, material.truth, material.flow
        )
    return Outcome(facts, scores, excluded)


def _exclusion(case: Case, method: str | None, reason: str) -> dict[str, object]:
    return {"clip": case.clip.name, "holes": case.rule.name, "method": method, "reason": reason}


class _Runner:
    """All methods on one case; the ruler is made only if some cell is missing."""

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
        paths = settings.networks
        # what measures: networks, optional packages, the published columns
        optional = f"{has_opencv()} {has_scipy()} {settings.protocol.publishes}"
        nets = file_digest(paths.perceptual) + file_digest(paths.i3d) + (paths.lpips or "")
        self._measures = nets + optional
        self._ruler: Ruler | None = None
        self._fresh: dict[str, torch.Tensor] = {}

    def cell(self, method: Method) -> dict[str, object]:
        """Return the row of one method, from the folder or by running it."""
        context = self._codes[method.kind] + self._measures
        key = self.cells.key(method, self.material, context)
        figures = self.cells.read(self.case, method, key)
        if figures is None:
            start = time.perf_counter()
            result, sources = run_method(method, self.material, self.case.name)
            seconds = (time.perf_counter() - start) / len(result)
            figures = self.ruler.measure(result)
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
    def ruler(self) -> Ruler:
        if self._ruler is None:
            networks = load_networks(self.settings.networks)
            publishes = self.settings.protocol.publishes
            self._ruler = Ruler(self.material, networks, publishes=publishes)
        return self._ruler

    def has_pictures(self) -> bool:
        """Tell whether films and sheet of this case are there and nothing was run anew."""
        return not self._fresh and Wanted(self.settings.out, self.case.name).exist()

    def draw(self) -> None:
        """Write the film and the sheet of this case."""
        for method in self.settings.chosen.methods:
            missing = method.name in self.settings.shown and method.name not in self._fresh
            if missing and (method.kind is not Kind.TRUTH or self.material.truth is not None):
                self._fresh[method.name] = run_method(method, self.material, self.case.name)[0]
        write_pictures(Wanted(self.settings.out, self.case.name), self.material, self._fresh)


def _gather(settings: ScoreSettings, outcomes: Sequence[Outcome]) -> Results:
    """Put the outcomes of all cases together."""
    spec = settings.protocol
    excluded = [one for outcome in outcomes for one in outcome.excluded]
    excluded += [
        {"clip": None, "holes": None, "method": text.split(":")[0], "reason": text.split(": ")[1]}
        for text in settings.chosen.left_out
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
        versions=_versions(),
        machine={
            "system": platform.system(),
            "processor": platform.machine(),
            "cpu_capability": torch.backends.cpu.get_cpu_capability(),
            "cores": os.cpu_count(),
            "workers": settings.workers,
        },
    )


def _versions() -> dict[str, str]:
    from ... import __version__

    found = {"lgtsm": __version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "none"
    return found
