"""The slot for whatever completes a picture: the built-in completion, a still-image model, another tool."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from .complete import Completion


class Synthesiser(Protocol):
    """Completes one picture; the same arguments give the same result."""

    def __call__(
        self, picture: Tensor, hole: Tensor, trusted: Tensor, *, seed: int = 0
    ) -> Completion:
        """Complete the hole of one picture.

        Args:
            picture: (1,3,h,w) in [0,1]; values in the hole are a first guess.
            hole: (1,1,h,w) 0 or 1, 1 = to be completed.
            trusted: (1,1,h,w) 0 or 1, 1 = may be copied from; ignored in the hole.
            seed: of random numbers.

        Returns:
            The completion, unchanged outside the hole; its sources are -1 where it copies nothing.

        Raises:
            WeightsError: no usable result.
        """
        ...
