"""The moving object: a shaded vehicle with rolling wheels, supersampled."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from .noise import Array

_FINE = 4
"""Supersampling factor along each axis."""
_PAINTS = ((178, 34, 34), (226, 164, 32), (32, 92, 140), (214, 214, 206), (40, 112, 84))
_Point = tuple[float, float]


class VehicleKind(Enum):
    """Body styles."""

    VAN = "van"
    BUS = "bus"
    PICKUP = "pickup"


@dataclass(frozen=True)
class Vehicle:
    """One vehicle, facing positive x; `render` mirrors it.

    kind: body style; paint: (red, green, blue) bytes; length, height: metres; wheel: radius, metres.
    """

    kind: VehicleKind
    paint: tuple[int, int, int]
    length: float
    height: float
    wheel: float


def choose_vehicle(rng: np.random.Generator) -> Vehicle:
    """Choose a vehicle at random."""
    kind = tuple(VehicleKind)[int(rng.integers(len(VehicleKind)))]
    sizes = {
        VehicleKind.VAN: (4.7, 2.15, 0.36),
        VehicleKind.BUS: (5.6, 2.5, 0.42),
        VehicleKind.PICKUP: (5.0, 1.95, 0.4),
    }
    return Vehicle(kind, _PAINTS[int(rng.integers(len(_PAINTS)))], *sizes[kind])


def _outline(vehicle: Vehicle) -> list[_Point]:
    """Return the body's side view in metres from the middle of its underside, y up."""
    half, top = vehicle.length / 2, vehicle.height
    low = 0.32
    if vehicle.kind is VehicleKind.BUS:
        return [(-half, low), (-half, top - 0.25), (-half + 0.3, top), (half - 0.5, top),
                (half - 0.12, top - 0.35), (half, 1.0), (half, low)]  # fmt: skip
    if vehicle.kind is VehicleKind.VAN:
        return [(-half, low), (-half + 0.04, top - 0.2), (-half + 0.3, top), (half - 1.75, top),
                (half - 1.0, 1.28), (half - 0.2, 1.02), (half, 0.8), (half, low)]  # fmt: skip
    return [(-half, low), (-half, 1.08), (-0.35, 1.08), (-0.25, top), (half - 2.0, top),
            (half - 1.35, 1.12), (half - 0.15, 0.98), (half, 0.78), (half, low)]  # fmt: skip


def _windows(vehicle: Vehicle) -> list[list[_Point]]:
    """Return the panes in the same axes."""
    half, top = vehicle.length / 2, vehicle.height
    if vehicle.kind is VehicleKind.BUS:
        starts = np.linspace(-half + 0.35, half - 1.55, 4)
        panes = [[(x, 1.3), (x, top - 0.35), (x + 0.85, top - 0.35), (x + 0.85, 1.3)]
                 for x in starts.tolist()]  # fmt: skip
        front = [(half - 0.6, 1.15), (half - 0.6, top - 0.3), (half - 0.3, top - 0.35),
                 (half - 0.1, 1.15)]  # fmt: skip
        return [*panes, front]
    if vehicle.kind is VehicleKind.VAN:
        return [[(half - 2.3, 1.28), (half - 2.3, top - 0.2), (half - 1.82, top - 0.2),
                 (half - 1.2, 1.28)]]  # fmt: skip
    return [[(-0.12, 1.14), (-0.08, top - 0.12), (0.45, top - 0.12), (0.45, 1.14)],
            [(0.55, 1.14), (0.55, top - 0.12), (half - 2.08, top - 0.12),
             (half - 1.55, 1.14)]]  # fmt: skip


def _shade(size: tuple[int, int], paint: tuple[int, int, int], y: Array) -> Image.Image:
    """Return the paint lit by sky and ground: bright shoulders, a dark waist."""
    level = 0.55 + 0.5 * np.clip(y, 0, 1) + 0.16 * np.exp(-(((y - 0.62) / 0.05) ** 2))
    level -= 0.18 * np.exp(-(((y - 0.5) / 0.07) ** 2))
    colour = np.clip(level[:, None] * np.array(paint, np.float32), 0, 255).astype(np.uint8)
    strip = np.repeat(colour[:, None], size[0], axis=1)
    return Image.fromarray(strip, "RGB")


