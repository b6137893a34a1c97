"""LGTSMInpaintVideo: repair a video of any length from file to file in constant memory."""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import folder_paths
from comfy_api.latest import InputImpl, io
from torch import Tensor

from ..lgtsm.engine.hooks import Hooks
from ..lgtsm.job import FileJob
from ..lgtsm.journal import journal_folder
from ..lgtsm.mask_options import MaskOptions
from ..lgtsm.models.network import Network
from ..lgtsm.options import VideoOptions
from ..lgtsm.video.probe import probe
from .fill_inputs import fill_inputs, fill_options, later_inputs, to_plates
from .loaded import LoadedModel, Reporter, make_ready
from .notices import shown_on
from .schema import option, schema
from .video_files import UNKNOWN_LENGTH, active_span, made_folder, source_file, temporary_folder
from .video_mask import check_one_mask, chosen_mask, masked_video_inputs

if TYPE_CHECKING:
    from comfy_api.latest import Input

_UNFINISHED = "lgtsm_unfinished"
"""In the output folder, because ComfyUI empties its temporary folder when it starts."""


class LGTSMInpaintVideo(io.ComfyNode):
    """Fill the masked part of a video file."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Return ids, inputs and outputs."""
        return schema(
            node_id="LGTSMInpaintVideo",
            display_name="LGTSM Inpaint Video (any length)",
            description=(
                "Removes what is masked from a video of any length, frame by frame, in constant memory. Sound and "
                "frame times are kept. Outside the mask nothing changes with lossless; otherwise the encoder "
                "loses a little everywhere. An interrupted run continues where it stopped. Connect the result "
                "to Save Video with format and codec set to auto, which copies it without encoding it again."
            ),
            search_aliases=[
                "remove object long video",
                "remove logo",
                "streaming inpaint",
                "remove watermark",
                "wire removal",
                "clean plate",
            ],
            inputs=[
                *masked_video_inputs("The video to repair; read frame by frame."),
                *fill_inputs(),
                option(MaskOptions, "length"),
                option(VideoOptions, "quality"),
                option(
                    VideoOptions,
                    "lossless",
                    more="The file then stays in output/lgtsm; Save Video would encode it again.",
                ),
                *later_inputs(),
            ],
            outputs=[
                io.Video.Output("repaired", display_name="video", tooltip="The repaired file."),
                io.Video.Output(
                    "mask_used",
                    tooltip="The mask after growing, as a black and white video (FFV1).",
                ),
                io.String.Output("report", tooltip="Figures of the job, as JSON."),
            ],
            hidden=[io.Hidden.unique_id],
        )

    @classmethod
    def execute(  # noqa: D102
        cls,
        video: Input.Video,
        boxes: str = "",
        mask: Tensor | None = None,
        mask_video: Input.Video | None = None,
        model: LoadedModel | None = None,
        plate: Tensor | None = None,
        plate_frames: str = "",
        plate_masks: Tensor | None = None,
        **settings: Any,
    ) -> io.NodeOutput:
        check_one_mask(mask, mask_video, boxes)
        reporter = Reporter()
        temporary = temporary_folder()
        unfinished = made_folder(folder_paths.get_output_directory(), _UNFINISHED)
        source = source_file(video, temporary)
        span = active_span(video, source)
        info = probe(source)
        options = fill_options(settings)
        given = (mask, mask_video, boxes)
        masks = chosen_mask(*given, info, span, options.mask.length, unfinished, reporter.cancel)
        plates = to_plates(plate, plate_frames, plate_masks, span[0])
        clip = (info.num_frames or UNKNOWN_LENGTH, info.height, info.width)
        network, options, _kept = make_ready(model, options, clip)
        video_options = VideoOptions.of(settings, start=span[0], end=span[1], resume=True)
        job = FileJob(
            source=source,
            mask=masks,
            target=unfinished,
            options=options,
            video=video_options,
            plates=plates,
        )
        name = _name(job, network)
        target = unfinished / (name + (".mkv" if video_options.lossless else ".mp4"))
        job = replace(job, target=target, mask_used=temporary / f"{name}.mask.mkv")
        try:
            with shown_on(cls.hidden.unique_id) as notices:
                report = job.run(network, Hooks(reporter.progress, reporter.cancel))
                notices.tell(report.origin)
            target = _finish(job.target, source, temporary, video_options)
        finally:
            _tidy(job, unfinished)
        report.outputs = [_shown(target)]
        return io.NodeOutput(
            InputImpl.VideoFromFile(str(target)),
            InputImpl.VideoFromFile(str(job.mask_used)),
            report.to_json(),
        )


def _name(job: FileJob, network: Network | None) -> str:
    """Name a job after everything its files depend on, so that the same job finds its journal."""
    identity = json.dumps(job.identity(network), sort_keys=True)
    return f"{job.source.stem[:40]}_{hashlib.sha256(identity.encode()).hexdigest()[:12]}"


def _finish(path: Path, source: Path, temporary: Path, video: VideoOptions) -> Path:
    """Move the finished file to the output folder if it is lossless, else to the temporary one."""
    target = temporary / path.name
    if video.lossless:
        output = folder_paths.get_output_directory()
        folder, stem, number, *_ = folder_paths.get_save_image_path(f"lgtsm/{source.stem}", output)
        target = Path(folder) / f"{stem}_{number:05}_.mkv"
    shutil.move(path, target)
    return target


def _shown(path: Path) -> str:
    """Return how ComfyUI writes a file in one of its folders: no path of the server is told."""
    for kind in ("output", "temp"):
        folder = Path(folder_paths.get_directory_by_type(kind))
        if path.is_relative_to(folder):
            return f"{path.relative_to(folder).as_posix()} [{kind}]"
    return path.name


def _tidy(job: FileJob, unfinished: Path) -> None:
    """Remove the mask of a job that left no journal, and the folder if it is empty."""
    if not journal_folder(job.target).exists():
        if isinstance(job.mask, Path) and job.mask.parent == unfinished:
            job.mask.unlink(missing_ok=True)
        if not any(unfinished.iterdir()):
            unfinished.rmdir()
