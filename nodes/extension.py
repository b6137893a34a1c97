"""The list of nodes, and the registration of the model folder."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from .check_result import LGTSMCheckResult
from .clean_plate import LGTSMCleanPlate
from .compare import LGTSMCompare
from .compare_video import LGTSMCompareVideo
from .demo_scene import LGTSMDemoScene
from .found_masks import LGTSMStaticMask, LGTSMTextMask
from .free_form_masks import GenerateFreeFormMasks
from .inpaint import LGTSMInpaint
from .inpaint_video import LGTSMInpaintVideo
from .key_frames import LGTSMKeyFrames
from .key_frames_video import LGTSMKeyFramesVideo
from .load_model import LoadLGTSM
from .mask_video import MaskVideo
from .masks_between import LGTSMMasksBetween
from .model_files import register_folder
from .samples import place_samples
from .track_mask import LGTSMTrackMask
from .track_mask_video import LGTSMTrackMaskVideo
from .video_frame import LGTSMVideoFrame

NODES: tuple[type[io.ComfyNode], ...] = (
    LoadLGTSM,
    MaskVideo,
    LGTSMInpaint,
    LGTSMInpaintVideo,
    GenerateFreeFormMasks,
    LGTSMDemoScene,
    LGTSMCheckResult,
    LGTSMCleanPlate,
    LGTSMVideoFrame,
    LGTSMCompare,
    LGTSMKeyFrames,
    LGTSMKeyFramesVideo,
    LGTSMStaticMask,
    LGTSMTextMask,
    LGTSMMasksBetween,
    LGTSMTrackMask,
    LGTSMTrackMaskVideo,
    LGTSMCompareVideo,
)
"""Ids are frozen: saved workflows contain them. New inputs are appended at the end of a node."""


class LGTSMExtension(ComfyExtension):
    """The entry point that ComfyUI asks for nodes."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """Register the model folder, which schemas list, place samples, return the node classes."""
        register_folder()
        place_samples()
        return list(NODES)
