"""Dense flow by RAFT from torchvision, an option for those who have it and its weights.

Teed and Deng 2020, "RAFT: Recurrent All-Pairs Field Transforms for Optical Flow", the small model.
Not verified on the real weights.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ..fills.averaging import size_of
from ..fills.smooth import smooth_fill
from ..torchvision_networks import load_torchvision
from .sampling import KNOWN, pixel_grid, sample_at

_LEAST_SIDE = 128  # RAFT correlates eighths of the frame over four levels


def load_raft(device: torch.device) -> Callable[..., tuple[Tensor, Tensor]]:
    """Return a function with the arguments and results of `flow.dense_flow`.

    Raises:
        DeviceError: torchvision is missing or does not fit torch.
        WeightsError: its weights are missing, or are not those published.
    """
    network = load_torchvision("raft_small").to(device)

    def flow(
        frames: Tensor, known: Tensor, others: Tensor, others_known: Tensor, start: Tensor
    ) -> tuple[Tensor, Tensor]:
        del start  # RAFT starts at zero
        size = size_of(frames)
        working = [max(_LEAST_SIDE, -(-side // 8) * 8) for side in size]
        pair = [
            interpolate(2 * smooth_fill(x, 1 - k).expand(-1, 3, -1, -1) - 1, size=working)
            for x, k in ((frames, known), (others, others_known))
        ]
        found: Tensor = network(*pair)[-1]
        found = interpolate(found, size=size, mode="bilinear", align_corners=False)
        scale = found.new_tensor([size[1] / working[1], size[0] / working[0]])[:, None, None]
        found = found * scale
        seen = sample_at(others_known, pixel_grid(*size, frames) + found, padding="zeros") > KNOWN
        return found, known * seen

    return flow
