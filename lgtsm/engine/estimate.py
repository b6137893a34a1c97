"""How much memory a job will take, before it starts."""

from __future__ import annotations

import math
from numbers import Integral

from ..align.track import FLOW_SIDE, links_together
from ..box import Box
from ..copying.shot import SURROUND_PX, packs
from ..errors import OptionError, shown
from ..models.combcn_spec import COMBCN_LAYERS, FRAME_LAYERS, VIDEO_LAYERS, CombLayer
from ..models.spec import (
    FAMILIES,
    LAYERS,
    SMOOTHING_FRAMES,
    ChnSpec,
    CombCNSpec,
    LayerSpec,
    NetworkSpec,
    TrunkSpec,
)
from ..options import InpaintOptions, Mode, Motion
from .fitting import plan_fit
from .policy import choose_policy
from .region import LayerRegion, plan_regions
from .window_stream import window_frames, window_regions

_FLOAT = 4
_PIXEL = 3 * _FLOAT + 1
"""Bytes of a pixel of a frame that waits: three colours, hole or not."""
_PACKED_PIXEL = 3 * _FLOAT // 2 + 1
"""The same of a working frame that is packed while others may be copied from it."""
_LENT = 3 * _FLOAT
"""Bytes of a hole's pixel and source frame that lends it detail: coordinates and weight."""
_LINK = 4 * _FLOAT // 2
"""Bytes of a pixel of a link between frames: flow both ways, half floats."""
_TRACKING = 280
"""Bytes of a pixel while links are measured, for each of them."""
_CANDIDATE = 17 * _FLOAT
"""Bytes of a pixel of a frame's candidate."""
_COPY = 330
"""Bytes of a pixel and source frame while copies are blended: coordinates, colours, differences,
errors and agreement, several at a time (fitted to the peaks of `tests/engine/test_estimate.py`)."""
_COMPLETED, _COMPLETED_HOLE = 540, 4100
"""Bytes of a pixel, and in addition of a hole's pixel, while a key frame is completed (measured at
432x240 and 960x540, holes of 5 to 30 %)."""
_PAINTED = 4 * 64 * _FLOAT
"""Bytes of a pixel while a frame is painted: four maps of 64 channels at once."""
_BAND = 3
"""Bytes of a source pixel's fine detail, kept where the working size is smaller."""
_ALLOCATOR = 1.08
"""What an allocator holds beyond what is in use (measured)."""
_ALLOCATOR_COPIES, _SCATTERED_FROM, _SCATTERED_UNTIL = 1.68, 40, 150
"""The same in main memory where frames are copied from each other: between what waits, gaps remain. They grow from
about the 40th frame to the 150th of a shot (fitted to four runs each of 40, 70, 90 and 130 frames and nine of 60 at
320x180, and to one of 130 at 640x360; runs of the same job peak up to 15 % from their mean)."""
_ALLOCATOR_REDUCED = 1.75
"""The same where frames are filled at a reduced size, at any length: what waits at source size lies between what comes
and goes (fitted to 130 frames with a hole of 8 %, `lgtsm bench --preset memory`: 1920x1080 peaked at 4.5 and 4.9 GB in
two runs, 3840x2160 at 7.7; for short clips it is too much)."""
_ALLOCATOR_WINDOWS = 2.1
"""The same in main memory where large tensors of many sizes follow each other, as in CombCN: glibc
keeps the gaps between them (measured; with MALLOC_MMAP_THRESHOLD_ set it returns them)."""

