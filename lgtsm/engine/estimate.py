"""How much memory a job will take, before it starts."""

from __future__ import annotations

import math

from ..box import Box
from ..fills.evidence import SURROUND_PX
from ..models.spec import FAMILIES, LAYERS, NetworkSpec
from ..options import InpaintOptions, Mode
from .fitting import plan_fit
from .policy import choose_policy
from .region import LayerRegion, plan_regions

_FLOAT = 4
_PIXEL = 4 * _FLOAT
"""Bytes of a pixel of a working frame: three colours and the hole, float32."""
_EVIDENCE = 14 * _FLOAT
"""Bytes of a pixel of a frame's evidence."""
_REFERENCE = 21 * _FLOAT
"""Bytes of a pixel and reference while evidence is weighed: the copies, their holes, twice (as
gathered and in order), differences, squares, errors, weights and weighted copies."""
_ALLOCATOR = 1.08
"""What an allocator holds beyond what is in use (measured)."""


def estimate(
    num_frames: int,
    height: int,
    width: int,
    options: InpaintOptions | None = None,
    spec: NetworkSpec | None = None,
    *,
    hole_ratio: float = 1.0,
) -> int:
    """Return the peak memory of a job beyond the caller's own frames and the loaded libraries.

    Args:
        num_frames: T; beyond some 130 frames more of them take no more memory.
        height: of the source frames.
        width: of the source frames.
        options: as for `inpaint`.
        spec: of the network; None is the default's family at its usual width.
        hole_ratio: share of the frame that the box around all holes covers, 0..1; the default is
            the worst case.

    Returns:
        Bytes on the device that computes; on a CPU this is main memory.
    """
    options = options or InpaintOptions()
    spec = spec or FAMILIES["refine"]
    fit = plan_fit((height, width), max_side=options.run.max_side, multiple=4)
    policy = choose_policy(options.run, fit.padded, ())
    box = _centred(fit.padded, hole_ratio)
    pixels = fit.padded[0] * fit.padded[1]
    past, future = spec.trunk.context
    if options.mode is Mode.COPY:
        past = future = 0
    near, reach = options.num_references, options.reach
    if options.mode is Mode.FILL or near == 0:
        near = reach = 0
    lookahead = max(near, reach, past)
    kept = min(num_frames, max(near, reach, future) + policy.chunk + lookahead)
    waiting = min(num_frames, future + policy.chunk + lookahead)
    working = kept * pixels * _PIXEL
    sources = waiting * height * width * hole_ratio * _PIXEL
    references = min(2 * near, max(0, num_frames - 1))
    frame = Box(0, 0, *fit.padded)
    crop = (box.grow(SURROUND_PX) & frame).area
    if options.mode is Mode.COPY:
        return int(_ALLOCATOR * (working + sources + references * crop * _REFERENCE))
    regions = plan_regions(spec.trunk, fit.padded, box)
    read = (regions[0].inputs & frame).area
    count, size = min(num_frames, policy.chunk), policy.dtype.itemsize
    weighing = references * (read if spec.starts_from_fill else crop) * _REFERENCE
    evidence = min(num_frames, future + policy.chunk) * box.area * _EVIDENCE if near else 0
    stacked = 2 * count * spec.trunk.inputs * read * _FLOAT
    steady = _state_bytes(spec, regions, num_frames, count, size)
    passing = _step_bytes(spec, regions, count, size)
    parts = working + sources + evidence + steady + weighing + stacked + passing
    return int(_ALLOCATOR * parts)


def _centred(size: tuple[int, int], ratio: float) -> Box:
    """Return a box of a share of the frame, in its middle, on multiples of 4."""
    height, width = (max(4, round(side * math.sqrt(ratio) / 4) * 4) for side in size)
    top, left = (size[0] - height) // 8 * 4, (size[1] - width) // 8 * 4
    return Box(top, left, top + height, left + width)


def _state_bytes(
    spec: NetworkSpec, regions: list[LayerRegion], num_frames: int, chunk: int, size: int
) -> int:
    """Return what the layers keep between steps: waiting frames, past channels, skips."""
    total = 0.0
    delay = 0
    delays = {}
    for layer, region in zip(LAYERS, regions, strict=True):
        shift = spec.trunk.layer_shift(layer)
        inputs = spec.trunk.channels(layer)[0]
        shifted = shift.groups * shift.shifted(inputs)
        area = (region.inputs & region.frame).area
        total += area * size * (shift.future * inputs + shift.past * shifted)
        delay += shift.future
        delays[layer.name] = delay
        if spec.trunk.skips and layer.skip_from:
            waiting = min(num_frames, delay - delays[layer.skip_from] + chunk)
            total += waiting * area * size * (inputs // 2)
    return int(total)


def _step_bytes(spec: NetworkSpec, regions: list[LayerRegion], count: int, size: int) -> int:
    """Return the most that one layer's step holds at once."""
    most = 0
    arriving = 0
    for layer, region in zip(LAYERS, regions, strict=True):
        shift = spec.trunk.layer_shift(layer)
        inputs, outputs = spec.trunk.channels(layer)
        shifted = shift.groups * shift.shifted(inputs)
        frames = count + shift.future
        buffer = frames * region.inputs.area * inputs * size
        row = (frames + shift.past + shift.future) * region.inputs.area * shifted * size
        leaving = 2 * count * region.outputs.area * outputs * size
        # measured: a transposed convolution holds twice its output more while it runs
        scratch = 2 * leaving if layer.upsample else 0
        most = max(most, arriving + buffer + row + leaving + scratch)
        arriving = leaving
    return most
