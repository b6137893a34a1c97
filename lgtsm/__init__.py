"""Video inpainting: copy real pixels from other frames, let a network fill only the rest."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .api import Result, inpaint, inpaint_clip, inpaint_video
    from .copying.plates import Plate
    from .engine.estimate import estimate
    from .errors import LgtsmError
    from .key_frame_folder import write_key_frames
    from .key_frame_set import KeyFrameSet, key_frames
    from .masks.draw.free_form import free_form_masks
    from .options import InpaintOptions, MaskOptions, RunOptions, VideoOptions
    from .plate import clean_plate
    from .report import Report
    from .track_file import track_file
    from .tracking.call import Track, track_mask
    from .tracking.prompts import Prompt
    from .weights.load import load_model

__version__ = "0.1.0"

_HOMES = {
    "InpaintOptions": ".options",
    "KeyFrameSet": ".key_frame_set",
    "LgtsmError": ".errors",
    "MaskOptions": ".options",
    "Plate": ".copying.plates",
    "Prompt": ".tracking.prompts",
    "Report": ".report",
    "Result": ".api",
    "RunOptions": ".options",
    "Track": ".tracking.call",
    "VideoOptions": ".options",
    "clean_plate": ".plate",
    "estimate": ".engine.estimate",
    "free_form_masks": ".masks.draw.free_form",
    "inpaint": ".api",
    "inpaint_clip": ".api",
    "inpaint_video": ".api",
    "key_frames": ".key_frame_set",
    "load_model": ".weights.load",
    "track_file": ".track_file",
    "track_mask": ".tracking.call",
    "write_key_frames": ".key_frame_folder",
}

__all__ = [
    "InpaintOptions",
    "KeyFrameSet",
    "LgtsmError",
    "MaskOptions",
    "Plate",
    "Prompt",
    "Report",
    "Result",
    "RunOptions",
    "Track",
    "VideoOptions",
    "clean_plate",
    "estimate",
    "free_form_masks",
    "inpaint",
    "inpaint_clip",
    "inpaint_video",
    "key_frames",
    "load_model",
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
