"""The list of nodes, and the folder that model files are looked for in."""

from __future__ import annotations

from comfy_api.latest import ComfyExtension, io

from .check_result import LGTSMCheckResult
from .clean_plate import LGTSMCleanPlate
from .demo_scene import LGTSMDemoScene
from .free_form_masks import GenerateFreeFormMasks
from .inpaint import LGTSMInpaint
from .inpaint_video import LGTSMInpaintVideo
from .load_model import LoadLGTSM
from .mask_video import MaskVideo
from .model_files import register_folder

NODES: tuple[type[io.ComfyNode], ...] = (
    LoadLGTSM,
    MaskVideo,
    LGTSMInpaint,
    LGTSMInpaintVideo,
    GenerateFreeFormMasks,
    LGTSMDemoScene,
    LGTSMCheckResult,
    LGTSMCleanPlate,
)
"""Ids are frozen: saved workflows hold them. Later inputs are appended at the end."""


class LGTSMExtension(ComfyExtension):
    """What ComfyUI asks for the nodes."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """Return the node classes; the model folder is known before any list of files is made."""
        register_folder()
        return list(NODES)
