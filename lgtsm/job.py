"""One file job: reader, masks, engine and writers put together."""

from __future__ import annotations

import json
import time
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from functools import partial
from hashlib import sha256
from itertools import chain, repeat
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from . import __version__
from .copying.plates import Plate
from .engine.composing import Patch
from .engine.hooks import Hooks
from .engine.policy import choose_device
from .engine.run import Job
from .engine.threads import computing_threads
from .file_names import refuse_shared_names
from .journal import Journal
from .mask_source import MaskSource
from .masks.boxes import MaskBox
from .masks.overlay import compare
from .masks.prepare import pair_with
from .models.network import Network
from .options import InpaintOptions, Mode, VideoOptions
from .report import Report, noting_warnings
from .video.ahead import ReadAhead, WriteBehind, frames_ahead
from .video.clip import FillLayerWriter, MaskWriter, PictureWriter
from .video.folder import list_images
from .video.frame import Frame
from .video.probe import VideoInfo, probe
from .video.read import read_frames
from .video.write import open_writer
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
        report = Report()
        with noting_warnings(report):
            self._run(model, hooks, report)
        return report

    def _run(self, model: Network | str | Path | None, hooks: Hooks, report: Report) -> None:
        self.check_names()
        info = probe(self.source, rate=self.video.rate)
        _, coverage = self.check_mask(info, hooks, report.notes)
        network = self._load(model, coverage)
        report.model = network.name if network else "none"
        report.notes += network.notes if network else ()
        began = time.monotonic()
        with ExitStack() as last, ExitStack() as stack:
            report.threads = stack.enter_context(computing_threads(self.options.run.threads))
            loaded = self.load_synthesiser(report.threads)
            report.synthesiser, report.synthesiser_sha256 = loaded.name, loaded.sha256
            # writers first: a target that cannot be written must not cost an older journal
            sinks = _Sinks(self, info, stack)
            journal = Journal(self.target, self.identity(network), resume=self.video.resume)
            last.push(journal.leave)  # kept until the writers have closed their files
            report.resumed_from = journal.count
            ahead = frames_ahead(info.height, info.width)
            # last, so that both threads are over before files are finished or removed
            behind = stack.enter_context(WriteBehind(ahead))
            steps = stack.enter_context(ReadAhead(self._steps(info), ahead))
            work = _Work(sinks, behind, journal, hooks)
            job = Job(
                network,
                self.from_start(),
                hooks,
                report,
                plates=self.numbered(),
                resume_from=journal.count,
                key_frames_from=journal.key_frames_from,
                num_frames=self.num_frames(info),
                synthesiser=loaded.synthesiser,
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
        report.close(began)
        outputs = (self.target, self.fill_layer, self.mask_used, self.compare)
        report.outputs = [str(p) for p in outputs if p]

    def check_names(self) -> None:
        """Refuse outputs that would replace an input or each other; raises VideoError."""
        inputs = [self.source] + ([] if isinstance(self.mask, list) else [self.mask])
        refuse_shared_names(inputs, [self.target, self.fill_layer, self.mask_used, self.compare])

    def check_mask(
        self, info: VideoInfo, hooks: Hooks | None = None, notes: list[str] | None = None
    ) -> tuple[int, float]:
        """Compare the mask of the source described by `info` with its frames; see `MaskSource.check`."""
        masks = MaskSource(self.mask, self.options.mask, info, self.source)
        return masks.check(hooks or Hooks(), [] if notes is None else notes)

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

    def _steps(self, info: VideoInfo) -> Iterator[_Step | None]:
        """Yield frames, and None for every mask before the range, so that cancelling works there."""
        start, end = self.video.start, self.video.end
        strict = self.video.strict
        frames = read_frames(self.source, start=start, end=end, rate=self.video.rate, strict=strict)
        source = MaskSource(self.mask, self.options.mask, info, self.source)
        masks, options, before = source.read(start, end, strict=strict)
        numbered = chain(repeat(None, before), frames)
        for frame, hole in pair_with(numbered, masks, options, may_outlast=end is not None):
            yield None if frame is None else _Step(frame, frame.rgb(), hole)


def _digest(values: Tensor | None) -> str:
    if values is None:
        return ""
    return sha256(values.contiguous().cpu().numpy().tobytes()).hexdigest()


class _Step(NamedTuple):
    """What the reading thread makes: a frame, its pixels (3,H,W) in [0,1], its hole (1,H,W)."""

    frame: Frame
    pixels: Tensor
    hole: Tensor


class _Sinks:
    """The writers of one job, opened before any work so that a bad target fails at once."""

    def __init__(self, job: FileJob, info: VideoInfo, stack: ExitStack) -> None:
        self.main = stack.enter_context(
            open_writer(job.target, job.source, options=job.video, rate=job.video.rate)
        )
        self.layer = self.mask = self.comparison = None
        self._compare_as, self._num_compared = job.video.compare_as, 0
        self._picture: Tensor | None = None
        self.is_range = job.video.start > 0
        self.start: Fraction | None = None
        if job.fill_layer is not None:
            self.layer = stack.enter_context(FillLayerWriter(job.fill_layer, rate=info.rate))
        if job.mask_used is not None:
            self.mask = stack.enter_context(MaskWriter(job.mask_used, rate=info.rate))
        if job.compare is not None:
            self.comparison = stack.enter_context(PictureWriter(job.compare, rate=info.rate))

    def write(self, frame: Frame, hole: Tensor, patch: Patch) -> None:
        """Write one frame everywhere; of a frame its native samples are enough."""
        pixels = self._filled(frame, hole, patch)
        self.main.write(frame, pixels, hole)
        if self.start is None:
            self.start = frame.time if self.is_range else Fraction(0)
        # the main file of a range starts at 0, so the others must
        frame = replace(frame, time=frame.time - self.start)
        if self.layer is not None:
            self.layer.write(frame, pixels, hole)
        if self.mask is not None:
            self.mask.write(hole, time=frame.time, time_base=frame.native.time_base)
        if self.comparison is not None:
            before = frame.rgb()
            after = torch.where(hole, pixels, before)
            shown = compare(before[None], after[None], self._compare_as, first=self._num_compared)[
                0
            ]
            self.comparison.write(shown, time=frame.time, time_base=frame.native.time_base)
            self._num_compared += 1

    def _filled(self, frame: Frame, hole: Tensor, patch: Patch) -> Tensor:
        """Return (3,H,W) with the patch in it; void after the next frame.

        Pixels around the patch are made from the samples only for the layer, which reads some.
        """
        if self.layer is not None or (patch.box is None and bool(hole.any())):
            pixels = frame.rgb()
        else:
            if self._picture is None:
                self._picture = torch.zeros(3, *hole.shape[1:])
            pixels = self._picture
        if patch.box is not None and patch.pixels is not None:
            pixels[:, patch.box.rows, patch.box.columns] = patch.pixels
        return pixels


class _Work:
    """Frames on their way: fed to the engine, kept until their patch is there, then written."""

    def __init__(self, sinks: _Sinks, behind: WriteBehind, journal: Journal, hooks: Hooks) -> None:
        self.sinks, self.behind, self.journal, self.hooks = sinks, behind, journal, hooks
        self.waiting: deque[tuple[Frame, Tensor]] = deque()

    def feed(self, steps: Iterable[_Step | None]) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (frame, hole) for the engine; frames that the journal has are written at once."""
        for index, (frame, pixels, hole) in enumerate(filter(None, self.hooks.checked(steps))):
            if index < self.journal.count:
                self._write(frame, hole.bool(), self.journal.patch(index, pixels, hole))
            else:
                # many frames wait for later ones; a patch is written over their native samples
                self.waiting.append((frame, hole.bool()))
            yield pixels, hole

    def take(self, patch: Patch) -> Tensor:
        """Write the frame that a patch belongs to; return its hole (1,H,W) bool."""
        frame, hole = self.waiting.popleft()
        self._write(frame, hole, patch)
        return hole

    def _write(self, frame: Frame, hole: Tensor, patch: Patch) -> None:
        """Hand one frame to the writers."""
        self.behind.put(partial(self.sinks.write, frame, hole, patch))
