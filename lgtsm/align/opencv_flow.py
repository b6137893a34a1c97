"""Dense flow by OpenCV's DIS, for those who have OpenCV and ask for it.

Kroeger et al. 2016, "Fast Optical Flow using Dense Inverse Search". Holes are filled smoothly before,
so that nothing is matched in them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import DeviceError
from ..fills.smooth import smooth_fill
from .flow import pixel_grid, sample_at

_LEAST_SIDE = 16
"""DIS needs patches of 8 pixels on a pyramid."""


def dis_flow(
    frames: Tensor, known: Tensor, others: Tensor, others_known: Tensor, start: Tensor
) -> tuple[Tensor, Tensor]:
    """Find where each pixel of `frames` lies in `others`; see `flow.dense_flow`.

    Raises:
        DeviceError: OpenCV is not installed.
    """
    try:
        import cv2
    except ImportError as error:
        raise DeviceError(
            "Expected OpenCV for the flow 'dis', found none; install opencv-python-headless or take "
            "the built-in flow."
        ) from error
    if min(frames.shape[-2:]) < _LEAST_SIDE:
        return start, torch.zeros_like(known)
    finder = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    ours, theirs = smooth_fill(frames, 1 - known), smooth_fill(others, 1 - others_known)
    found = []
    for one, other, guess in zip(ours, theirs, start, strict=True):
        pair = [(x[0].clamp(0, 1) * 255).round().byte().cpu().numpy() for x in (one, other)]
        first = guess.permute(1, 2, 0).float().cpu().contiguous().numpy().copy()
        found.append(torch.from_numpy(finder.calc(*pair, first)).permute(2, 0, 1))
    flow = torch.stack(found).to(frames)
    grid = pixel_grid(*frames.shape[-2:], frames)
    seen = sample_at(others_known, grid + flow, padding="zeros") > 0.99
    return flow, known * seen
