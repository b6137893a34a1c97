"""Render the demo shot: scenery, a passing vehicle, and the truth behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, grid_sample, max_pool2d

from .camera import CameraPath, SceneOptions, plan_camera
from .noise import Array
from .scenery import LAYERS, Layer, paint_layers
from .stage import Stage
from .vehicle import Vehicle, canvas_size, choose_vehicle, draw_vehicle

_SUPER = 2
"""Samples per output pixel along each axis; textures hold as many, so nothing aliases."""
_SHADOW = 0.55
"""Fraction of the light that the vehicle's shadow absorbs."""
_DISTANCES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 40, 48)
"""Offsets of the frames that are searched, both ways; set by hand."""


@dataclass(frozen=True)
class Scene:
    """A rendered shot.

    frames: (T,3,H,W) float32 in [0,1] with the vehicle; truth: the same without it and its shadow;
    mask: (T,1,H,W), 1 = vehicle or its visible shadow; shadow: (T,1,H,W), the part of it that the vehicle
    does not cover; flow: (T-1,2,H,W) forward optical flow (x, y) of the truth in pixels; rate: frames per second; front: (T,H,W) index of the front-most layer; view:
    the camera at every frame.
    """

    frames: Tensor
    truth: Tensor
    mask: Tensor
    shadow: Tensor
    flow: Tensor
    rate: Fraction
    front: Tensor
    view: View


def render_scene(options: SceneOptions, each: Callable[[int], None] | None = None) -> Scene:
    """Render a shot; equal options give equal tensors.

    Args:
        options: what to render.
        each: called before every frame with its index; its exceptions propagate.
    """
    rng = np.random.default_rng([options.seed, 1])
    direction = float(rng.choice([-1.0, 1.0]))
    scale = options.height / 270
    stage = Stage(
        height=options.height,
        width=options.width,
        lane=14.0,
        eye=2.6,
        margin_x=max(8, round(0.27 * options.width)),
        margin_y=max(4, round(24 * scale)),
    )
    textures = paint_layers(stage, options.seed, rng)
    path = plan_camera(options, -direction)
    view = View(stage, path)
    vehicle = choose_vehicle(rng)
    grain = np.random.default_rng([options.seed, 2])
    vignette = _vignette(options.height, options.width)
    frames, truths, fronts, covers = [], [], [], []
    light, front = view.compose(textures, 0)
    for t in range(options.num_frames):
        if each is not None:
            each(t)
        if t > 0 and not view.stands(t - 1, t):
            light, front = view.compose(textures, t)
        cloud = 1 - 0.08 * np.sin(np.pi * (t + 0.5) / options.num_frames) ** 2
        noise = grain.normal(0, 0.006, (1, options.height, options.width)).astype(np.float32)
        exposure, noise = vignette * float(cloud), torch.from_numpy(noise)
        with_vehicle, cover = _drive(light, vehicle, view, t, direction)
        truths.append(_develop(light, exposure, noise))
        frames.append(_develop(with_vehicle, exposure, noise))
        fronts.append(front)
        covers.append(cover)
    frames_, truth = torch.stack(frames), torch.stack(truths)
    differs = ((frames_ - truth).abs().amax(1, keepdim=True) > 1 / 255).float()
    mask, covered = max_pool2d(differs, 3, 1, 1), torch.stack(covers) > 0
    flow = [view.flow(fronts[t], t, t + 1) for t in range(options.num_frames - 1)]
    empty = torch.zeros(0, 2, options.height, options.width)
    moved = torch.stack(flow) if flow else empty
    shadow = differs.masked_fill(covered, 0)
    return Scene(frames_, truth, mask, shadow, moved, options.rate, torch.stack(fronts), view)