_KEPT_BETWEEN = 0.3
"""Fraction of the copies' memory that an allocator still holds while the network runs (measured)."""


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
        num_frames: T; beyond the reach, the network's context and a chunk, more take no more memory.
        height: of the source frames.
        width: of the source frames.
        options: as for `inpaint`.
        spec: of the network; None is the default's family at its usual width.
        hole_ratio: fraction of the frame that the box around all holes covers, 0..1; the default is
            the worst case.

    Returns:
        Bytes on the device that computes; on a CPU this is main memory.

    Raises:
        OptionError: no frames, no pixels, or a ratio outside its range.
    """
    sizes = (num_frames, height, width)
    if not all(isinstance(size, Integral) and size > 0 for size in sizes):
        raise OptionError(
            "Expected num_frames, height and width of 1 or more, got "
            f"{', '.join(map(shown, sizes))}; give those of the clip."
        )
    if not 0 <= hole_ratio <= 1:
        raise OptionError(
            f"Expected hole_ratio between 0 and 1, got {shown(hole_ratio)}; 1 is the worst case."
        )
    options = options or InpaintOptions()
    spec = spec or FAMILIES["refine"]
    fit = plan_fit((height, width), max_side=options.run.max_side, multiple=spec.trunk.multiple)
    policy = choose_policy(options.run, fit.padded, ())
    box = _centred(fit.padded, hole_ratio)
    pixels = fit.padded[0] * fit.padded[1]
    past, future = spec.trunk.context
    if options.mode is Mode.COPY:
        past = future = 0
    near, reach = options.source_frames, options.reach
    if (options.mode is Mode.FILL and not spec.paints) or near == 0 or reach == 0:
        near = reach = 0
    window = reach + SMOOTHING_FRAMES if near else 0
    # the network waits for what copies leave of the frames it influences
    passing = past + future + policy.chunk
    kept = min(num_frames, max(window + policy.chunk, passing) + window)
    # a window waits until it is full
    ahead = window_frames(policy.chunk) if spec.trunk.in_windows else 0
    waiting = min(num_frames, passing + ahead + window)
    working = kept * pixels * (_PACKED_PIXEL if packs(fit.padded, copies=near > 0) else _PIXEL)
    is_tracked = near > 0 and options.motion in (Motion.AUTO, Motion.FLOW)
    measured = fit.padded
    while max(measured) > FLOW_SIDE:  # flow is measured at half size until it fits
        measured = (measured[0] // 2, measured[1] // 2)
    links = kept * _LINK + min(links_together(measured), kept) * _TRACKING
    tracking = math.prod(measured) * links if is_tracked else 0
    bands = kept * height * width * _BAND if fit.resized and near else 0
    working += tracking + bands
    sources = waiting * height * width * hole_ratio * _PIXEL
    copies = min(near, max(0, num_frames - 1))
    frame = Box(0, 0, *fit.padded)
    crop = (box.grow(SURROUND_PX) & frame).area
    blending = copies * crop * _COPY
    if options.synthesises:
        # after the copies of the same frame, which are no longer needed then
        blending = max(blending, pixels * _COMPLETED + box.area * _COMPLETED_HOLE)
    is_main = policy.device.type == "cpu"
    allocator = _ALLOCATOR
    if is_main and near:
        allocator = _ALLOCATOR_REDUCED if fit.resized else _scattered(num_frames)
    if options.mode is Mode.COPY:
        return int(allocator * (working + sources + blending))
    if isinstance(spec.trunk, ChnSpec):
        return int(allocator * (working + sources + max(blending, pixels * _PAINTED)))
    if isinstance(spec.trunk, CombCNSpec):
        numbers = _window_numbers(spec.trunk, fit.padded, box, num_frames, policy.chunk)
        parts = working + sources + blending + numbers * policy.dtype.itemsize
        return int((_ALLOCATOR_WINDOWS if is_main else _ALLOCATOR) * parts)
    regions = plan_regions(spec.trunk, fit.padded, box)
    read = (regions[0].inputs & frame).area
    count, size = min(num_frames, policy.chunk), policy.dtype.itemsize
    lent = min(near, max(0, num_frames - 1)) * _LENT if fit.resized else 0
    held = box.area * (_CANDIDATE + lent) if near else 0
    candidate = min(num_frames, passing) * held
    stacked = 2 * count * spec.trunk.inputs * read * _FLOAT
    steady = _state_bytes(spec.trunk, regions, num_frames, count, size)
    step = _step_bytes(spec.trunk, regions, count, size)
    # copies are blended before the network runs, but an allocator returns little in between
    both = max(blending, step) + _KEPT_BETWEEN * min(blending, step)
    parts = working + sources + candidate + steady + stacked + both
    return int(allocator * parts)


def _scattered(num_frames: int) -> float:
    """Return what glibc holds beyond what is in use after some frames with copies."""
    share = (num_frames - _SCATTERED_FROM) / (_SCATTERED_UNTIL - _SCATTERED_FROM)
    return _ALLOCATOR + (_ALLOCATOR_COPIES - _ALLOCATOR) * min(max(share, 0.0), 1.0)


def _centred(size: tuple[int, int], ratio: float) -> Box:
    """Return a centred box that covers a fraction of the frame, on multiples of 4."""
    height, width = (max(4, round(side * math.sqrt(ratio) / 4) * 4) for side in size)
    top, left = (size[0] - height) // 8 * 4, (size[1] - width) // 8 * 4
    return Box(top, left, top + height, left + width)


def _reach(trunk: TrunkSpec, layer: LayerSpec) -> tuple[int, int, int]:
    """Return how many frames a layer reads (before, after), and channels of those before."""
    inputs = trunk.channels(layer)[0]
    if trunk.kernel_frames > 1:
        return trunk.kernel_frames // 2, trunk.kernel_frames // 2, inputs
    shift = trunk.layer_shift(layer)
    return shift.past, shift.future, shift.groups * shift.shifted(inputs)


def _state_bytes(
    trunk: TrunkSpec, regions: tuple[LayerRegion, ...], num_frames: int, chunk: int, size: int
) -> int:
    """Return what the layers keep between steps: waiting frames, past channels, skips."""
    total = 0.0
    delay = 0
    delays: dict[str, int] = {}
    for layer, region in zip(LAYERS, regions, strict=True):
        past, future, kept = _reach(trunk, layer)
        inputs = trunk.channels(layer)[0]
        area = (region.inputs & region.frame).area
        total += area * size * (future * inputs + past * kept)
        delay += future
        delays[layer.name] = delay
        if trunk.skips and layer.skip_from:
            waiting = min(num_frames, delay - delays[layer.skip_from] + chunk)
            total += waiting * area * size * (inputs // 2)
    return int(total)


def _step_bytes(trunk: TrunkSpec, regions: tuple[LayerRegion, ...], count: int, size: int) -> int:
    """Return the most that one layer's step holds at once."""
    most = 0
    arriving = 0
    branches = 1 + trunk.gated
    for layer, region in zip(LAYERS, regions, strict=True):
        past, future, kept = _reach(trunk, layer)
        inputs, outputs = trunk.channels(layer)
        frames = count + future
        buffer = frames * region.inputs.area * inputs * size
        row = (frames + past + future) * region.inputs.area * kept * size
        if trunk.kernel_frames > 1:  # nothing is shifted, the buffer is all there is
            buffer, row = buffer + past * region.inputs.area * inputs * size, 0
        one = count * region.outputs.area * outputs * size
        leaving = branches * one
        # one frame of the kernel is convolved while the sum of the others waits
        adding = one if trunk.kernel_frames > 1 else 0
        # measured: a transposed convolution holds twice its output more while it runs
        scratch = 4 * one if layer.upsample else 0
        most = max(most, arriving + buffer + row + leaving + adding + scratch)
        arriving = leaving
    return most


