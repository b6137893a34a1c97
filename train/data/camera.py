"""A synthetic camera over a photograph: pan, zoom, rotation and perspective, smooth in time."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample

_SUPER = 2
"""Samples per output pixel and axis: anti-aliasing where the camera downscales."""
_TILT = 0.08
"""Standard deviation of the perspective change over a clip: one side comes nearer by this share;
set by hand, not swept."""


def draw_path(
    size: tuple[int, int],
    shape: tuple[int, int],
    num_frames: int,
    rng: np.random.Generator,
) -> np.ndarray:
    """Draw a smooth camera path.

    Args:
        size: (height, width) of the photograph in pixels.
        shape: (height, width) of the frames.
        num_frames: T, 1 or more.
        rng: drawn from.

    Returns:
        (T,3,3) float32 matrices from output to photograph, both in normalised coordinates -1..1.
    """
    height, width = size
    largest = max(1.0, 0.9 * min(height / shape[0], width / shape[1]))
    scale = rng.uniform(1.0, largest)  # photograph pixels a frame pixel
    view_h, view_w = scale * shape[0], scale * shape[1]
    room_x, room_y = max(width - view_w, 0) / 2, max(height - view_h, 0) / 2
    time = np.linspace(-0.5, 0.5, num_frames)
    speed = rng.uniform(0, 4) * scale * num_frames  # up to 4 px a frame in the result
    angle = rng.uniform(0, 2 * np.pi)
    wobble = rng.normal(0, 1.0, (2, 1)) * np.sin(2 * np.pi * time * rng.uniform(0.5, 2))
    x = rng.uniform(-room_x, room_x) + speed * np.cos(angle) * time + wobble[0]
    y = rng.uniform(-room_y, room_y) + speed * np.sin(angle) * time + wobble[1]
    x, y = np.clip(x, -room_x, room_x), np.clip(y, -room_y, room_y)
    zoom = np.exp(rng.normal(0, 0.08) * time)
    turn = rng.normal(0, 0.1) * time
    tilt = rng.normal(0, _TILT, (2, 1)) * time
    path = np.zeros((num_frames, 3, 3), np.float32)
    # rotation in pixels, so that frames that are not square are not sheared
    path[:, 0, 0] = np.cos(turn) * zoom * view_w / width
    path[:, 0, 1] = -np.sin(turn) * zoom * view_h / width
    path[:, 1, 0] = np.sin(turn) * zoom * view_w / height
    path[:, 1, 1] = np.cos(turn) * zoom * view_h / height
    path[:, 0, 2], path[:, 1, 2] = 2 * x / width, 2 * y / height
    path[:, 2, 0], path[:, 2, 1], path[:, 2, 2] = tilt[0], tilt[1], 1
    return path


def render_path(photograph: Tensor, path: np.ndarray, shape: tuple[int, int]) -> Tensor:
    """Render a photograph as seen by a camera on a path.

    Args:
        photograph: (1,3,H,W) in [0,1].
        path: (T,3,3) of `draw_path`.
        shape: (height, width) of the frames.

    Returns:
        (T,3,height,width) on the photograph's device.
    """
    height, width = _SUPER * shape[0], _SUPER * shape[1]
    like = {"device": photograph.device, "dtype": photograph.dtype}
    y, x = torch.meshgrid(
        (2 * torch.arange(height, **like) + 1) / height - 1,
        (2 * torch.arange(width, **like) + 1) / width - 1,
        indexing="ij",
    )
    points = torch.stack([x, y, torch.ones_like(x)], -1)  # (h,w,3)
    moved = torch.einsum("tij,hwj->thwi", torch.from_numpy(path).to(photograph), points)
    grid = moved[..., :2] / moved[..., 2:]
    fine = grid_sample(
        photograph.expand(len(path), -1, -1, -1),
        grid,
        padding_mode="reflection",
        align_corners=False,
    )
    return avg_pool2d(fine, _SUPER)
