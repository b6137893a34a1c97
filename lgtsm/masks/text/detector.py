"""Lines of text in a picture, by rapidocr, whose wheel carries its model: nothing is downloaded."""

# rapidocr is optional, and untyped where it is not installed
# pyright: reportMissingImports=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportAttributeAccessIssue=false

from __future__ import annotations

import logging
from collections.abc import Callable

import numpy as np
from torch import Tensor

from ...box import Box
from ...errors import OptionError

Detector = Callable[[Tensor], list[Box]]
"""Returns the lines of text in a picture (3,H,W) float in [0,1], as boxes inside it."""


def text_detector(threads: int = 0) -> Detector:
    """Load the detector.

    Args:
        threads: of the CPU; 0 takes all.

    Raises:
        OptionError: rapidocr or onnxruntime is missing.
    """
    try:
        import onnxruntime  # noqa: F401  rapidocr asks for it only when a model is opened
        from rapidocr import RapidOCR
    except ImportError as error:
        raise OptionError(
            f"Expected rapidocr and onnxruntime to find text, got no {error.name}; install both with "
            "pip install rapidocr onnxruntime."
        ) from error
    engine = RapidOCR(
        params={
            "Global.log_level": "critical",
            "Global.use_cls": False,
            "Global.use_rec": False,
            "EngineConfig.onnxruntime.intra_op_num_threads": threads or -1,
        }
    )
    logging.getLogger("RapidOCR").setLevel(logging.CRITICAL)

    def detect(picture: Tensor) -> list[Box]:
        height, width = picture.shape[-2:]
        pixels = (picture.detach().cpu().clamp(0, 1) * 255).round().byte()
        found = engine(
            np.ascontiguousarray(pixels.flip(0).permute(1, 2, 0).numpy()),  # blue first
            use_det=True,
            use_cls=False,
            use_rec=False,
        )
        quads = [] if found.boxes is None else np.asarray(found.boxes, np.float64)  # (N,4,2): x, y
        whole, boxes = Box(0, 0, height, width), []
        for quad in quads:
            (left, top), (right, bottom) = np.floor(quad.min(0)), np.ceil(quad.max(0))
            box = Box(int(top), int(left), int(bottom), int(right)) & whole
            if box.height > 0 and box.width > 0:
                boxes.append(box)
        return boxes

    return detect
