"""One file job: reader, masks, engine and writers put together."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from itertools import chain, repeat
from pathlib import Path
from typing import NamedTuple

from torch import Tensor

from . import __version__
from .copying.plates import Plate
from .engine.composing import Patch
from .engine.hooks import Hooks
from .engine.policy import choose_device
from .engine.run import Job
from .engine.threads import computing_threads
from .errors import Cancelled, VideoError
from .file_names import refuse_shared_names
from .journal import Journal
from .mask_source import MaskSource
from .masks.boxes import MaskBox
from .masks.prepare import pair_with
from .models.network import Network
from .options import InpaintOptions, Mode, VideoOptions
from .report import Report, noting_warnings
from .sinks import OutputFiles, PatchStore, Sinks, Step, Work
from .video.ahead import ReadAhead, WriteBehind, frames_ahead
from .video.folder import list_images
from .video.frame import Frame
from .video.probe import VideoInfo, count_frames, probe
from .video.read import read_frames
from .weights.load import load_model
from .weights.neighbours import load_neighbours, neighbour_digests
from .weights.synthesiser import LoadedSynthesiser, load_synthesiser, synthesiser_digest


@dataclass(kw_only=True)
class FileJob:
    """Fill the holes of one file; see `api.inpaint_video` for the fields."""

    source: Path
    mask: Path | list[MaskBox]
    target: Path
    options: InpaintOptions
    video: VideoOptions
    fill_layer: Path | None = None
    mask_used: Path | None = None
    compare: Path | None = None
    plates: tuple[Plate, ...] = ()

    def run(self, model: Network | str | Path | None, hooks: Hooks) -> Report:
        """Do the job.

        Args:
            model: a network, a name, a path or None; loaded only when there is something to fill.
            hooks: progress and cancellation.

        Returns:
            Its figures.
        """
        with self._ready(model, hooks) as ready, ExitStack() as last, ExitStack() as stack:
            # writers first: a target that cannot be written must not cost an older journal
            sinks = Sinks(self.outputs, self.source, self.video, ready.info, stack)
            journal = Journal(self.target, self.identity(ready.network), resume=self.video.resume)
            last.push(journal.leave)  # kept until the writers have closed their files
            self._fill(ready, journal, sinks.write, stack)
        ready.report.outputs = [str(path) for path in self.outputs.named()]
        return ready.report

    def compute(self, model: Network | str | Path | None, hooks: Hooks, journal: Journal) -> Report:
        """Compute the patches alone, into a journal that the caller closes; no output is written.

        Args:
            model: as in `run`.
            hooks: as in `run`.
            journal: receives every patch; those that it has are not computed again.

        Returns:
            The figures.
        """
        with self._ready(model, hooks) as ready, ExitStack() as stack:
            self._fill(ready, journal, None, stack)
        return ready.report

    def write(self, hooks: Hooks, store: PatchStore) -> Report:
        """Write the outputs from the patches of all frames; nothing is computed.

        Args:
            hooks: progress and cancellation.
            store: the patches.

        Returns:
            The figures of the writing.

        Raises:
            VideoError: the range holds more or fewer frames than the store.
        """
        report = Report()
        with noting_warnings(report):
            self.check_names()
            info = probe(self.source, rate=self.video.rate)
            began, num_frames = time.monotonic(), 0
            with ExitStack() as stack:
                sinks = Sinks(self.outputs, self.source, self.video, info, stack)
                work, steps = self._work(info, store, sinks.write, hooks, stack)
                for _ in work.feed(steps):
                    num_frames += 1
                    hooks.report(num_frames, store.count, "writing")
                if num_frames != store.count:
                    raise VideoError(
                        f"Expected {store.count} frames in {self.source} as when they were filled, got "
                        f"{num_frames}; do the job anew."
                    )
            report.frames = num_frames
            report.close(began)
        report.outputs = [str(path) for path in self.outputs.named()]
        return report

    @property
    def outputs(self) -> OutputFiles:
        """Return the files that the job writes."""
        return OutputFiles(
            target=self.target,
            fill_layer=self.fill_layer,
            mask_used=self.mask_used,
            compare=self.compare,
        )

    @contextmanager
    def _ready(self, model: Network | str | Path | None, hooks: Hooks) -> Iterator[_Ready]:
        """Check the files, load what fills them, and set the threads; the report is closed at the end."""
        report = Report()
        with noting_warnings(report):
            self.check_names()
            info = probe(self.source, rate=self.video.rate)
            _, coverage = self.check_mask(info, hooks, report.notes)
            network = self._load(model, coverage)
            report.model = network.name if network else "none"
            report.notes += network.notes if network else ()
            began = time.monotonic()
            with computing_threads(self.options.run.threads) as report.threads:
                synthesiser = self.load_synthesiser(report.threads)
                report.synthesiser, report.synthesiser_sha256 = synthesiser.name, synthesiser.sha256
                yield _Ready(info, network, synthesiser, hooks, report)
            report.close(began)

    def _work(
        self,
        info: VideoInfo,
        store: PatchStore,
        write: Callable[[Frame, Tensor, Patch], None] | None,
        hooks: Hooks,
        stack: ExitStack,
    ) -> tuple[Work, ReadAhead[Step | None]]:
        """Start the threads that write and read; the stack ends them."""
        ahead = frames_ahead(info.height, info.width)
        # last, so that both threads are over before files are finished or removed
        behind = stack.enter_context(WriteBehind(ahead))
        steps = stack.enter_context(ReadAhead(self._steps(info), ahead))
        return Work(write, behind, store, hooks), steps

    def _fill(
        self,
        ready: _Ready,
        journal: Journal,
        write: Callable[[Frame, Tensor, Patch], None] | None,
        stack: ExitStack,
    ) -> None:
        """Compute the patches that the journal lacks, and hand all frames to `write`."""
        report, info = ready.report, ready.info
        report.resumed_from = journal.count
        work, steps = self._work(info, journal, write, ready.hooks, stack)
        job = Job(
            ready.network,
            self.from_start(),
            ready.hooks,
            report,
            plates=self.numbered(),
            resume_from=journal.count,
            key_frames_from=journal.key_frames_from,
            num_frames=self.num_frames(info),
            synthesiser=ready.synthesiser.synthesiser,
            neighbours=load_neighbours(self.options),
        )
        filled = None
        for patch in job.run(work.feed(steps)):
            filled = filled if patch.box is None else patch.box | filled
            journal.add(patch, work.take(patch))
        report.frames += report.resumed_from
        if filled is not None:  # of the frames that were computed in this run
            report.crop = (filled.left, filled.top, filled.width, filled.height)
        report.shots = [first + self.video.start for first in report.shots]

    def check_names(self) -> None:
        """Refuse outputs that would replace an input or each other; raises VideoError."""
        inputs = [self.source] + ([] if isinstance(self.mask, list) else [self.mask])
        refuse_shared_names(inputs, self.outputs.named())

    def check_mask(
        self, info: VideoInfo, hooks: Hooks | None = None, notes: list[str] | None = None
    ) -> tuple[int, float]:
        """Compare the mask of the source described by `info` with its frames; see `MaskSource.check`."""
        masks = MaskSource(self.mask, self.options.mask, info, self.source)
        return masks.check(hooks or Hooks(), [] if notes is None else notes)

    def check_mask_within(
        self, info: VideoInfo, seconds: float, hooks: Hooks
    ) -> tuple[int, float | None]:
        """As `check_mask`, but give up the search for the first hole after some seconds.

        Returns:
            Number of masks, 0 where boxes stand for any number of frames; the coverage, None where the first
            hole was not found in time.

        Raises:
            As `check_mask`; Cancelled: the caller asked to stop.
        """
        late = time.monotonic() + seconds
        try:
            return self.check_mask(
                info, Hooks(None, lambda: time.monotonic() > late or hooks.asked())
            )
        except Cancelled:
            hooks.check()
            number = 0 if isinstance(self.mask, list) else count_frames(self.mask, self.source)
            return number, None

    def _load(self, model: Network | str | Path | None, coverage: float) -> Network | None:
        """Load the network where there is something for it to do."""
        if not coverage or self.options.mode is Mode.COPY:
            return None
        return model if isinstance(model, Network) else load_model(model)

    def load_synthesiser(self, threads: int = 0) -> LoadedSynthesiser:
        """Load and try what synthesises; see `weights.synthesiser.load_synthesiser`."""
        return load_synthesiser(self.options, choose_device(self.options.run.device), threads)

    def from_start(self) -> InpaintOptions:
        """Return the options with cuts counted from the first frame of the range."""
        if self.options.cuts is None:
            return self.options
        cuts = tuple(c - self.video.start for c in self.options.cuts if c > self.video.start)
        return replace(self.options, cuts=cuts)

    def numbered(self) -> list[Plate]:
        """Return the plates with frames counted from the first one of the range."""
        return [
            replace(plate, frame=None if plate.frame is None else plate.frame - self.video.start)
            for plate in self.plates
        ]

    def identity(self, network: Network | None) -> dict[str, object]:
        """Return everything the written files depend on, as JSON values.

        Equal identities mean the same job: what an interrupted one has left may be used. Device,
        chunk and threads are left out, since they change no more than rounding does.
        """
        named = [self.source] + ([] if isinstance(self.mask, list) else [self.mask])
        # only pictures of a folder: the output and its journal may be in it, too
        files = [f for p in named for f in (list_images(p) if p.is_dir() else [p])]
        options = asdict(self.options)
        del options["synthesiser"]  # the same file may have several names
        options["neighbours"] = [self.options.neighbours.carry, *neighbour_digests(self.options)]
        run, video = options.pop("run"), asdict(self.video)
        for ignored in ("device", "chunk", "threads"):
            del run[ignored]
        for ignored in ("resume", "strict"):
            del video[ignored]
        identity = {
            "version": __version__,
            "files": [[str(p.resolve()), p.stat().st_size, p.stat().st_mtime_ns] for p in files],
            "boxes": [asdict(b) for b in self.mask] if isinstance(self.mask, list) else [],
            "options": options | {"run": run},
            "video": video,
            "model": "" if network is None else network.digest(),
            "synthesiser": synthesiser_digest(self.options),
            "plates": [
                [*map(_digest, (plate.picture, plate.mask)), plate.frame] for plate in self.plates
            ],
        }
        return json.loads(json.dumps(identity, default=str))

    def num_frames(self, info: VideoInfo) -> int:
        """Return how many frames the range holds, as far as the file says."""
        return max(0, min(self.video.end or info.num_frames, info.num_frames) - self.video.start)

    def pairs(self, info: VideoInfo) -> Iterator[tuple[Tensor, Tensor]]:
        """Read frames (3,H,W) in [0,1] with their holes (1,H,W)."""
        return ((step.pixels, step.hole) for step in self._steps(info) if step is not None)

    def _steps(self, info: VideoInfo) -> Iterator[Step | None]:
        """Yield frames, and None for every mask before the range, so that cancelling works there."""
        start, end = self.video.start, self.video.end
        strict = self.video.strict
        frames = read_frames(self.source, start=start, end=end, rate=self.video.rate, strict=strict)
        source = MaskSource(self.mask, self.options.mask, info, self.source)
        masks, options, before = source.read(start, end, strict=strict)
        numbered = chain(repeat(None, before), frames)
        for frame, hole in pair_with(numbered, masks, options, may_outlast=end is not None):
            yield None if frame is None else Step(frame, frame.rgb(), hole)


def _digest(values: Tensor | None) -> str:
    if values is None:
        return ""
    return sha256(values.contiguous().cpu().numpy().tobytes()).hexdigest()


class _Ready(NamedTuple):
    """Everything a fill needs besides its frames."""

    info: VideoInfo
    network: Network | None
    synthesiser: LoadedSynthesiser
    hooks: Hooks
    report: Report
