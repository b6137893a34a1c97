"""A textured square on a textured background, both moving, with the true mask."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import interpolate

COUNT, HEIGHT, WIDTH, SIDE = 10, 96, 160, 36


def _texture(height, width, seed, tint):
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 1, height // 6, width // 6, generator=generator)
    grey = interpolate(coarse, (height, width), mode="bicubic").clamp(0, 1)[0]
    return (0.5 * grey + 0.5 * torch.tensor(tint).view(3, 1, 1)).clamp(0, 1)


@pytest.fixture(scope="session")
def background():
    """Return frames (T,3,H,W) of the camera's slow pan."""
    behind = _texture(HEIGHT, WIDTH + 2 * COUNT, 1, (0.2, 0.6, 0.3))
    return torch.stack([behind[..., number : number + WIDTH] for number in range(COUNT)])


@pytest.fixture(scope="session")
def moving(background):
    """Return frames (T,3,H,W) and masks (T,1,H,W): the square goes right, the camera pans slowly."""
    square = _texture(SIDE, SIDE, 2, (0.8, 0.3, 0.2))
    frames, masks = [], []
    for number in range(COUNT):
        frame, mask = background[number].clone(), torch.zeros(1, HEIGHT, WIDTH)
        rows, columns = slice(30, 30 + SIDE), slice(20 + 6 * number, 20 + 6 * number + SIDE)
        frame[:, rows, columns] = square
        mask[:, rows, columns] = 1
        frames.append(frame)
        masks.append(mask)
    return torch.stack(frames), torch.stack(masks)
