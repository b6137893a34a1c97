"""A textured square with a soft shadow that crosses a textured ground under a slow pan."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from torch.nn.functional import interpolate

COUNT, HEIGHT, WIDTH = 14, 96, 160
SIDE, TOP, STEP = 24, 30, 8
SHADOW = (slice(TOP + SIDE, TOP + SIDE + 9), 6)
"""Its rows, and how far it is shifted to the right."""
DARKER = 0.55


def texture(height, width, seed, tint):
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 1, height // 5, width // 5, generator=generator)
    grey = interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)[0]
    return (0.5 * grey + 0.5 * torch.tensor(tint).view(3, 1, 1)).clamp(0, 1)


@dataclass
class Shot:
    """Frames (T,3,H,W), the object and its shadow beside it (T,1,H,W), and the ground alone."""

    frames: Tensor
    object: Tensor
    shadow: Tensor
    ground: Tensor


@pytest.fixture(scope="session")
def shot():
    """Return the shot; the object goes to the right."""
    wide = texture(HEIGHT, WIDTH + 2 * COUNT, 1, (0.3, 0.6, 0.3))
    square = texture(SIDE, SIDE, 2, (0.9, 0.3, 0.2))
    ground = torch.stack([wide[..., 2 * t : 2 * t + WIDTH] for t in range(COUNT)])
    frames, masks = ground.clone(), torch.zeros(COUNT, 1, HEIGHT, WIDTH)
    shadows = torch.zeros_like(masks)
    for t in range(COUNT):
        left = 12 + STEP * t
        rows, shift = SHADOW
        shadows[t, :, rows, left + shift : left + shift + SIDE] = 1
        masks[t, :, TOP : TOP + SIDE, left : left + SIDE] = 1
        frames[t] = torch.where(shadows[t] > 0, DARKER * frames[t], frames[t])
        frames[t, :, TOP : TOP + SIDE, left : left + SIDE] = square
    return Shot(frames, masks, shadows, ground)
