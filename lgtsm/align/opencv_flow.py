"""Dense flow by OpenCV's DIS, an option for those who have OpenCV.

Kroeger et al. 2016, "Fast Optical Flow using Dense Inverse Search", preset medium.
"""

# OpenCV is optional, and untyped where it is not installed
# pyright: reportMissingImports=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ..errors import DeviceError
from ..fills.averaging import size_of
from ..fills.smooth import smooth_fill
from .sampling import KNOWN, pixel_grid, sample_at

LEAST_SIDE = 16
"""DIS matches patches of 8 pixels on a pyramid."""


def dis_flow(first: Tensor, second: Tensor, start: Tensor | None = None) -> Tensor:
    """Estimate flow from every first frame to its second one.

    Args:
        first: (N,1,h,w) grey in [0,1], no side below `LEAST_SIDE`.
        second: (N,1,h,w).
        start: (N,2,h,w) initial displacement in pixels; None is no motion.

    Returns:
        (N,2,h,w) float32 displacement in pixels, on the CPU.

    Raises:
        DeviceError: OpenCV is not installed.
    """
    try:
        import cv2
    except ImportError as error:
        raise DeviceError(
            "Expected OpenCV for the flow 'dis', found none; install opencv-python-headless or use "
            "the built-in flow."
        ) from error
    opencv: Any = cv2  # its type stubs lack DIS
    estimator = opencv.DISOpticalFlow_create(opencv.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flows: list[Tensor] = []
    for i, pair in enumerate(zip(first, second, strict=True)):
        grey = [(x[0].clamp(0, 1) * 255).round().byte().cpu().numpy() for x in pair]
        guess = None if start is None else start[i].permute(1, 2, 0).float().cpu().numpy().copy()
        flows.append(torch.from_numpy(estimator.calc(*grey, guess)).permute(2, 0, 1))
    return torch.stack(flows)


def dis_flow_with_holes(
    frames: Tensor, known: Tensor, others: Tensor, others_known: Tensor, start: Tensor
) -> tuple[Tensor, Tensor]:
    """Do what `flow.dense_flow` does, with holes filled smoothly so that nothing matches there."""
    size = size_of(frames)
    if min(size) < LEAST_SIDE:
        return start, torch.zeros_like(known)
    filled = smooth_fill(frames, 1 - known), smooth_fill(others, 1 - others_known)
    flow = dis_flow(*filled, start).to(frames)
    seen = sample_at(others_known, pixel_grid(*size, frames) + flow, padding="zeros") > KNOWN
    return flow, known * seen
