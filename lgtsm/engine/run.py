"""The only loop: frames and holes in, filled frames out, shot by shot."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..box import Box, hole_box
from ..copying.blend_weights import MOTIONS
from ..copying.candidates import Search
from ..copying.plates import PlacedPlate, Plate, check_plate, resized_picture
from ..copying.steady import RADIUS
from ..errors import ShapeError
from ..models.network import Network
from ..options import InpaintOptions, Mode
from ..report import Report
from .bands import Bands
from .composing import compose
from .cuts import CutDetector
from .filling import Filled, ShotFiller
from .fitting import Fit, plan_fit, to_source, to_working
from .hooks import Hooks
from .policy import choose_policy

_BORDER_PX = 3
"""Working pixels around a hole's box that enlarging to source size may read (bicubic: 2)."""


@dataclass(frozen=True)
class Patch:
    """What changes in one frame.

    index: number of the frame in the stream.
    box: part of the source frame, None where nothing changes.
    pixels: (3,h,w) float32 covering `box`; outside the hole the very source values.
    """

    index: int
    box: Box | None
    pixels: Tensor | None


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


class _Source:
    """What is kept of a source frame until its fill is there: the hole's surroundings.

    box: of the hole; around: box of `pixels` (3,h,w) and `hole` (1,h,w).
    """

    def __init__(self, index: int, box: Box | None) -> None:
        self.index, self.box = index, box

    def keep(self, frame: Tensor, hole: Tensor, feather_px: int) -> None:
        """Copy the part of a frame that composing reads."""
        whole = Box(0, 0, *frame.shape[1:])
        self.around = self.box.grow(feather_px + 1) & whole
        rows, columns = self.around.within(whole)
        # clones: a view would keep the whole frame in memory
        self.pixels = frame[:, rows, columns].to("cpu", torch.float32, copy=True)
        self.hole = hole[:, rows, columns].to("cpu", torch.float32, copy=True)


