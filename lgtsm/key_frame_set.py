"""The key frames of a clip, to be painted: which frames, what real pixels show, what none does.

They are those that the built-in synthesis would make. A key frame that was painted, by hand or by any
image model, goes back as a `Plate` and is carried through its shot.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .clip_inputs import check_inputs, used_holes
from .copying.plates import Plate
from .engine.composing import Patch
from .engine.hooks import Hooks
from .engine.run import Job
from .engine.threads import computing_threads
from .errors import OptionError, ShapeError
from .masks.prepare import INVERTED_RATIO, inverted_mask
from .options import InpaintOptions, Mode, Unseen
from .report import Report

_LOG = logging.getLogger(__name__)
NOTHING_TO_PAINT = "there is no key frame: frames or plates show every place that is large enough"


@dataclass(frozen=True)
class KeyFrameSet:
    """The key frames of a clip.

    numbers: of the K frames, from 0, ascending; none where other frames show all that matters.
    frames: (K,3,H,W), of the dtype and device of the clip: real copies fill the hole, and a smooth fill
        what no frame shows; equal to the clip bit for bit outside the hole.
    masks: (K,1,H,W) float32, 0 or 1, 1 = shown by no frame: the place to paint.
    report: figures of the copies; `unseen` is the fraction of the hole that no frame shows.
    """

    numbers: tuple[int, ...]
    frames: Tensor
    masks: Tensor
    report: Report

    def plates(self, painted: Tensor) -> list[Plate]:
        """Return painted key frames as plates, which replace only what `masks` marks.

        Args:
            painted: (K,3,h,w) float in [0,1], framed as `frames`, of any size.

        Raises:
            ShapeError: not one picture for every key frame.
        """
        if painted.dim() != 4 or len(painted) != len(self.numbers):
            raise ShapeError(
                f"Expected {len(self.numbers)} painted key frames ({len(self.numbers)},3,h,w), got "
                f"{tuple(painted.shape)}; paint each one and keep their order."
            )
        pairs = zip(painted, self.numbers, self.masks, strict=True)
        return [Plate(picture.float().cpu(), number, mask) for picture, number, mask in pairs]


def key_frames(
    frames: Tensor,
    holes: Tensor,
    options: InpaintOptions | None = None,
    *,
    plates: Sequence[Plate] = (),
    at_least_one: bool = False,
    progress: Callable[[int, int, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> KeyFrameSet:
    """Choose the key frames of a clip, and fill what other frames show of them; no network runs.

    Args:
        frames: as in `inpaint_clip`.
        holes: as in `inpaint_clip`.
        options: as for the repair that follows, so that the same places are missing.
        plates: what is known already, such as key frames painted before.
        at_least_one: where there is no key frame, return the first frame with a hole instead, or else the
            first one, under an empty mask.
        progress: as in `inpaint_clip`.
        cancel: as in `inpaint_clip`.

    Raises:
        ShapeError: shapes or values that do not fit; OptionError: a mode without copies, or places that
        are left to the network; DeviceError; Cancelled: `cancel` returned True.
    """
    options = copying_options(options or InpaintOptions())
    report, hooks = Report(model="none"), Hooks(progress, cancel)
    check_inputs(frames, holes, plates)
    used = used_holes(frames, holes, options.mask, hooks, report.notes)
    if used.mean() > INVERTED_RATIO:
        report.notes.append(inverted_mask(float(used.mean())))
        _LOG.warning("%s", report.notes[-1])
    numbers, chosen, masks = [], [], []
    if used.any():
        pairs = zip(frames, used, strict=True)
        with computing_threads(options.run.threads) as report.threads:
            for patch in find_key_frames(
                pairs, options, hooks, report, plates, len(frames), at_least_one=at_least_one
            ):
                numbers.append(patch.index)
                picture, mask = opened(frames[patch.index], used[patch.index], patch)
                chosen.append(picture)
                masks.append(mask)
    if not numbers and at_least_one:
        numbers, chosen, masks = [0], [frames[0].clone()], [torch.zeros(1, *frames.shape[2:])]
    if not any(mask.any() for mask in masks):
        report.notes.append(NOTHING_TO_PAINT)
    found = torch.stack(chosen) if chosen else frames[:0].clone()
    marked = torch.stack(masks) if masks else used[:0].clone()
    return KeyFrameSet(tuple(numbers), found, marked, report)


def copying_options(options: InpaintOptions) -> InpaintOptions:
    """Return the options without a network and without a soft edge.

    Raises:
        OptionError: with these, nothing is ever synthesised.
    """
    if options.mode is Mode.FILL or options.unseen is Unseen.NETWORK:
        chosen = "mode fill" if options.mode is Mode.FILL else "unseen network"
        raise OptionError(
            f"Expected options under which key frames are made, got {chosen}; choose mode copy+fill "
            "or copy, and unseen auto or synthesise."
        )
    return replace(options, mode=Mode.COPY, feather=0)


def find_key_frames(
    pairs: Iterable[tuple[Tensor, Tensor]],
    options: InpaintOptions,
    hooks: Hooks,
    report: Report,
    plates: Sequence[Plate] = (),
    num_frames: int = 0,
    *,
    at_least_one: bool = False,
) -> Iterator[Patch]:
    """Yield the patches of the key frames of a stream, in constant memory.

    Args:
        pairs: frames (3,H,W) in [0,1] with their holes (1,H,W), as for `Job.run`.
        options: of `copying_options`.
        hooks: progress and cancellation.
        report: gets the figures.
        plates: numbered as the stream.
        num_frames: of the stream, for the progress; 0 is unknown.
        at_least_one: where there is none, yield the patch of the first frame with a hole.

    Yields:
        Patches whose `unseen` is set.
    """
    job = Job(None, options, hooks, report, plates=plates, num_frames=num_frames, synthesiser=None)
    first, found = None, False
    for patch in job.run(pairs):
        if patch.unseen is not None and bool(patch.unseen.any()):
            found = True
            yield patch
        elif first is None and at_least_one and not found and patch.pixels is not None:
            first = replace(patch, unseen=torch.zeros_like(patch.pixels[:1], dtype=torch.bool))
    if first is not None and not found:
        yield first


def opened(frame: Tensor, hole: Tensor, patch: Patch) -> tuple[Tensor, Tensor]:
    """Return a key frame (3,H,W), of the dtype and device of its frame, and its mask (1,H,W).

    Args:
        frame: (3,H,W); not modified.
        hole: (1,H,W), 1 = hole.
        patch: of `find_key_frames`.
    """
    picture, mask = frame.clone(), torch.zeros(1, *frame.shape[1:])
    if patch.box is not None and patch.pixels is not None and patch.unseen is not None:
        part = (..., patch.box.rows, patch.box.columns)
        inside = hole[part].to(picture.device) > 0
        # only hole pixels are written: the rest keeps its bits whatever its dtype
        picture[part] = torch.where(inside, patch.pixels.to(picture), picture[part])
        mask[part] = patch.unseen.float()
    return picture, mask
