"""Which part of every layer is needed for an exact result inside a hole's box.

Working backwards from the output, each layer needs only a box of its input; outside it nothing is
computed. Values inside the box are those of the whole-frame forward, because every layer's box is
large enough for the next one and image borders are zero-padded where the layer itself pads.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

from ..box import Box
from ..models.spec import LAYERS, LayerSpec, TrunkSpec


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
    if (
        layer.upsample
    ):  # 3x3 after x2: fine pixels o-1 ... o+1 are in the coarse pixels around o / 2
        return Box(out.top // 2 - 1, out.left // 2 - 1, out.bottom // 2 + 1, out.right // 2 + 1)
    extent = (layer.kernel - 1) * layer.dilation + 1
    return Box(
        out.top * layer.stride - layer.padding,
        out.left * layer.stride - layer.padding,
        (out.bottom - 1) * layer.stride - layer.padding + extent,
        (out.right - 1) * layer.stride - layer.padding + extent,
    )


def output_size(layer: LayerSpec, size: tuple[int, int]) -> tuple[int, int]:
    """Return (height, width) after a layer."""
    if layer.upsample:
        return 2 * size[0], 2 * size[1]
    extent = (layer.kernel - 1) * layer.dilation + 1
    height, width = ((s + 2 * layer.padding - extent) // layer.stride + 1 for s in size)
    return height, width


@functools.lru_cache(maxsize=64)  # holes stand still or move slowly
def plan_regions(spec: TrunkSpec, size: tuple[int, int], box: Box) -> tuple[LayerRegion, ...]:
    """Work backwards from the wanted box of the output to the box of the input.

    Args:
        spec: the trunk.
        size: (height, width) of the frames, multiples of `spec.multiple`.
        box: wanted part of the output, inside the frame.

    Returns:
        One region per layer, in the order in which they run.
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
    return tuple(regions[::-1])
