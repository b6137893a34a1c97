"""Golden vectors of the neighbour networks: whole beside the checkout, sampled inside it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from lgtsm.models.neighbours.frames import Views

HERE = Path(__file__).resolve().parents[2] / "golden" / "neighbours"
SHARED = HERE.parents[3] / "shared" / "golden" / "neighbours"
ATOL = 1e-4
"""Of the golden README, for flows, correlation, CPN and guided inpainting."""
CHN_ATOL = 2e-5
MASKS = 0.002
"""Share of a mask's pixels that may differ: thresholds and nearest samples depend on the hardware."""


class Vectors:
    """One file of golden vectors.

    Args:
        name: of the file, without suffix.
    """

    def __init__(self, name: str) -> None:
        whole = SHARED / f"{name}.npz"
        stored = dict(np.load(whole if whole.is_file() else HERE / f"{name}.npz"))
        self._steps = {key.partition("@")[0]: int(key.partition("@")[2] or 1) for key in stored}
        self._values = {key.partition("@")[0]: value for key, value in stored.items()}

    @property
    def names(self) -> list[str]:
        """Names of all arrays."""
        return list(self._values)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __getitem__(self, name: str) -> np.ndarray:
        """Return a whole array, which is what inputs and small results are."""
        assert self._steps[name] == 1
        return self._values[name]

    def tensor(self, name: str) -> Tensor:
        """Return a whole array in float32."""
        return torch.from_numpy(self[name]).float()

    def clip(self, prefix: str = "", repeats: int = 1) -> tuple[Tensor, Tensor]:
        """Return frames (B,T,3,h,w) and holes; every stored pixel stands for repeats x repeats."""
        frames, holes = self.tensor(f"{prefix}video_u8") / 255, self.tensor(f"{prefix}hole_u8")
        return spread(frames, repeats), spread(holes, repeats)

    def views(self, prefix: str = "", repeats: int = 1) -> Views:
        """Return frame 0 and the others, its references."""
        return Views.of_clip(*self.clip(prefix, repeats), 0)

    def assert_near(self, found: Tensor, name: str, atol: float = ATOL) -> None:
        """Compare a result with what is stored of it."""
        expected = self._values[name]
        if self._steps[name] > 1:
            found = found.reshape(-1)[:: self._steps[name]]
        else:
            assert tuple(found.shape) == expected.shape
        difference = (found.double() - torch.from_numpy(expected).double()).abs()
        if name.endswith("_u8"):
            assert float((difference > 0).double().mean()) <= MASKS, name
        else:
            assert float(difference.max()) <= atol, name


def spread(x: Tensor, repeats: int) -> Tensor:
    """Repeat every pixel in a square."""
    return x.repeat_interleave(repeats, -1).repeat_interleave(repeats, -2)
