"""End-point errors of optical flow where the true flow is known, beside OpenCV's DIS."""

from __future__ import annotations

import torch
from torch import Tensor

from ...align.homography import to_grey
from ...align.opencv_flow import dis_flow
from ...align.sampling import length, pixel_grid
from ...align.track import Track
from ...fills.averaging import size_of
from ...fills.smooth import smooth_fill
from ..metrics.opencv_baselines import has_opencv
from .tracing import completed

MOTIONS = {
    "lgtsm": "this package, frames with the hole",
    "dis": "OpenCV DIS, frames with the hole filled smoothly, completed in the hole",
    "dis_clean": "OpenCV DIS, frames without the vehicle",
}
"""Estimator and its input, as in the tables."""


@torch.inference_mode()
def motion_errors(
    frames: Tensor, holes: Tensor, truth: Tensor, flow: Tensor
) -> dict[str, list[float]]:
    """Estimate the flow from every frame to the next one and measure its error.

    Args:
        frames: (T,3,H,W) in [0,1], black under the hole.
        holes: (T,1,H,W), 1 = hole.
        truth: (T,3,H,W) without the object.
        flow: (T-1,2,H,W) the true flow, in pixels.

    Returns:
        By key of `MOTIONS`: mean end-point error in pixels over all pixels, and over hole pixels.
    """
    filled = smooth_fill(frames, holes)
    size = size_of(frames)
    track = Track(size, with_flow=True)
    for frame, hole in zip(filled, holes, strict=True):
        track.push(frame[None], hole[None])
    grid = pixel_grid(*size, frames)
    ours = [next(track.follow(t, grid, 1))[1] - grid for t in range(len(flow))]
    found = {"lgtsm": torch.cat(ours)}
    if has_opencv():
        grey, clean = to_grey(filled), to_grey(truth)
        found["dis"] = completed(dis_flow(grey[:-1], grey[1:]), holes[:-1])
        found["dis_clean"] = dis_flow(clean[:-1], clean[1:])
    hidden = holes[:-1]
    errors = {}
    for name, estimate in found.items():
        error = length(estimate - flow)
        inside = (error * hidden).sum() / hidden.sum().clamp_min(1)
        errors[name] = [float(error.mean()), float(inside)]
    return errors