def shown_elsewhere(scene: Scene) -> Tensor:
    """Return which pixels of the mask another frame shows.

    Args:
        scene: a rendered shot.

    Returns:
        (T,1,H,W), 1 = in the mask, and the same point of the same layer is visible in another frame:
        outside its mask and not behind another layer.
    """
    shown = torch.zeros_like(scene.mask)
    count, _, height, width = scene.mask.shape
    for t in range(count):
        y, x = torch.nonzero(scene.mask[t, 0] > 0, as_tuple=True)
        if not len(y):
            continue
        found = torch.zeros(len(y), dtype=torch.bool)
        for s in (t + sign * d for d in _DISTANCES for sign in (1, -1)):
            if not 0 <= s < count:
                continue
            moved = scene.view.flow(scene.front[t], t, s)[:, y, x]
            column, row = (x + moved[0]).round().long(), (y + moved[1]).round().long()
            inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
            column, row = column.clamp(0, width - 1), row.clamp(0, height - 1)
            same = scene.front[s, row, column] == scene.front[t, y, x]
            found |= inside & same & (scene.mask[s, 0, row, column] == 0)
        shown[t, 0, y, x] = found.float()
    return shown


def _develop(light: Tensor, exposure: Tensor, grain: Tensor) -> Tensor:
    """Convert linear light (3,H,W) to a picture: exposure, tone curve, grain."""
    x = 0.62 * light * exposure
    curve = (x * (2.51 * x + 0.03)) / (x * (2.43 * x + 0.59) + 0.14)  # Narkowicz 2015, ACES
    return (curve.clamp(0, 1) ** (1 / 2.2) + grain).clamp(0, 1)


def _vignette(height: int, width: int) -> Tensor:
    """Return (1,H,W) factors, 1 in the middle and about 0.8 in the corners."""
    y = torch.linspace(-1, 1, height)[:, None]
    x = torch.linspace(-1, 1, width)[None]
    return (1 - 0.1 * (x * x + y * y))[None]


class View:
    """The camera at every frame: maps output pixels to points of each layer."""

    def __init__(self, stage: Stage, path: CameraPath) -> None:
        self.stage, self.path = stage, path
        self.matrices = path.matrices(stage.height, stage.width)

    def _picture_points(self, t: int, x: Array, y: Array) -> tuple[Array, Array]:
        """Map output pixels to picture pixels, without parallax."""
        m = self.matrices[t]
        return m[0, 0] * x + m[0, 1] * y + m[0, 2], m[1, 0] * x + m[1, 1] * y + m[1, 2]

    def _parallax(self, layer: Layer, t: int, y: Array) -> Array:
        """Return the horizontal displacement of a layer at picture rows y, in pixels."""
        stage, slide = self.stage, self.path.slide[t]
        if layer.distance is None:  # flat ground: nearer rows move more
            return slide * np.maximum(y - stage.horizon, 0) / stage.eye
        return np.full_like(y, slide * stage.focal / layer.distance)

    def stands(self, t: int, s: int) -> bool:
        """Tell whether the camera is the same in two frames, so that the scenery looks the same."""
        same_place = self.path.slide[t] == self.path.slide[s]
        return bool(same_place and np.array_equal(self.matrices[t], self.matrices[s]))

    def compose(self, textures: list[Tensor], t: int) -> tuple[Tensor, Tensor]:
        """Return the linear light (3,H,W) of frame t and the index of the front-most layer (H,W)."""
        stage, fine = self.stage, _SUPER
        ys = (np.arange(stage.height * fine) + 0.5) / fine
        xs = (np.arange(stage.width * fine) + 0.5) / fine
        y, x = np.meshgrid(ys, xs, indexing="ij")
        px, py = self._picture_points(t, x, y)
        light = torch.zeros(3, stage.height, stage.width)
        front = torch.zeros(stage.height, stage.width, dtype=torch.long)
        for index, (layer, texture) in enumerate(zip(LAYERS, textures, strict=True)):
            u, v = stage.to_texel(px + self._parallax(layer, t, py), py)
            rows, columns = stage.canvas
            grid = np.stack([2 * u / columns - 1, 2 * v / rows - 1], -1).astype(np.float32)
            sampled = grid_sample(
                texture[None],
                torch.from_numpy(grid)[None],
                padding_mode="border",
                align_corners=False,
            )
            rgba = avg_pool2d(sampled, fine)[0]
            light = rgba[:3] + light * (1 - rgba[3:])
            front = torch.where(rgba[3] > 0.5, index, front)
        return light, front

    def to_output(self, t: int, x: float, y: float, layer: Layer) -> tuple[float, float]:
        """Map a point of a layer at rest to output pixels at frame t."""
        x = x - float(self._parallax(layer, t, np.array([y]))[0])
        inverse = np.linalg.inv(self.matrices[t])
        moved = inverse @ np.array([x, y, 1.0])
        return float(moved[0]), float(moved[1])

    def flow(self, front: Tensor, t: int, s: int) -> Tensor:
        """Return the flow (2,H,W) of the front-most layer (H,W) of frame t to frame s."""
        stage = self.stage
        y, x = np.meshgrid(
            np.arange(stage.height) + 0.5, np.arange(stage.width) + 0.5, indexing="ij"
        )
        px, py = self._picture_points(t, x, y)
        inverse = np.linalg.inv(self.matrices[s])
        result = np.zeros((2, stage.height, stage.width), np.float32)
        for index, layer in enumerate(LAYERS):
            qx = px + self._parallax(layer, t, py) - self._parallax(layer, s, py)
            moved_x = inverse[0, 0] * qx + inverse[0, 1] * py + inverse[0, 2]
            moved_y = inverse[1, 0] * qx + inverse[1, 1] * py + inverse[1, 2]
            here = (front == index).numpy()
            result[0][here], result[1][here] = (moved_x - x)[here], (moved_y - y)[here]
        return torch.from_numpy(result)


