"""A stream of frames and holes through the engine, shot by shot: patches come out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import torch
from torch import Tensor

from ..box import hole_box
from ..copying.blending import SOURCES
from ..copying.key_frames import Backdrop, KeyFrames
from ..copying.plates import PlacedPlate, Plate, check_plate, resize_picture
from ..copying.source_frames import Search
from ..errors import ShapeError
from ..models.neighbours.roles import Neighbours
from ..models.network import Network
from ..models.painter import PainterNetwork
from ..models.spec import SMOOTHING_FRAMES
from ..options import InpaintOptions, Mode, Unseen
from ..report import Report
from ..synthesis.complete import complete
from ..synthesis.synthesiser import Synthesiser
from .carrying import paint_guided
from .composing import Patch, ShotComposer
from .cuts import CutDetector
from .filling import Filled, ShotFiller
from .fitting import plan_fit, to_working
from .hooks import Hooks
from .painting import Painter
from .policy import choose_policy
from .progress import Stage, Work

_BORDER_PX = 3
"""Working pixels around a hole's box that enlarging to source size may read (bicubic: 2)."""


def check_frame(frame: Tensor, hole: Tensor, index: int) -> None:
    """Check one frame and its hole.

    Args:
        frame: should be (3,H,W) float, finite, in [0,1].
        hole: should be (1,H,W).
        index: its number, for the message.

    Raises:
        ShapeError: anything else.
    """
    if frame.dim() != 3 or frame.shape[0] != 3 or not frame.is_floating_point():
        raise ShapeError(
            f"Expected frames (3,H,W) as floats, got {tuple(frame.shape)} of {frame.dtype} at "
            f"frame {index}; convert to RGB floats in 0..1."
        )
    if tuple(hole.shape) != (1, *frame.shape[1:]):
        raise ShapeError(
            f"Expected a hole of shape (1,{frame.shape[1]},{frame.shape[2]}) at frame {index}, got "
            f"{tuple(hole.shape)}; resize the mask to the frames."
        )
    low, high = torch.aminmax(frame)
    if not (torch.isfinite(low) and torch.isfinite(high)):
        raise ShapeError(
            f"Expected finite numbers, found NaN or infinity in frame {index}; check where the "
            "frames come from."
        )
    if low < -1e-3 or high > 1 + 1e-3:
        raise ShapeError(
            f"Expected values in 0..1, got {float(low):.3g}..{float(high):.3g} in frame {index}; "
            "divide bytes by 255."
        )


@dataclass(frozen=True)
class _Shot:
    """The shot that is being filled."""

    first: int
    filler: ShotFiller
    composer: ShotComposer


@dataclass(frozen=True)
class Job:
    """One stream of frames through the engine.

    network: the network; None is only allowed in copy mode.
    options: mode, soft edge, source frames, cuts, run; the mask is not grown here.
    hooks: progress and cancellation.
    report: sizes are written into it at the beginning, figures of a shot at the shot's end.
    plates: pictures of what is behind the holes; see `Plate`.
    resume_from: first frame whose patch is wanted; earlier frames are computed only as far as they
        influence it. A plate without a frame number is searched from there.
    key_frames_from: first frame that may be a key frame; see `Patch.depends_from`. What key frames
        synthesise is carried through their whole shot, so all is computed from there.
    num_frames: of the stream, for the progress; 0 is unknown.
    synthesiser: completes the key frames; None leaves them open, and their patches tell what no frame
        shows.
    neighbours: networks that align frames and carry key frames.
    """

    network: Network | None
    options: InpaintOptions
    hooks: Hooks
    report: Report
    plates: Sequence[Plate] = ()
    resume_from: int = 0
    key_frames_from: int = 0
    num_frames: int = 0
    synthesiser: Synthesiser | None = complete
    neighbours: Neighbours = field(default_factory=Neighbours)

    def run(self, pairs: Iterable[tuple[Tensor, Tensor]]) -> Iterator[Patch]:
        """Yield one patch a frame, in order.

        Args:
            pairs: frames (3,H,W) float in [0,1], all of one size, each with its hole (1,H,W),
                0 or 1, 1 = hole.

        Raises:
            ShapeError: values or sizes that do not fit; Cancelled: the caller asked to stop.
        """
        running: _Running | None = None
        for index, (frame, hole) in enumerate(pairs):
            self.hooks.check()
            check_frame(frame, hole, index)
            with torch.inference_mode():
                running = running or _Running(self, (frame.shape[1], frame.shape[2]))
            yield from running.counted(running.push(frame, hole))
        if running is not None:
            yield from running.counted(running.finish())
            running.work.finish(running.num_pushed)