def _window_numbers(
    spec: CombCNSpec, size: tuple[int, int], box: Box, num_frames: int, chunk: int
) -> int:
    """Return how many numbers CombCN holds at once: weights, a window, a layer and what waits."""
    core = min(num_frames, window_frames(chunk))
    window = min(num_frames, core + sum(spec.context))
    wide, narrow = window_regions(spec, Box(0, 0, *size), box)
    kept = min(num_frames, window + chunk) * size[0] * size[1] * spec.inputs
    inputs = kept + window * wide.area * spec.inputs
    video = window * _most_numbers(spec, VIDEO_LAYERS, (wide.height // 2, wide.width // 2))
    full = _most_numbers(spec, FRAME_LAYERS, (narrow.height, narrow.width))
    frames = min(num_frames, chunk) * full
    guides = window * wide.area // 4 * 3
    weights = sum(
        layer.kernel ** (3 if layer in VIDEO_LAYERS else 2) * math.prod(spec.channels(layer))
        for layer in COMBCN_LAYERS
    )
    results = 2 * core * box.area * spec.outputs
    return weights + inputs + max(video, guides + frames) + results


def _most_numbers(spec: CombCNSpec, layers: tuple[CombLayer, ...], size: tuple[int, int]) -> int:
    """Return the most numbers per frame that one of CombCN's bodies holds at once."""
    last_use = {name: layer.name for layer in layers for name in layer.also}
    kept: dict[str, int] = {}
    sizes: dict[str, tuple[int, int]] = {}
    most, arriving = 0, spec.inputs * size[0] * size[1]
    for layer in layers:
        inputs, outputs = spec.channels(layer)
        joined = inputs * size[0] * size[1] if layer.also else 0
        waiting = sum(kept.values())
        if layer.transposed:
            size = sizes[layer.fits]
        else:
            size = (-(-size[0] // layer.stride), -(-size[1] // layer.stride))
        sizes[layer.name] = size
        leaving = outputs * size[0] * size[1]
        # measured: a convolution allocates its output twice while it runs
        most = max(most, waiting + arriving + joined)
        most = max(most, waiting + (joined or arriving) + 2 * leaving)
        kept = {name: held for name, held in kept.items() if last_use[name] != layer.name}
        if layer.name in last_use:
            kept[layer.name] = leaving
        arriving = leaving
    return most
