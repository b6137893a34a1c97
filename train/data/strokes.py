"""The published free-form strokes for whole batches, on any device; 1 = hole.

Method: Chang et al. 2019 (ICCV); `lgtsm.masks.draw.free_form` draws the same one clip at a time with
Pillow. Here the control points of all clips are drawn at once from the same distributions, and the
strokes are filled without a loop over them: every stroke is a union of discs, so a pixel is in a
hole where the minimum of (distance^2 - radius^2) over all discs is not positive, which separates
into a pass along the columns and one along the rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.functional import pad

from lgtsm.masks.draw.free_form import STROKE_RANGE
from lgtsm.masks.draw.stroke_presets import StrokePreset

_FAR = 1e6
"""Squared distance in pixels, larger than any in a frame."""


@dataclass(frozen=True)
class Strokes:
    """Strokes of a batch of clips.

    points: (B,T,S,P,2) x and y in pixels; num_points: (B,S), those beyond are not drawn; brush:
    (B,S) width in pixels; drawn: (B,S) whether the stroke exists.
    """

    points: Tensor
    num_points: Tensor
    brush: Tensor
    drawn: Tensor

    def rows(self, chosen: slice) -> Strokes:
        """Return some of the clips."""
        return Strokes(*(value[chosen] for value in vars(self).values()))

    def without_last(self, clips: Tensor) -> Strokes:
        """Drop the last stroke of the clips that are marked (B,)."""
        num_later = self.drawn.flip(1).long().cumsum(1).flip(1)
        is_last = self.drawn & (num_later == 1)
        return replace(self, drawn=self.drawn & ~(clips[:, None] & is_last))


def plan_strokes(
    count: tuple[int, int], shape: tuple[int, int], preset: StrokePreset, rng: torch.Generator
) -> Strokes:
    """Draw the control points of a batch of clips.

    Args:
        count: (B, T).
        shape: (height, width) in pixels.
        preset: published setting.
        rng: on the device of the points.
    """
    batch, num_frames = count
    height, width = shape
    most = STROKE_RANGE[1] - 1
    low, high = preset.num_vertices
    size = (batch, most)

    def uniform(*dims: int, limit: float) -> Tensor:
        return (2 * torch.rand(dims, generator=rng, device=rng.device) - 1) * limit

    def whole(first: int, stop: int, *dims: int) -> Tensor:
        return torch.randint(first, stop, dims, generator=rng, device=rng.device)

    drawn = torch.arange(most, device=rng.device) < whole(*STROKE_RANGE, batch, 1)
    brush = whole(int(preset.brush[0]), int(preset.brush[1]), *size)
    num_points = whole(low, high, *size) + 1
    x, y = whole(0, width, *size).float(), whole(0, height, *size).float()
    angle = torch.pi * (1 + uniform(*size, limit=1.0))
    speed = preset.max_head_speed * (1 + uniform(*size, limit=1.0)) / 2
    path = [torch.stack([x, y], -1)]
    for _ in range(high - 1):
        speed = speed + uniform(*size, limit=preset.max_head_acceleration[0])
        speed = speed.clamp(0, preset.max_head_speed)
        angle = angle + uniform(*size, limit=preset.max_head_acceleration[1])
        path.append(path[-1] + torch.stack([speed * angle.sin(), speed * angle.cos()], -1))
    points = torch.stack(path, 2)  # (B,S,P,2)
    rate = torch.randn(size, generator=rng, device=rng.device).abs() * preset.max_initial_speed / 2
    course = torch.pi * (1 + uniform(*size, limit=1.0))
    # here the cosine belongs to x, above to y: as published
    shift = torch.stack([rate * course.cos(), rate * course.sin()], -1).trunc()
    move = int(preset.max_point_move)
    jitter = whole(-move, move, num_frames, *points.shape)
    steps = jitter * _chosen(num_frames, num_points, points.shape[2], preset, rng)[..., None]
    steps = (steps + shift[None, :, :, None]).to(points.dtype)  # (T,B,S,P,2)
    steps[0] = 0
    moved = points + steps.cumsum(0)
    return Strokes(moved.transpose(0, 1), num_points, brush, drawn)


def _chosen(
    num_frames: int, num_points: Tensor, most: int, preset: StrokePreset, rng: torch.Generator
) -> Tensor:
    """Choose which points of each stroke jitter in each frame; (T,B,S,P) bool."""
    order = torch.rand((num_frames, *num_points.shape, most), generator=rng, device=rng.device)
    exists = torch.arange(most, device=rng.device) < num_points[..., None]
    rank = order.masked_fill(~exists, 2.0).argsort(-1).argsort(-1)
    return (rank < (num_points * preset.move_ratio).long()[..., None]) & exists


def fill_strokes(strokes: Strokes, shape: tuple[int, int], preset: StrokePreset) -> Tensor:
    """Fill strokes as Pillow does, within a pixel at their edges.

    Args:
        strokes: of B clips.
        shape: (height, width) in pixels.
        preset: the one of `plan_strokes`.

    Returns:
        (B,T,1,height,width) float, 0 or 1, 1 = hole.
    """
    batch, num_frames = strokes.points.shape[:2]
    reach = int(preset.brush[1]) // 2 + 1
    height, width = (side + 2 * reach for side in shape)
    cost = strokes.points.new_full((batch * num_frames, height * width), _FAR)
    for points, radius, exists in _discs(strokes):
        column, row = points.round().long().unbind(-1)  # (B,T,...)
        column, row = column + reach, row + reach
        inside = exists & (column >= 0) & (column < width) & (row >= 0) & (row < height)
        index = torch.where(inside, row * width + column, 0).reshape(batch * num_frames, -1)
        value = torch.where(inside, -radius.square(), _FAR)
        value = value.expand(inside.shape).reshape(batch * num_frames, -1)
        cost.scatter_reduce_(1, index, value.to(cost.dtype), "amin")
    cost = cost.unflatten(1, (height, width))
    for axis in (-2, -1):
        cost = _spread(cost, reach, axis)
    holes = cost[:, reach:-reach, reach:-reach] <= 0
    return holes.float().unflatten(0, (batch, num_frames)).unsqueeze(2)


def _discs(strokes: Strokes) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Yield (centres (B,T,S,N,2), radii, which exist) of the discs that the strokes consist of.

    A line of width w is a row of discs of radius (w-1)/2 that stops short of its ends; every control
    point has a smaller disc of radius w//2 - 1, as published.
    """
    points, most = strokes.points, strokes.points.shape[3]
    brush = strokes.brush[:, None, :, None].to(points.dtype)  # (B,1,S,1)
    small = torch.div(brush, 2, rounding_mode="floor") - 1
    index = torch.arange(most, device=points.device)
    # discs are centred on pixels, so they are 1, 3, 5, ... wide; even widths alternate
    even = (brush % 2 == 0) & (index[1:] % 2 == 0)
    big = (brush - 1) / 2 + 0.5 * even.to(brush.dtype)  # (B,1,S,P-1)
    exists = (index < strokes.num_points[..., None]) & strokes.drawn[..., None]  # (B,S,P)
    exists = exists[:, None].expand(points.shape[:-1])
    yield points, small + 0.3, exists  # Pillow's ellipse covers part of its border pixels
    start, end = points[..., :-1, :], points[..., 1:, :]
    length = (end - start).norm(dim=-1)  # (B,T,S,P-1)
    num_steps = int(length.max()) + 1  # one disc per pixel of the longest line
    ends = (big - small).clamp(min=0).minimum(length / 2)  # the row stops where its cap would start
    long_enough = exists[..., 1:] & (length > 0)
    for step in range(num_steps + 1):
        at = step / num_steps
        share = (ends + at * (length - 2 * ends)) / length.clamp_min(1e-6)
        yield start + share[..., None] * (end - start), big, long_enough


def _spread(cost: Tensor, reach: int, axis: int) -> Tensor:
    """Return the minimum of cost[p + d] + d^2 over |d| <= reach along one axis."""
    sides = (0, 0, reach, reach) if axis == -2 else (reach, reach)
    wide = pad(cost, sides, value=_FAR)
    best = cost.clone()
    for offset in range(2 * reach + 1):
        part = wide.narrow(axis, offset, cost.shape[axis])
        best = torch.minimum(best, part + float((offset - reach) ** 2))
    return best
