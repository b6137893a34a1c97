"""How much of a job is done: frames pass three stages, which lie far apart in a short clip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from ..models.network import Network
from ..options import InpaintOptions, Mode, Motion
from .hooks import Hooks


class Stage(Enum):
    """What a frame passes, in order."""

    READ = auto()
    """It is read, and its motion measured."""
    COPY = auto()
    """Pixels of other frames are copied into it."""
    FILL = auto()
    """The network and the composition are over."""


class Work:
    """Counts the frames that passed each stage, and tells the caller the sum in whole frames.

    Args:
        hooks: told after every step.
        num_frames: of the job; 0 where it is unknown.
        options: of the job.
        network: of the job.
        resume_from: frames before this one were filled by an earlier run.
    """

    def __init__(
        self,
        hooks: Hooks,
        num_frames: int,
        options: InpaintOptions,
        network: Network | None,
        resume_from: int,
    ) -> None:
        self._hooks, self._total = hooks, num_frames
        # of the time of a frame, measured on the demo scene; the published networks are larger
        fill = 1 if network is None else 3 if network.spec.starts_from_fill else 20
        self._shares = {Stage.READ: 1, Stage.COPY: 6, Stage.FILL: fill}
        if options.mode is Mode.FILL or not (options.source_frames and options.reach):
            del self._shares[Stage.COPY]
        is_measured = Stage.COPY in self._shares and options.motion is not Motion.NONE
        self._notes = {
            Stage.READ: "measuring motion" if is_measured else "reading",
            Stage.COPY: "copying",
            Stage.FILL: "filling",
        }
        self._passed = {s: 0 if s is Stage.READ else resume_from for s in self._shares}

    def passed(self, stage: Stage, index: int) -> None:
        """Count all frames up to `index` as past a stage."""
        if stage not in self._shares:
            return
        self._passed[stage] = max(self._passed[stage], index + 1)
        if self._total:  # headers err
            self._total = max(self._total, index + 1)
        done = sum(share * self._passed[s] for s, share in self._shares.items())
        self._hooks.report(done // sum(self._shares.values()), self._total, self._notes[stage])

    def of_shot(self, first: int) -> ShotWork:
        """Return the work of a shot whose frame 0 is frame `first` of the job."""
        return ShotWork(self, first, self._hooks.check)

    def finish(self, num_frames: int) -> None:
        """Tell that all frames are done, however many were expected."""
        self._total = num_frames
        self._passed = dict.fromkeys(self._shares, num_frames)
        self.passed(Stage.FILL, num_frames - 1)


@dataclass(frozen=True)
class ShotWork:
    """The work of one shot, with its own numbers of frames.

    check: stops the job when the caller asks for it.
    """

    work: Work
    first: int
    check: Callable[[], None]

    def passed(self, stage: Stage, t: int) -> None:
        """Count all frames of the shot up to `t` as past a stage."""
        self.work.passed(stage, self.first + t)