class Job:
    """One stream of frames through the engine.

    Args:
        network: the network; None is only allowed in copy mode.
        options: mode, feather, references, cuts, run; mask options are not applied here.
        hooks: progress is not called here, cancel is.
        report: figures are written into it as they become known.
        plates: pictures of what is behind the holes; see `Plate`.
        resume_from: patches of earlier frames are not wanted; only as many frames before it as
            can influence it are computed, the result is the same.
    """

    def __init__(
        self,
        network: Network | None,
        options: InpaintOptions,
        hooks: Hooks,
        report: Report,
        *,
        plates: Sequence[Plate] = (),
        resume_from: int = 0,
    ) -> None:
        if options.mode is Mode.COPY:
            network = None
        self.network, self.options, self.hooks, self.report = network, options, hooks, report
        self._fit: Fit | None = None
        self._filler: ShotFiller | None = None
        self._sources: deque[_Source] = deque()
        self._detector = CutDetector() if options.cuts is None else None
        self._cuts = frozenset(options.cuts or ())
        self._arrived = self._hole_pixels = 0
        self._plates = () if options.mode is Mode.FILL else tuple(plates)
        self._bands: Bands | None = None
        self._source_fractions: dict[str, float] = {}
        self._blended = 0
        self._resume_from = resume_from
        past = self.network.spec.trunk.context[0] if self.network else 0
        self._first_computed = resume_from - past - options.reach - RADIUS

    def run(self, pairs: Iterable[tuple[Tensor, Tensor]]) -> Iterator[Patch]:
        """Yield one patch a frame, in order.

        Args:
            pairs: frames (3,H,W) float in [0,1], all of one size, each with its hole (1,H,W),
                0 or 1, 1 = hole.

        Raises:
            ShapeError: values or sizes that do not fit; Cancelled: the caller asked to stop.
        """
        for frame, hole in pairs:
            self.hooks.check()
            check_frame(frame, hole, self._arrived)
            # not across the yield: the caller's own code must not run in inference mode
            with torch.inference_mode():
                patches = list(self._push(frame, hole))
            yield from patches
        with torch.inference_mode():
            patches = list(self._end_shot())
        yield from patches
        if self._arrived:
            self.report.coverage = self._hole_pixels / (self._arrived * self._fit_area)

    def _push(self, frame: Tensor, hole: Tensor) -> Iterator[Patch]:
        index = self._arrived
        self._begin_job(frame)
        # the detector must see every frame, also where the user names the cuts it is absent
        is_cut = self._detector.is_cut(frame, hole) if self._detector else index in self._cuts
        if index == 0 or is_cut:
            if index:
                yield from self._end_shot()
            self.report.shots.append(index)
            self._filler = self._new_filler()
            is_copied = self._fit.resized and self._filler.search.motions
            self._bands = Bands(self._fit) if is_copied else None
        self._arrived += 1
        self._hole_pixels += int(hole.sum())
        box = hole_box(hole)
        self.report.frames_with_holes += box is not None
        if index < self._first_computed:
            return
        source = _Source(index, box)
        if box is not None:
            source.keep(frame, hole, self.options.feather)
        self._sources.append(source)
        working, working_hole = to_working(frame, hole, self._fit)
        if self._bands is not None:
            self._bands.push(frame, hole, working)
        yield from self._patches(self._filler.push(working, working_hole))

    def _begin_job(self, frame: Tensor) -> None:
        """Take the sizes from the first frame; later frames must agree."""
        size = (frame.shape[1], frame.shape[2])
        if self._fit is not None:
            if self._fit.source != size:
                raise ShapeError(
                    f"Expected all frames to be {self._fit.source[1]}x{self._fit.source[0]}, got "
                    f"{size[1]}x{size[0]} at frame {self._arrived}; split the clip there."
                )
            return
        run = self.options.run
        multiple = self.network.multiple if self.network else 4
        self._fit = plan_fit(size, max_side=run.max_side, multiple=multiple)
        self._fit_area = size[0] * size[1]
        passed = self.network.passed_dtypes if self.network else ()
        self._policy = choose_policy(run, self._fit.padded, passed)
        self.report.size = (size[1], size[0])
        self.report.working_size = (self._fit.working[1], self._fit.working[0])
        if self._fit.resized:
            self.report.notes.append(
                f"filled at {self._fit.working[1]}x{self._fit.working[0]} and enlarged; copies keep "
                "the source's detail, what the network paints is as soft as that"
            )
        self.report.device = str(self._policy.device)
        self.report.dtype = str(self._policy.dtype).removeprefix("torch.")
        self.report.chunk = self._policy.chunk

    def _new_filler(self) -> ShotFiller:
        is_causal = self.network is not None and self.network.spec.trunk.shift.causal
        options = self.options
        window = (options.reach, 0 if is_causal else options.reach)
        count = 0 if options.mode is Mode.FILL else options.source_frames
        search = Search.of(options.motion, window, count, options.flow)
        return ShotFiller(
            self.network,
            self._fit.padded,
            policy=self._policy,
            search=search,
            plates=self._placed_plates(),
            border_px=_BORDER_PX if self._fit.resized else 0,
            hooks=self.hooks,
        )

    def _placed_plates(self) -> list[PlacedPlate]:
        """Bring the plates to working size and to the numbering of this shot."""
        begin = self.report.shots[-1]
        end = min((c for c in self.options.cuts or () if c > begin), default=None)
        # a resumed job's shot is numbered from the first frame that is computed
        first = max(begin, self._first_computed)
        placed = []
        for plate in self._plates:
            frame = plate.frame
            if begin and frame is not None and frame < begin:
                continue  # it belongs to an earlier shot
            if end is not None and frame is not None and frame >= end:
                continue  # to a later one
            if frame is not None and frame < first:
                # before the range, or before what a resumed job computes: never passes by
                self.report.notes.append(
                    f"a plate {first - frame} frames before the first computed one is placed "
                    "by its content"
                )
                frame = None
            check_plate(plate, self._fit.source)
            picture = resized_picture(plate.picture, self._fit.source)
            picture, _ = to_working(picture, torch.zeros_like(picture[:1]), self._fit)
            number = None if frame is None else frame - first
            placed.append(PlacedPlate(picture[None].to(self._policy.device), number))
        return placed

    def _painted(self, index: int) -> Tensor | None:
        """Return the plate (3,H,W) that is this very frame, at source size."""
        for plate in self._plates:
            if plate.frame == index:
                return resized_picture(plate.picture, self._fit.source)
        return None

    def _end_shot(self) -> Iterator[Patch]:
        if self._filler is None:
            return
        yield from self._patches(self._filler.finish())
        self.report.notes += self._filler.notes
        self._report_sources()
        # a lesson learnt in one shot holds for the next ones
        lesson = {"chunk": self._filler.chunk, "dtype": self._filler.dtype}
        self._policy = replace(self._policy, **lesson)
        self.report.chunk = self._policy.chunk
        self.report.dtype = str(self._policy.dtype).removeprefix("torch.")
        self._filler = None

    def _report_sources(self) -> None:
        """Write down where the pixels in the holes came from, before any network."""
        names = ("smooth", *(motion.value for motion in MOTIONS))
        for name, total in zip(names, self._filler.source_fractions, strict=False):
            self._source_fractions[name] = self._source_fractions.get(name, 0.0) + total
        self._blended += self._filler.blended
        if self._blended:
            means = {name: total / self._blended for name, total in self._source_fractions.items()}
            means["plate"] = max(0.0, 1 - sum(means.values()))
            self.report.sources = {name: round(share, 4) for name, share in means.items()}

    def _patches(self, filled: Iterator[Filled]) -> Iterator[Patch]:
        """Turn filled frames into patches, without those that a resumed job has already."""
        for one in filled:
            patch = self._patch(one)
            if patch.index >= self._resume_from:
                self.report.frames += 1
                yield patch

    def _patch(self, filled: Filled) -> Patch:
        """Bring a filled working frame to source size and put it into the source."""
        source = self._sources.popleft()
        if self._bands is not None:  # in frames without a hole, too, or they pile up
            self._bands.forget(filled.index + 1 - self.options.reach)
        if source.box is None or filled.box is None:
            return Patch(source.index, None, None)
        fill = source.pixels.clone()
        rows, columns = source.box.within(source.around)
        painted = self._painted(source.index) if self._fit.resized else None
        if painted is not None:  # the editor's own pixels, at the source's size
            large = painted[:, source.box.rows, source.box.columns].to(fill)
        else:
            large = to_source(filled.pixels, filled.box, source.box, self._fit)
            if self._bands is not None and filled.detail is not None:
                large = (large + self._bands.detail(filled.detail, source.box)).clamp(0, 1)
        fill[:, rows, columns] = large
        pixels = compose(source.pixels, fill, source.hole, self.options.feather)
        return Patch(source.index, source.box, pixels[:, rows, columns])
