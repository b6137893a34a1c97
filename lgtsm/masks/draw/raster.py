"""Rasterise mask kinds, with a target coverage; 1 = hole.

Pillow fills the shapes, so single pixels at edges may differ between its versions.
"""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from ...errors import OptionError
from .free_form import check_clip_size
from .geometry import Geometry, Scene
from .kinds import KINDS, Kind, KindSpec

CLOSE_ENOUGH = 0.03
"""Relative error of the coverage at which the search stops; 10 % are promised."""
PLAIN_TRIALS = 6
"""Proportional steps of the search before it falls back to bisection."""
MAX_TRIALS = 18
"""Steps of the search at most; all three are set by hand, not swept."""


def draw_masks(
    num_frames: int,
    height: int,
    width: int,
    *,
    kind: Kind,
    seed: int,
    coverage_ratio: float | None = None,
    speed: float = 1.0,
) -> Tensor:
    """Draw a clip of masks of one kind.

    Args:
        num_frames: frames of the clip, 1 or more.
        height: of a frame in pixels, 1 or more.
        width: of a frame in pixels, 1 or more.
        kind: what the mask looks like.
        seed: 0 or more; the same seed gives the same clip.
        coverage_ratio: target hole ratio, mean over the clip, within the kind's limits in `KINDS`; met
            within 10 % of itself or 0.003, or as closely as the pixels of a small frame allow. None
            draws a usual coverage and does not adjust it, which is faster.
        speed: factor on all speeds, 0 or more; 0: a static clip.

    Returns:
        Holes (T,1,H,W) float32, 0 or 1, 1 = hole, on the CPU.

    Raises:
        OptionError: a number is outside its range.
    """
    check_clip_size(num_frames, height, width)
    spec = KINDS[kind]
    if seed < 0:
        raise OptionError(f"Expected a seed of 0 or more, got {seed}; choose another.")
    if not 0 <= speed < np.inf:
        raise OptionError(f"Expected a speed of 0 or more, got {speed}; 0 is a static clip.")
    low, high = spec.coverage_limits
    if coverage_ratio is not None and not low <= coverage_ratio <= high:
        raise OptionError(
            f"Expected coverage_ratio from {low} to {high} for {kind.value}, got {coverage_ratio};"
            " choose a coverage in that range or another kind."
        )
    static = speed == 0 or not spec.moves
    rng = np.random.default_rng([seed, *kind.value.encode()])
    target = coverage_ratio
    if target is None:
        target = float(np.exp(rng.uniform(*np.log(spec.usual_coverage))))
    shape_seed = int(rng.integers(2**63))
    scene = Scene(
        num_frames=1 if static else num_frames,
        height=height,
        width=width,
        target=target,
        speed=speed,
    )
    if coverage_ratio is None:
        holes = _drawn(scene, spec, target, shape_seed)
    else:
        holes = _covering(scene, spec, shape_seed)
    clip = torch.from_numpy(holes).to(torch.float32).unsqueeze(1)  # (T,1,H,W)
    return clip.repeat(num_frames, 1, 1, 1) if static else clip


def _covering(scene: Scene, spec: KindSpec, shape_seed: int) -> np.ndarray:
    """Vary the amount until the coverage meets the target; holes (T,H,W) uint8."""
    low, high, amount = 0.0, np.inf, scene.target
    best, best_error = np.empty(0), np.inf
    for trial in range(MAX_TRIALS):
        holes = _drawn(scene, spec, amount, shape_seed)
        covered = np.count_nonzero(holes) / holes.size
        error = abs(covered - scene.target)
        if error < best_error:
            best, best_error = holes, error
        if error <= CLOSE_ENOUGH * scene.target:
            break
        if covered < scene.target:
            low = max(low, amount)
        else:
            high = min(high, amount)
        amount *= np.clip(scene.target / max(covered, 1e-9), 0.25, 4.0)
        if trial >= PLAIN_TRIALS or not low < amount < high:
            amount = (low + high) / 2 if high < np.inf else 2 * low
    return best


def _drawn(scene: Scene, spec: KindSpec, amount: float, shape_seed: int) -> np.ndarray:
    """Lay out the shapes and fill them with Pillow; holes (T,H,W) uint8, 0 or 1."""
    geometry: Geometry = spec.layout(scene, amount, np.random.default_rng(shape_seed))
    holes = np.empty((scene.num_frames, scene.height, scene.width), dtype=np.uint8)
    # whole numbers are pixel centres in Pillow, pixel edges in the geometry
    polygons = [(part - 0.5).reshape(*part.shape[:2], -1).tolist() for part in geometry.polygons]
    boxes = None if geometry.boxes is None else np.round(geometry.boxes).astype(int).tolist()
    for index in range(scene.num_frames):
        image = Image.new("L", (scene.width, scene.height), 0)
        draw = ImageDraw.Draw(image)
        for part in polygons:
            for corners in part[index]:
                if corners[0] == corners[0]:  # not NaN
                    draw.polygon(corners, fill=1)
        for left, top, right, bottom in boxes[index] if boxes else ():
            if right > left and bottom > top:
                draw.rectangle((left, top, right - 1, bottom - 1), fill=1)
        holes[index] = np.asarray(image)
    return holes
