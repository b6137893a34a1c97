"""Boxes, and which part of every layer is needed for an exact result inside a hole's box.

Working backwards from the output, each layer needs only a box of its input; outside it nothing is
computed. Values inside the box are those of the whole-frame forward, because every layer's box is
large enough for the next one and image borders are zero-padded where the layer itself pads.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..models.spec import LAYERS, LayerSpec, TrunkSpec

QUANTUM_PX = 16
"""Hole boxes are widened to multiples of this, so that shapes change rarely while a hole moves."""


@dataclass(frozen=True)
class Box:
    """Half-open rectangle in pixels: rows top..bottom, columns left..right; may leave the frame."""

    top: int
    left: int
    bottom: int
    right: int

    @property
    def height(self) -> int:
        """Number of rows."""
        return self.bottom - self.top

    @property
    def width(self) -> int:
        """Number of columns."""
        return self.right - self.left

    @property
    def area(self) -> int:
        """Number of pixels."""
        return self.height * self.width

    def __or__(self, other: Box | None) -> Box:
        """Return the smallest box around both."""
        if other is None:
            return self
        return Box(
            min(self.top, other.top),
            min(self.left, other.left),
            max(self.bottom, other.bottom),
            max(self.right, other.right),
        )

    __ror__ = __or__

    def __and__(self, other: Box) -> Box:
        """Return the common part; its height or width is 0 or less when there is none."""
        return Box(
            max(self.top, other.top),
            max(self.left, other.left),
            min(self.bottom, other.bottom),
            min(self.right, other.right),
        )

    def grow(self, pixels: int) -> Box:
        """Return the box with so many pixels more on every side."""
        return Box(
            self.top - pixels, self.left - pixels, self.bottom + pixels, self.right + pixels
        )

    def aligned(self, step: int) -> Box:
        """Return the smallest box around this one whose edges are multiples of `step`."""
        return Box(
            self.top // step * step,
            self.left // step * step,
            -(-self.bottom // step) * step,
            -(-self.right // step) * step,
        )

    def within(self, origin: Box) -> tuple[slice, slice]:
        """Return the slices of this box in a tensor that covers `origin`."""
        return (
            slice(self.top - origin.top, self.bottom - origin.top),
            slice(self.left - origin.left, self.right - origin.left),
        )


def hole_box(hole: Tensor) -> Box | None:
    """Return the smallest box around a hole.

    Args:
        hole: (...,h,w), above 0 = hole; leading dimensions are united.

    Returns:
        The box, or None where there is no hole.
    """
    plane = (hole > 0).flatten(0, -3).any(0) if hole.dim() > 2 else hole > 0
    rows, columns = plane.any(1).nonzero(), plane.any(0).nonzero()
    if len(rows) == 0:
        return None
    return Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def union(boxes: list[Box | None]) -> Box | None:
    """Return the smallest box around all boxes, or None when there is none."""
    result: Box | None = None
    for box in boxes:
        if box is not None:
            result = box | result
    return result


@dataclass(frozen=True)
class LayerRegion:
    """What one layer computes.

    frame: the whole input, in its pixels.
    inputs: box of its input it reads; parts outside the frame are zero.
    outputs: box of its output it computes, inside the output frame.
    """

    frame: Box
    inputs: Box
    outputs: Box


def _input_box(layer: LayerSpec, out: Box) -> Box:
    """Return the box of the input that a box of the output reads, unclipped."""
    if layer.upsample:  # 3x3 after x2: fine pixels o-1 ... o+1 lie in coarse pixels around o / 2
        return Box(out.top // 2 - 1, out.left // 2 - 1, out.bottom // 2 + 1, out.right // 2 + 1)
    reach = (layer.kernel - 1) * layer.dilation + 1
    return Box(
        out.top * layer.stride - layer.padding,
        out.left * layer.stride - layer.padding,
        (out.bottom - 1) * layer.stride - layer.padding + reach,
        (out.right - 1) * layer.stride - layer.padding + reach,
    )


def output_size(layer: LayerSpec, size: tuple[int, int]) -> tuple[int, int]:
    """Return (height, width) after a layer."""
    if layer.upsample:
        return 2 * size[0], 2 * size[1]
    reach = (layer.kernel - 1) * layer.dilation + 1
    height, width = ((s + 2 * layer.padding - reach) // layer.stride + 1 for s in size)
    return height, width


def plan_regions(spec: TrunkSpec, size: tuple[int, int], box: Box) -> list[LayerRegion]:
    """Work backwards from the wanted box of the output to the box of the input.

    Args:
        spec: the trunk.
        size: (height, width) of the frames, multiples of `spec.multiple`.
        box: wanted part of the output, inside the frame.

    Returns:
        One region a layer, in the order in which they run.
    """
    sizes = [size]
    for layer in LAYERS:
        sizes.append(output_size(layer, sizes[-1]))
    wanted: dict[str, Box] = {LAYERS[-1].name: box}
    regions: list[LayerRegion] = []
    for index in range(len(LAYERS) - 1, -1, -1):
        layer = LAYERS[index]
        frame = Box(0, 0, *sizes[index + 1])
        out = wanted[layer.name]
        if layer.upsample:  # the transposed form makes whole pairs of rows and columns
            out = out.aligned(2)
        out = out & frame
        inputs = _input_box(layer, out)
        regions.append(LayerRegion(Box(0, 0, *sizes[index]), inputs, out))
        feeds = [LAYERS[index - 1].name] if index else []
        if spec.skips and layer.skip_from:
            feeds.append(layer.skip_from)
        for name in feeds:
            wanted[name] = inputs | wanted.get(name)
    return regions[::-1]
