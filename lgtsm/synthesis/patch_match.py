"""The completion of pypatchmatch, an option for those who have it, to compare with.

Barnes et al. 2009 with the voting of Wexler et al. 2007, in C++.
"""

# pypatchmatch is optional, and untyped where it is not installed
# pyright: reportMissingImports=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false

from __future__ import annotations

import torch
from torch import Tensor

from ..errors import DeviceError, WeightsError
from .complete import Completion

_PATCH_RADIUS = 2
"""Patches of 5x5 pixels, as the built-in completion compares."""


def check_patch_match() -> None:
    """Raise DeviceError where pypatchmatch is missing or does not load."""
    try:
        import patchmatch
    except ImportError as error:
        raise DeviceError(
            "Expected pypatchmatch for the synthesiser of that name, found none; install it with pip "
            "install pypatchmatch, or name another."
        ) from error
    if not patchmatch.patchmatch_available:
        raise DeviceError(
            "Expected a pypatchmatch that fits this system, got one that does not load; install it "
            "again, or name another synthesiser."
        )


def complete_by_patch_match(
    picture: Tensor, hole: Tensor, trusted: Tensor, *, seed: int = 0
) -> Completion:
    """Complete the hole of one picture, in steps of 1/255; see `Synthesiser`.

    Raises:
        WeightsError: pypatchmatch finds no solution, as where nothing is trusted.
    """
    import patchmatch

    missing = hole > 0
    bytes_ = (picture[0].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).cpu().numpy()
    mask, barred = ((x[0, 0] > 0).byte().cpu().numpy() for x in (hole, 1 - hole - trusted))
    patchmatch.set_random_seed(seed)
    try:
        made = patchmatch.inpaint(bytes_, mask, global_mask=barred, patch_size=_PATCH_RADIUS)
    except (ValueError, RuntimeError) as error:
        raise WeightsError(
            f"Expected a completion from pypatchmatch, got: {str(error)[:200].rstrip('.')}; use the "
            "built-in synthesis for this shot."
        ) from error
    filled = torch.from_numpy(made).permute(2, 0, 1)[None].to(picture) / 255
    sources = torch.full_like(hole, -1, dtype=torch.long)
    return Completion(torch.where(missing, filled, picture), sources)
