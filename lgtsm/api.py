"""The two calls most people need: a clip in memory, and a file."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from .clip_inputs import check_inputs, used_holes
from .copying.plates import Plate
from .engine.hooks import Hooks
from .engine.policy import choose_device
from .engine.run import Job
from .engine.threads import computing_threads
from .masks.boxes import MaskBox
from .masks.prepare import EMPTY_MASK, INVERTED_RATIO, inverted_mask
from .models.network import Network
from .options import InpaintOptions, Mode, VideoOptions
from .report import Report
from .weights.load import load_model
from .weights.neighbours import load_neighbours
from .weights.synthesiser import load_synthesiser

_LOG = logging.getLogger(__name__)

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True)
class Result:
    """A repaired clip and how it was made.

    frames: (T,3,H,W), of the dtype and device of the input; equal to it bit for bit outside `holes`.
    holes: (T,1,H,W) float32, 0 or 1, 1 = hole: the mask after thresholding and growing.
    report: figures of the job.
    """

    frames: Tensor
    holes: Tensor
    report: Report


def inpaint(
    frames: Tensor,
    holes: Tensor,
    model: Network | str | Path | None = None,
    options: InpaintOptions | None = None,
    progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
    *,
    plates: Sequence[Plate] = (),
) -> Tensor:
    """Fill the holes of a clip; `inpaint_clip` also returns the holes it used and a report.

    Args and errors are those of `inpaint_clip`.

    Returns:
        (T,3,H,W), a new tensor of the dtype and device of `frames`, equal to it bit for bit outside
        the holes.
    """
    return inpaint_clip(
        frames, holes, model, options, plates=plates, progress=progress, cancel=cancel
    ).frames


def inpaint_clip(
    frames: Tensor,
    holes: Tensor,
    model: Network | str | Path | None = None,
    options: InpaintOptions | None = None,
    *,
    plates: Sequence[Plate] = (),
    progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Result:
    """Fill the holes of a clip.

    Args:
        frames: (T,3,H,W) floating point in [0,1], T >= 1, any size; never modified.
        holes: (T,1,H,W) in [0,1], above 0.5 = hole; (1,1,H,W) serves all frames. Holes of another size
            but the same shape are stretched, of another shape with `MaskOptions.fit_mask`.
        model: a network, a built-in name, a path, or None for the default; loaded only when there
            is a hole and the mode is not copy.
        options: what may fill, masks, device, and so on.
        plates: clean plates or painted frames; what they show is preferred to everything else.
        progress: called as progress(done, total, note) at every step: work done in whole frames'
            worth, all frames (0 is unknown), what was just done.
        cancel: asked between layers; True stops.

    Raises:
        ShapeError: shapes or values that do not fit; OptionError; WeightsError; DeviceError;
        Cancelled: `cancel` returned True.
    """
    began = time.monotonic()
    report = Report()
    options = options or InpaintOptions()
    check_inputs(frames, holes, plates)
    hooks = Hooks(progress, cancel)
    used = used_holes(frames, holes, options.mask, hooks, report.notes)
    result = Result(frames.clone(), used, report)
    if not used.any():
        report.frames, report.size = len(frames), (frames.shape[3], frames.shape[2])
        report.notes.append(EMPTY_MASK)
        hooks.report(len(frames), len(frames), EMPTY_MASK)
        return result
    if used.mean() > INVERTED_RATIO:
        note = inverted_mask(float(used.mean()))
        report.notes.append(note)
        _LOG.warning("%s", note)
    network = None
    if options.mode is not Mode.COPY:
        network = model if isinstance(model, Network) else load_model(model)
    report.model = network.name if network else "none"
    report.notes += network.notes if network else ()
    filled = None
    with computing_threads(options.run.threads) as report.threads:
        loaded = load_synthesiser(options, choose_device(options.run.device), report.threads)
        report.synthesiser, report.synthesiser_sha256 = loaded.name, loaded.sha256
        job = Job(
            network,
            options,
            hooks,
            report,
            plates=plates,
            num_frames=len(frames),
            synthesiser=loaded.synthesiser,
            neighbours=load_neighbours(options),
        )
        for patch in job.run(zip(frames, used, strict=True)):
            if patch.box is not None and patch.pixels is not None:
                filled = patch.box | filled
                rows, columns = patch.box.rows, patch.box.columns
                target = result.frames[patch.index, :, rows, columns]
                hole = used[patch.index, :, rows, columns].to(target.device) > 0
                # only hole pixels are written: the rest keeps its bits whatever its dtype
                target.copy_(torch.where(hole, patch.pixels.to(target), target))
    if filled is not None:
        report.crop = (filled.left, filled.top, filled.width, filled.height)
    report.close(began)
    return result


def inpaint_video(  # noqa: PLR0913  the frozen public call: files, then keyword-only choices
    source: str | Path,
    mask: str | Path | list[MaskBox],
    target: str | Path,
    *,
    model: Network | str | Path | None = None,
    options: InpaintOptions | None = None,
    video: VideoOptions | None = None,
    fill_layer: str | Path | None = None,
    mask_used: str | Path | None = None,
    compare: str | Path | None = None,
    plates: Sequence[Plate] = (),
    progress: Progress | None = None,
    cancel: Callable[[], bool] | None = None,
) -> Report:
    """Fill the holes of a video file or a folder of frames, in constant memory.

    Args:
        source: video file or folder of images.
        mask: still image, video or folder (white = hole), or boxes.
        target: video file (mp4, mov, mkv, webm) or folder; appears only once it is complete.
        model: as in `inpaint`.
        options: as in `inpaint`.
        video: range of frames, quality, lossless, resume.
        fill_layer: .mov (ProRes 4444) or folder for the fill alone, with alpha.
        mask_used: .mkv or folder for the holes that were filled; .mp4 and .mov are not exact.
        compare: .mp4, .mov, .mkv or folder for a film of before and after (`VideoOptions.compare_as`).
        plates: clean plates or painted frames, numbered as the frames of the file.
        progress: called as progress(done, total, note) at every step: work done in whole frames'
            worth, all frames (0 is unknown), what was just done.
        cancel: asked between layers; True stops, what was computed is kept for `resume`.

    Returns:
        The figures of the job.

    Raises:
        VideoError: files that cannot be read or written; and whatever `inpaint` raises.
    """
    from .job import FileJob  # clips in memory must work where PyAV is missing

    job = FileJob(
        source=Path(source),
        mask=mask if isinstance(mask, list) else Path(mask),
        target=Path(target),
        options=options or InpaintOptions(),
        video=video or VideoOptions(),
        fill_layer=None if fill_layer is None else Path(fill_layer),
        mask_used=None if mask_used is None else Path(mask_used),
        compare=None if compare is None else Path(compare),
        plates=tuple(plates),
    )
    return job.run(model, Hooks(progress, cancel))
