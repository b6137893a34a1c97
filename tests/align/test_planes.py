from __future__ import annotations

import pytest
import torch

from lgtsm.align.planes import common_planes
from lgtsm.align.projective import apply_homography, normalised_grid

SIZE = (120, 160)
WALL = torch.tensor([[1.0, 0.01, 0.08], [-0.01, 1, 0.02], [0.01, 0, 1]])
GROUND = torch.tensor([[1.0, 0, 0.01], [0, 1, 0], [0, 0, 1]])
FRAMES = 3


def _scene(share, rng):
    """Pixels of which a share lies on a wall, the rest on the ground, in three other frames."""
    points = normalised_grid(*SIZE, WALL)[::8, ::8].flatten(0, 1)
    is_wall = torch.arange(len(points)) < share * len(points)
    moved = []
    for i in range(1, FRAMES + 1):
        wall, ground = (torch.linalg.matrix_power(m, i) for m in (WALL, GROUND))
        both = [apply_homography(m[None], points[None])[0] for m in (wall, ground)]
        moved.append(torch.where(is_wall[:, None], *both))
    moved = torch.stack(moved)
    return points, moved + 0.001 * torch.randn(moved.shape, generator=rng), is_wall


def _apart_px(matrices, points, moved):
    return (apply_homography(matrices, points) - moved).norm(dim=-1) * max(SIZE) / 2


@pytest.mark.parametrize("share", [0.7, 0.4])
def test_both_planes_are_found_the_larger_first_and_in_all_frames_alike(rng, share):
    points, moved, is_wall = _scene(share, rng)
    seen = torch.ones(FRAMES, len(points))
    one, two = common_planes(points, moved, seen, SIZE, 2)
    larger = is_wall if share > 0.5 else ~is_wall
    for plane, where in ((one, larger), (two, ~larger)):
        assert plane.shape == (FRAMES, 3, 3)
        assert float(_apart_px(plane, points, moved)[:, where].mean()) < 0.2
        assert float(_apart_px(plane, points, moved)[:, ~where].mean()) > 1


def test_places_that_a_frame_does_not_show_do_not_count_there(rng):
    points, moved, is_wall = _scene(0.7, rng)
    seen = torch.ones(FRAMES, len(points))
    hidden = is_wall & (torch.arange(len(points)) % 2 == 0)
    moved[0, hidden] = 5 * torch.rand(int(hidden.sum()), 2, generator=rng)
    seen[0, hidden] = 0
    first = common_planes(points, moved, seen, SIZE, 1)[0]
    assert float(_apart_px(first, points, moved)[0, is_wall & ~hidden].mean()) < 0.2


def test_no_plane_is_made_of_chaos_or_of_too_little(rng):
    points, moved, _ = _scene(0.7, rng)
    chaos = 3 * torch.rand(moved.shape, generator=rng)
    seen = torch.ones(FRAMES, len(points))
    assert common_planes(points, chaos, seen, SIZE, 2) == []
    assert common_planes(points, moved, 0 * seen, SIZE, 2) == []
    assert common_planes(points[:9], moved[:, :9], seen[:, :9], SIZE, 2) == []


def test_draws_do_not_depend_on_what_was_drawn_before(rng):
    points, moved, _ = _scene(0.5, rng)
    seen = torch.ones(FRAMES, len(points))
    once = common_planes(points, moved, seen, SIZE, 2)
    torch.rand(5)
    again = common_planes(points, moved, seen, SIZE, 2)
    assert all(torch.equal(a, b) for a, b in zip(once, again, strict=True))
