"""One file job: reader, masks, engine and writers put together."""

from __future__ import annotations

import json
import logging
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
from .engine.run import Job
from .engine.threads import computing_threads
from .errors import ShapeError
from .file_names import refuse_shared_names
from .journal import Journal
from .masks.boxes import MaskBox, box_masks
from .masks.prepare import EMPTY_MASK, INVERTED_RATIO, binary_hole, inverted_mask, pair_with
from .models.network import Network
from .options import InpaintOptions, LengthPolicy, Mode, VideoOptions
from .report import Report, noting_warnings
from .video.ahead import ReadAhead, WriteBehind, frames_ahead
from .video.clip import FillLayerWriter, MaskWriter
from .video.folder import list_images
from .video.frame import Frame
from .video.image import is_still
from .video.probe import VideoInfo, count_frames, probe
from .video.read import read_frames, read_masks
from .video.write import open_writer
from .weights.load import load_model

_LOG = logging.getLogger(__name__)


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
        _, coverage = self.check_mask(info, hooks)
        network = self._load(model, coverage, report)
        report.model = network.name if network else "none"
        report.notes += network.notes if network else ()
        began = time.monotonic()
        with ExitStack() as last, ExitStack() as stack:
            report.threads = stack.enter_context(computing_threads(self.options.run.threads))
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
                self._from_start(),
                hooks,
                report,
                plates=self.numbered(),
                resume_from=journal.count,
                key_frames_from=journal.key_frames_from,
                num_frames=self.num_frames(info),
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
        report.outputs = [str(p) for p in (self.target, self.fill_layer, self.mask_used) if p]

    def check_names(self) -> None:
        """Refuse outputs that would replace an input or each other; raises VideoError."""
        inputs = [self.source] + ([] if isinstance(self.mask, list) else [self.mask])
        refuse_shared_names(inputs, [self.target, self.fill_layer, self.mask_used])

    def check_mask(self, info: VideoInfo, hooks: Hooks | None = None) -> tuple[int, float]:
        """Compare the mask with the frames, decoding it no further than its first hole.

        Args:
            info: of the source.
            hooks: asked to stop at every mask.

        Returns:
            Number of masks, 0 where boxes stand for any number of frames; fraction of the frame,
            before growing, that the first mask with a hole covers, 0 where none has.

        Raises:
            ShapeError: another size than the frames, or a length that the policy refuses.
            VideoError: the mask cannot be read.
        """
        if isinstance(self.mask, list):
            first = next(box_masks(self.mask, info.height, info.width))
            return 0, max(float(first.mean()), 1e-9)
        number = count_frames(self.mask)
        refused = self.options.mask.length is LengthPolicy.ERROR and number > 1
        if refused and info.num_frames_exact and number != info.num_frames:
            frames = count_frames(self.source)  # headers err, and nobody should redo a right mask
            if number != frames:
                raise ShapeError(
                    f"Expected one mask or {frames} like the frames, got {number}; add or cut "
                    "masks, or choose to hold the last one or to loop."
                )
        coverage = 0.0
        for index, mask in enumerate((hooks or Hooks()).checked(read_masks(self.mask))):
            if tuple(mask.shape[1:]) != (info.height, info.width):
                raise ShapeError(
                    f"Expected a mask of {info.width}x{info.height} like the video, got "
                    f"{mask.shape[2]}x{mask.shape[1]}; resize the mask."
                )
            coverage = float(binary_hole(mask, self.options.mask, index).mean())
            if coverage:
                break
        return number, coverage

    def _load(
        self, model: Network | str | Path | None, coverage: float, report: Report
    ) -> Network | None:
        """Load the network where there is something for it to do."""
        if not 0 < coverage <= INVERTED_RATIO:
            note = inverted_mask(coverage) if coverage else EMPTY_MASK
            report.notes.append(note)
            _LOG.warning("%s", note)
        if not coverage or self.options.mode is Mode.COPY:
            return None
        return model if isinstance(model, Network) else load_model(model)

    def _from_start(self) -> InpaintOptions:
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
            "plates": [
                [sha256(plate.picture.contiguous().numpy().tobytes()).hexdigest(), plate.frame]
                for plate in self.plates
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
        if isinstance(self.mask, list):
            masks = box_masks(self.mask, info.height, info.width, start=start)
            options = replace(self.options.mask, length=LengthPolicy.HOLD)  # boxes never end
            for frame, hole in pair_with(frames, masks, options):
                yield _Step(frame, frame.rgb(), hole)
            return
        # masks are numbered like the frames of the file: those before the range count, and those
        # after it as far as a hole grows in time
        options = self.options.mask
        last = None if end is None else end + options.temporal_gap + options.temporal_grow
        masks = read_masks(self.mask, end=None if is_still(self.mask) else last, strict=strict)
        numbered = chain(repeat(None, start), frames)
        for frame, hole in pair_with(numbered, masks, options, may_outlast=end is not None):
            yield None if frame is None else _Step(frame, frame.rgb(), hole)


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
        self.layer = self.mask = None
        self._picture: Tensor | None = None
        self.is_range = job.video.start > 0
        self.start: Fraction | None = None
        if job.fill_layer is not None:
            self.layer = stack.enter_context(FillLayerWriter(job.fill_layer, rate=info.rate))
        if job.mask_used is not None:
            self.mask = stack.enter_context(MaskWriter(job.mask_used, rate=info.rate))

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
