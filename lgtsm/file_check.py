"""Check a result against its source and mask, file by file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain, islice, zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory

from torch import Tensor

from .engine.hooks import Hooks
from .errors import ShapeError
from .mask_options import MaskOptions
from .masks.fit import fit
from .masks.prepare import pair_with
from .metrics.check import Checker, CheckReport
from .metrics.limits import CheckLimits
from .options import VideoOptions
from .video.folder import keeps_values
from .video.frame import Frame
from .video.presets import CONTAINERS
from .video.probe import count_frames, probe
from .video.read import read_frames, read_masks
from .video.write import open_writer


@dataclass(frozen=True, kw_only=True)
class FileCheck:
    """A result and what it is compared with.

    original, result: video files or folders of images.
    mask: that was used: still image, video or folder; white is the hole.
    video: range of the original that the result holds, and the quality it was written with.
    mask_options: what turns the mask into holes.
    limits: what must hold.
    margin: pixels beside the mask that may change too; None: as many as share a chroma sample with it.
    exact: a lossy result is not compared with the source as its encoder makes it.
    """

    original: Path
    result: Path
    mask: Path
    video: VideoOptions = field(default_factory=VideoOptions)
    mask_options: MaskOptions = field(default_factory=MaskOptions)
    limits: CheckLimits = field(default_factory=CheckLimits)
    margin: int | None = None
    exact: bool = False

    def run(self, hooks: Hooks, encoding: Hooks | None = None) -> CheckReport:
        """Compare the files frame by frame, in constant memory.

        Args:
            hooks: progress of the comparison, and cancellation.
            encoding: progress of encoding the source, and cancellation; None: those of `hooks`.

        Raises:
            ShapeError: clips of different lengths or sizes; VideoError: files that cannot be read; Cancelled.
        """
        triples = self._triples()
        first = list(islice(triples, 1))  # files that do not match fail before anything is encoded
        checker = Checker(self._limits(first))
        with ExitStack() as stack:
            encoded = self._encoded(encoding or hooks, stack)
            for done, (original, result, hole) in enumerate(chain(first, triples), 1):
                again = next(encoded, None)
                checker.add(original.rgb(), result.rgb(), hole, again and again.rgb())
                hooks.report(done, 0, "checking")
                hooks.check()
        return checker.report()

    def holes(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the original's frames (3,H,W) in [0,1] with their holes (1,H,W), 1 = hole."""
        return ((original.rgb(), hole) for original, _, hole in self._triples())

    def _limits(self, first: list[tuple[Frame, Frame, Tensor]]) -> CheckLimits:
        margin = self.margin or 0
        if self.margin is None and first:
            # the largest distance at which a pixel can share a chroma sample with a hole pixel
            shifts = first[0][0].layout.shifts + first[0][1].layout.shifts
            margin = (1 << max(shifts)) - 1
        return CheckLimits.of(vars(self.limits), margin=margin)

    def _encoded(self, hooks: Hooks, stack: ExitStack) -> Iterator[Frame]:
        """Read the source as the encoder of a lossy result makes it; nothing where bits must be equal.

        Its holes show what the result shows: an encoder shares its bits among all parts of a frame. The
        file lies in a temporary folder until the stack is closed.
        """
        # images are written lossless
        if self.exact or self.result.is_dir() or keeps_values(self.result):
            return iter(())
        suffix = self.result.suffix.lower()
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="lgtsm-")))
        path = folder / ("encoded" + (suffix if suffix in CONTAINERS else ".mp4"))
        with open_writer(path, self.original, options=self.video) as writer:
            for done, (original, result, hole) in enumerate(hooks.checked(self._triples()), 1):
                writer.write(original, result.rgb(), hole)
                hooks.report(done, 0, "encoding the source")
        return read_frames(path)

    def _triples(self) -> Iterator[tuple[Frame, Frame, Tensor]]:
        """Read source, result and hole frame by frame.

        Raises:
            ShapeError: clips of different lengths; VideoError: files that cannot be read.
        """
        start, end = self.video.start, self.video.end
        originals = read_frames(self.original, start=start, end=end)
        films = zip_longest(originals, read_frames(self.result))
        # the file of --mask-used has the frame numbers of the result, any other mask those of the source
        is_part = (start, end) != (0, None)
        of_result = is_part and count_frames(self.mask) == count_frames(self.result)
        info, options = probe(self.original), self.mask_options
        absent = 1.0 if options.invert else 0.0  # leaves a frame as it is
        if of_result:
            found = read_masks(self.mask)
        else:
            found = read_masks(
                self.mask, start=start, end=end, frames_of=self.original, absent=absent
            )
        masks = (fit(mask, (info.height, info.width), options) for mask in found)
        for number, ((original, result), hole) in enumerate(pair_with(films, masks, options)):
            if original is None or result is None:
                longer = self.result if original is None else self.original
                raise ShapeError(
                    f"Expected as many frames in the result as in the source, got more than {number} in "
                    f"{longer} and {number} in the other; give --start and --end of the range that "
                    "was filled."
                )
            if original.size != result.size:
                sizes = ["{1}x{0}".format(*frame.size) for frame in (original, result)]
                raise ShapeError(
                    f"Expected a result of {sizes[0]} like the source, got {sizes[1]}; compare clips of "
                    "one size."
                )
            yield original, result, hole