def draw_vehicle(
    vehicle: Vehicle, scale: float, roll: float, lift: float, offset: tuple[float, float]
) -> Array:
    """Draw one frame of the vehicle.

    Args:
        vehicle: what to draw.
        scale: pixels a metre.
        roll: angle of the wheels in radians.
        lift: how far the body bobs up, metres.
        offset: sub-pixel position (x, y), 0 to 1 each, of the point under the middle.

    Returns:
        Straight (not premultiplied) RGBA (h,w,4) float32 in 0..1 of `canvas_size`; the point under the
        middle is half the width from the left and 3 pixels from the bottom, plus the offset.
    """
    width, height = canvas_size(vehicle, scale)
    fine = scale * _FINE
    middle = (width / 2 + offset[0]) * _FINE
    ground = (height - 3 + offset[1]) * _FINE
    size = (width * _FINE, height * _FINE)

    def at(point: _Point, up: float = 0.0) -> _Point:
        return middle + point[0] * fine, ground - (point[1] + up) * fine

    body = Image.new("L", size)
    ImageDraw.Draw(body).polygon([at(p, lift) for p in _outline(vehicle)], fill=255)
    # rounded corners: blur and threshold
    body = body.filter(ImageFilter.GaussianBlur(0.05 * fine)).point([0] * 128 + [255] * 128)
    rows = np.arange(size[1], dtype=np.float32)
    y = (ground - rows) / fine / vehicle.height
    picture = Image.new("RGBA", size)
    picture.paste(_shade(size, vehicle.paint, y), (0, 0), body)
    draw = ImageDraw.Draw(picture)
    half = vehicle.length / 2
    stripe = tuple(int(0.25 * c + 0.75 * 245) for c in vehicle.paint)
    draw.polygon([at((-half + 0.1, 0.86), lift), at((half - 0.15, 0.86), lift),
                  at((half - 0.15, 0.93), lift), at((-half + 0.1, 0.93), lift)],
                 fill=(*stripe, 255))  # fmt: skip
    for pane in _windows(vehicle):
        points = [at(p, lift) for p in pane]
        draw.polygon(points, fill=(44, 58, 70, 255), outline=(20, 22, 24, 255))
        x0, y0 = points[0]
        x1, y1 = points[1]
        draw.line([(x0 + 0.12 * fine, y0), (x1 + 0.3 * fine, y1)], fill=(120, 146, 162, 255),
                  width=max(1, int(0.07 * fine)))  # fmt: skip
    line = max(1, int(0.015 * fine))
    for x in (-half + 1.5, half - 2.4):
        draw.line([at((x, 0.4), lift), at((x, 1.2), lift)], fill=(20, 20, 20, 120), width=line)
    draw.rectangle([*at((half - 0.12, 0.84), lift), *at((half, 0.68), lift)],
                   fill=(255, 240, 190, 255))  # fmt: skip
    draw.rectangle([*at((-half, 0.9), lift), *at((-half + 0.07, 0.66), lift)],
                   fill=(190, 24, 20, 255))  # fmt: skip
    draw.rectangle([*at((-half + 0.02, 0.42), lift), *at((half, 0.3), lift)],
                   fill=(38, 38, 40, 255))  # fmt: skip
    for x in (-half + 0.95, half - 0.95):
        _draw_wheel(draw, at((x, vehicle.wheel)), vehicle.wheel * fine, roll)
    # average premultiplied colours, as straight ones would darken the edges
    premultiplied = np.asarray(picture, np.float32) / 255
    premultiplied[..., :3] *= premultiplied[..., 3:]
    mean = premultiplied.reshape(height, _FINE, width, _FINE, 4).mean((1, 3))
    mean[..., :3] /= np.maximum(mean[..., 3:], 1e-4)
    return mean


def canvas_size(vehicle: Vehicle, scale: float) -> tuple[int, int]:
    """Return width and height in pixels of what `draw_vehicle` draws."""
    return int(vehicle.length * scale) + 8, int((vehicle.height + 0.2) * scale) + 8


def _draw_wheel(draw: ImageDraw.ImageDraw, centre: _Point, radius: float, roll: float) -> None:
    """Draw a tyre, a rim and its spokes at an angle."""
    for share, colour in ((1.18, (14, 14, 15)), (1.0, (30, 30, 32)), (0.64, (150, 152, 156))):
        r = share * radius
        draw.ellipse([centre[0] - r, centre[1] - r, centre[0] + r, centre[1] + r],
                     fill=(*colour, 255))  # fmt: skip
    for spoke in range(5):
        angle = roll + spoke * 2 * np.pi / 5
        tip = (centre[0] + 0.58 * radius * np.cos(angle), centre[1] + 0.58 * radius * np.sin(angle))
        draw.line([centre, tip], fill=(60, 62, 66, 255), width=max(1, int(0.12 * radius)))
    r = 0.14 * radius
    draw.ellipse([centre[0] - r, centre[1] - r, centre[0] + r, centre[1] + r],
                 fill=(70, 72, 76, 255))  # fmt: skip
