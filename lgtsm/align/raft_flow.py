"""Dense flow by RAFT from torchvision, an option for those who have it and its weights.

Teed and Deng 2020, "RAFT: Recurrent All-Pairs Field Transforms for Optical Flow", the small model.
Not verified on the real weights.
"""

# torchvision is optional, and untyped where it is not installed
# pyright: reportMissingImports=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn.functional import interpolate

from ..errors import DeviceError
from ..fills.averaging import size_of
from ..fills.smooth import smooth_fill
from .sampling import KNOWN, pixel_grid, sample_at

_LEAST_SIDE = 128  # RAFT correlates eighths of the frame over four levels


def load_raft(device: torch.device) -> Callable[..., tuple[Tensor, Tensor]]:
    """Return a function with the arguments and results of `flow.dense_flow`.

    Raises:
        DeviceError: torchvision or its weights are missing.
    """
    try:
        from torchvision.models.optical_flow import Raft_Small_Weights, raft_small

        network = raft_small(weights=Raft_Small_Weights.DEFAULT).eval().to(device)
    except (ImportError, OSError) as error:
        raise DeviceError(
            f"Expected torchvision and its RAFT weights for the flow 'raft', got: {error}; install "
            "torchvision, let it download them once, or use the built-in flow."
        ) from error

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
