"""Video inpainting: copy real pixels from other frames, let a network fill only the rest."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .api import Result, inpaint, inpaint_clip, inpaint_video
    from .batch.description import BatchJob
    from .batch.options import BatchOptions
    from .batch.run import BatchResult, run_batch
    from .completion.call import CompletedMasks, complete_masks
    from .completion.kinds import Addition
    from .copying.plates import Plate
    from .engine.estimate import estimate
    from .errors import LgtsmError
    from .file_completion import complete_file
    from .file_tracking import track_file
    from .key_frame_folder import write_key_frames
    from .key_frame_set import KeyFrameSet, key_frames
    from .mask_options import MaskOptions
    from .masks.between import masks_between
    from .masks.draw.free_form import free_form_masks
    from .masks.static import find_static
    from .masks.text.detector import text_detector
    from .masks.text.joined import text_masks
    from .masks.text.options import TextOptions
    from .options import InpaintOptions, RunOptions, VideoOptions
    from .plate import clean_plate
    from .report import Report
    from .timeline.call import clean_timeline
    from .timeline.options import TimelineOptions
    from .timeline.result import TimelineResult
    from .tracking.call import Track, track_mask
    from .tracking.prompts import Prompt
    from .weights.load import load_model

__version__ = "0.1.0"

_HOMES = {
    "Addition": ".completion.kinds",
    "BatchJob": ".batch.description",
    "BatchOptions": ".batch.options",
    "BatchResult": ".batch.run",
    "CompletedMasks": ".completion.call",
    "InpaintOptions": ".options",
    "KeyFrameSet": ".key_frame_set",
    "LgtsmError": ".errors",
    "MaskOptions": ".mask_options",
    "Plate": ".copying.plates",
    "Prompt": ".tracking.prompts",
    "Report": ".report",
    "Result": ".api",
    "RunOptions": ".options",
    "TextOptions": ".masks.text.options",
    "TimelineOptions": ".timeline.options",
    "TimelineResult": ".timeline.result",
    "Track": ".tracking.call",
    "VideoOptions": ".options",
    "clean_plate": ".plate",
    "clean_timeline": ".timeline.call",
    "complete_file": ".file_completion",
    "complete_masks": ".completion.call",
    "estimate": ".engine.estimate",
    "find_static": ".masks.static",
    "free_form_masks": ".masks.draw.free_form",
    "inpaint": ".api",
    "inpaint_clip": ".api",
    "inpaint_video": ".api",
    "key_frames": ".key_frame_set",
    "load_model": ".weights.load",
    "masks_between": ".masks.between",
    "run_batch": ".batch.run",
    "text_detector": ".masks.text.detector",
    "text_masks": ".masks.text.joined",
    "track_file": ".file_tracking",
    "track_mask": ".tracking.call",
    "write_key_frames": ".key_frame_folder",
}

__all__ = [
    "Addition",
    "BatchJob",
    "BatchOptions",
    "BatchResult",
    "CompletedMasks",
    "InpaintOptions",
    "KeyFrameSet",
    "LgtsmError",
    "MaskOptions",
    "Plate",
    "Prompt",
    "Report",
    "Result",
    "RunOptions",
    "TextOptions",
    "TimelineOptions",
    "TimelineResult",
    "Track",
    "VideoOptions",
    "clean_plate",
    "clean_timeline",
    "complete_file",
    "complete_masks",
    "estimate",
    "find_static",
    "free_form_masks",
    "inpaint",
    "inpaint_clip",
    "inpaint_video",
    "key_frames",
    "load_model",
    "masks_between",
    "run_batch",
    "text_detector",
    "text_masks",
    "track_file",
    "track_mask",
    "write_key_frames",
]


def __getattr__(name: str) -> object:
    """Import a public name the first time it is asked for."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """List the public names."""
    return sorted([*__all__, "__version__"])