class _Running:
    """A job whose frame size is known, so that everything can be decided."""

    def __init__(self, job: Job, size: tuple[int, int]) -> None:
        self.job, self.report = job, job.report
        run, mode = job.options.run, job.options.mode
        self.network = network = None if mode is Mode.COPY else job.network
        self.plates = () if mode is Mode.FILL else job.plates
        past = network.spec.trunk.context[0] if network else 0
        self.first_computed = job.resume_from - past - job.options.reach - SMOOTHING_FRAMES
        if job.options.synthesises:
            self.first_computed = min(self.first_computed, job.key_frames_from)
        self.fit = fit = plan_fit(
            size, max_side=run.max_side, multiple=network.multiple if network else 4
        )
        self.policy = choose_policy(run, fit.padded, network.passed_dtypes if network else ())
        self.work = Work(job.hooks, job.num_frames, job.options, network, job.resume_from)
        self.shot: _Shot | None = None
        self._detector = CutDetector() if job.options.cuts is None else None
        self._cuts = frozenset(job.options.cuts or ())
        self.num_pushed = self._num_hole_pixels = self._num_filled = 0
        self._source_fractions: dict[str, float] = {}
        self._open_places: dict[int, Tensor] = {}
        for plate in self.plates:
            check_plate(plate, size)
        self.report.size = (fit.source[1], fit.source[0])
        self.report.working_size = (fit.working[1], fit.working[0])
        if fit.resized:
            self.report.notes.append(
                f"filled at {fit.working[1]}x{fit.working[0]} and enlarged; copies keep the "
                "source's detail, what the network paints is as soft as that"
            )
        self._describe_policy()

    def _describe_policy(self) -> None:
        self.report.device = str(self.policy.device)
        self.report.dtype = str(self.policy.dtype).removeprefix("torch.")
        self.report.chunk = self.policy.chunk

    def counted(self, patches: Iterator[Patch]) -> Iterator[Patch]:
        """Yield patches of `push` or `finish` one by one, each as soon as it is made."""
        while True:
            # not across the yield: what the caller does with a patch is not ours
            with torch.inference_mode():
                patch = next(patches, None)
            if patch is None:
                return
            yield patch
            self.work.passed(Stage.FILL, patch.index)

    def push(self, frame: Tensor, hole: Tensor) -> Iterator[Patch]:
        """Add the next frame (3,H,W) and its hole (1,H,W); yield patches that are finished."""
        index, size = self.num_pushed, (frame.shape[1], frame.shape[2])
        if size != self.fit.source:
            raise ShapeError(
                f"Expected all frames to be {self.fit.source[1]}x{self.fit.source[0]}, got "
                f"{size[1]}x{size[0]} at frame {index}; split the clip there."
            )
        # the detector must see every frame; it is absent where the user names the cuts
        is_cut = self._detector.is_cut(frame, hole) if self._detector else index in self._cuts
        if self.shot is None or is_cut:
            yield from self._end_shot()
            self.report.shots.append(index)
            self.shot = self._new_shot()
        self.num_pushed += 1
        self._num_hole_pixels += int(hole.sum())
        self.report.frames_with_holes += hole_box(hole) is not None
        if index >= self.first_computed:
            working, working_hole = to_working(frame, hole, self.fit)
            self.shot.composer.push(index, frame, hole, working)
            yield from self._patches(self.shot, self.shot.filler.push(working, working_hole))

    def finish(self) -> Iterator[Patch]:
        """Yield the patches of the frames that were waiting for later ones."""
        yield from self._end_shot()
        area = self.fit.source[0] * self.fit.source[1]
        self.report.coverage = self._num_hole_pixels / (self.num_pushed * area)

    def _new_shot(self) -> _Shot:
        options, network = self.job.options, self.network
        is_causal = network is not None and network.spec.trunk.shift.causal
        window = (options.reach, 0 if is_causal else options.reach)
        aligner = self.job.neighbours.aligner
        if aligner is not None:
            aligner = aligner.to(self.policy.device)
        wanted = Search.of(options.motion, window, options.source_frames, options.flow, aligner)
        search = Search((), (0, 0), 0) if options.mode is Mode.FILL else wanted
        if isinstance(network, PainterNetwork):
            network = Painter(network.to(self.policy.device), wanted, aligner)
        filler = ShotFiller(
            network,
            self.fit.padded,
            policy=self.policy,
            search=search,
            backdrop=Backdrop(self._placed_plates(), self._key_frames(search.window)),
            border_px=_BORDER_PX if self.fit.resized else 0,
            work=self.work.of_shot(self._first()),
        )
        composer = ShotComposer(
            self.fit,
            feather_px=options.soft_edge_px,
            plates=self.plates,
            reach=options.reach if self.fit.resized and search.motions else None,
        )
        return _Shot(self.report.shots[-1], filler, composer)

    def _key_frames(self, window: tuple[int, int]) -> KeyFrames | None:
        if not self.job.options.synthesises:
            return None
        synthesise_all = self.job.options.unseen is Unseen.SYNTHESISE
        begin = self._first()
        first = max(0, self.job.key_frames_from - begin)

        def leave_open(t: int, place: Tensor) -> None:
            self._open_places[begin + t] = place[0]

        synthesiser, carrier = self.job.synthesiser, self.job.neighbours.carrier
        if carrier is not None:
            carrier = partial(paint_guided, carrier.to(self.policy.device))
        return KeyFrames(
            first,
            window=window,
            synthesise_all=synthesise_all,
            found=leave_open if synthesiser is None else None,
            synthesiser=synthesiser or complete,
            carry=carrier,
        )

    def _first(self) -> int:
        """Return the number of the shot's first computed frame."""
        return max(self.report.shots[-1], self.first_computed)

    def _placed_plates(self) -> list[PlacedPlate]:
        """Bring the plates to working size and to the numbering of this shot."""
        begin = self.report.shots[-1]
        end = min((c for c in self.job.options.cuts or () if c > begin), default=None)
        first = self._first()  # of a resumed job later than the shot's
        placed: list[PlacedPlate] = []
        for plate in self.plates:
            frame = plate.frame
            if begin and frame is not None and frame < begin:
                continue  # it belongs to an earlier shot
            if end is not None and frame is not None and frame >= end:
                continue  # to a later one
            if frame is not None and frame < first:
                # before the range, or before what a resumed job computes: never passes by
                self.report.notes.append(
                    f"a plate {first - frame} frames before the first computed one is placed by "
                    "its content"
                )
                frame = None
            number, part = None if frame is None else frame - first, None
            if plate.mask is not None:
                part = (self._at_working_size(plate.mask.expand(3, -1, -1))[:, :1] > 0.5).float()
            placed.append(PlacedPlate(self._at_working_size(plate.picture), number, part=part))
        return placed

    def _at_working_size(self, picture: Tensor) -> Tensor:
        """Bring a picture (3,h,w) of any size to (1,3,h,w) where frames are computed."""
        picture = resize_picture(picture.float(), self.fit.source)
        picture, _ = to_working(picture, torch.zeros_like(picture[:1]), self.fit)
        return picture[None].to(self.policy.device)

    def _end_shot(self) -> Iterator[Patch]:
        shot = self.shot
        if shot is None:
            return
        yield from self._patches(shot, shot.filler.finish())
        self.report.notes += shot.filler.notes
        self._count_sources(shot.filler)
        # memory that did not suffice in one shot does not in the next, nor does a half precision
        self.policy = replace(self.policy, chunk=shot.filler.chunk, dtype=shot.filler.dtype)
        self._describe_policy()
        self.shot = None

    def _count_sources(self, filler: ShotFiller) -> None:
        """Write into the report where the pixels in the holes came from, before any network."""
        for name, total in zip(SOURCES, filler.source_fractions, strict=True):
            self._source_fractions[name] = self._source_fractions.get(name, 0.0) + total
        self._num_filled += filler.num_filled
        if self._num_filled:
            means = {k: total / self._num_filled for k, total in self._source_fractions.items()}
            self.report.unseen = round(means.pop("unseen"), 4)
            means["plate"] = max(0.0, 1 - sum(means.values()))
            self.report.sources = {name: round(mean, 4) for name, mean in means.items()}

    def _patches(self, shot: _Shot, filled: Iterator[Filled]) -> Iterator[Patch]:
        """Turn filled frames into patches, without those that a resumed job has already."""
        for number, fill in filled:
            place = self._open_places.pop(shot.composer.next_index, None)
            patch = shot.composer.compose(number, fill, place)
            if patch.index >= self.job.resume_from:
                self.report.frames += 1
                made = shot.filler.makes_key_frames
                yield replace(patch, depends_from=shot.first if made else patch.index + 1)