def _drive(
    light: Tensor, vehicle: Vehicle, view: View, t: int, direction: float
) -> tuple[Tensor, Tensor]:
    """Composite the vehicle and its shadow of frame t over the light (3,H,W).

    Returns:
        Light (3,H,W), and what the vehicle covers, (1,H,W) in 0..1.
    """
    stage, count = view.stage, len(view.path.zoom)
    zoom = float(view.path.zoom[t])
    scale = stage.focal / stage.lane * zoom
    run = stage.width / (stage.focal / stage.lane) + vehicle.length  # metres from side to side
    share = (t + 0.5) / count
    x_m = direction * run * 0.94 * (share - 0.5)
    roll = direction * run * share / vehicle.wheel
    lift = 0.02 * np.sin(0.9 * t)
    ground = Layer("lane", stage.lane)
    row = stage.ground_row(stage.lane)
    foot_x, foot_y = view.to_output(
        t, stage.width / 2 + x_m * stage.focal / stage.lane, row, ground
    )
    width, height = canvas_size(vehicle, scale)
    left, top = int(np.floor(foot_x - width / 2)), int(np.floor(foot_y - height + 3))
    offset = (foot_x - width / 2 - left, foot_y - height + 3 - top)
    rgba = draw_vehicle(vehicle, scale, direction * roll, lift, offset)
    if direction < 0:
        mirrored = (1 - offset[0] if offset[0] else 0.0, offset[1])
        rgba = draw_vehicle(vehicle, scale, -direction * roll, lift, mirrored)[:, ::-1].copy()
        left += 1 if offset[0] else 0
    picture = torch.from_numpy(rgba).permute(2, 0, 1)
    result = light * (1 - _SHADOW * _shadow(stage, vehicle, foot_x, foot_y, scale))
    cover = torch.zeros_like(result[:1])
    y0, y1 = max(top, 0), min(top + height, stage.height)
    x0, x1 = max(left, 0), min(left + width, stage.width)
    if y0 < y1 and x0 < x1:
        part = picture[:, y0 - top : y1 - top, x0 - left : x1 - left]
        colour = 1.5 * part[:3] ** 2.2  # linear light; the tone curve darkens mid-tones again
        under = result[:, y0:y1, x0:x1]
        result[:, y0:y1, x0:x1] = part[3:] * colour + (1 - part[3:]) * under
        cover[:, y0:y1, x0:x1] = part[3:]
    return result, cover


def _shadow(stage: Stage, vehicle: Vehicle, x: float, y: float, scale: float) -> Tensor:
    """Return the shadow (1,H,W) in 0..1: soft, under the vehicle, longer on one side."""
    rows = torch.arange(stage.height)[:, None] + 0.5
    columns = torch.arange(stage.width)[None] + 0.5
    across = (columns - x - 0.12 * vehicle.length * scale) / (0.56 * vehicle.length * scale)
    along = (rows - y - 0.06 * scale) / (0.30 * scale)
    distance = across.abs().pow(4) + along.square()
    soft = (1.25 - distance).clamp(0, 1)
    return (soft * soft * (3 - 2 * soft))[None]
