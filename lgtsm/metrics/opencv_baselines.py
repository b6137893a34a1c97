"""OpenCV's inpainting, frame by frame: measured beside ours, never needed to run.

The only file that imports OpenCV, and only when it is asked to.
"""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import torch
from torch import Tensor

_RADIUS_PX = 3


def has_opencv() -> bool:
    """Tell whether OpenCV is installed."""
    return find_spec("cv2") is not None


def telea(frames: Tensor, holes: Tensor) -> Tensor:
    """Fill holes by Telea 2004, frame by frame.

    Args:
        frames: (T,3,H,W) in [0,1].
        holes: (T,1,H,W), 1 = hole.

    Returns:
        (T,3,H,W) in [0,1], rounded to bytes as OpenCV works.
    """
    import cv2  # noqa: TID251  see the module's first line

    rows = []
    for frame, hole in zip(frames, holes, strict=True):
        picture = (frame.permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
        mask = (hole[0].numpy() * 255).astype(np.uint8)
        rows.append(torch.from_numpy(cv2.inpaint(picture, mask, _RADIUS_PX, cv2.INPAINT_TELEA)))
    return torch.stack(rows).permute(0, 3, 1, 2).float() / 255
