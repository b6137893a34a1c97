"""Residual: how much of the removed object can still be seen in the fill, without any truth.

The measure is ours: the least-squares share of the source's gradients that is found in the result's
gradients, inside the hole.
"""

from __future__ import annotations

from torch import Tensor

from ..box import hole_box


class Residual:
    """Residual of a clip, frame by frame in constant memory.

    1 means that the object is untouched, 0.5 that a ghost of half its contrast is left, 0 that
    nothing like it is there. True background within the mask's margin raises it a little.
    """

    def __init__(self) -> None:
        self._common = self._object = 0.0

    def add(self, original: Tensor, result: Tensor, hole: Tensor) -> None:
        """Take one frame.

        Args:
            original: (3,H,W) in [0,1], with the object.
            result: (3,H,W) in [0,1], filled.
            hole: (1,H,W) 0 or 1, 1 = hole.
        """
        box = hole_box(hole)
        if box is None:
            return
        original, result, hole = (x[:, box.rows, box.columns] for x in (original, result, hole))
        inside = hole[0] > 0
        for dim in (-2, -1):
            size = original.shape[dim] - 1
            pairs = inside.narrow(dim, 0, size) & inside.narrow(dim, 1, size)
            before, after = (
                (x.narrow(dim, 1, size) - x.narrow(dim, 0, size))[:, pairs].double()
                for x in (original, result)
            )
            self._common += float((before * after).sum())
            self._object += float(before.square().sum())

    @property
    def value(self) -> float | None:
        """Return the share; None where the source is flat inside the hole or there is no hole."""
        return self._common / self._object if self._object > 0 else None
