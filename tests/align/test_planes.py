from __future__ import annotations

import pytest
import torch
from kornia.geometry.homography import find_homography_dlt

from lgtsm.align.planes import common_planes, dominant_planes, solve_homographies
from lgtsm.align.projective import apply_homography
from lgtsm.align.sampling import normalised_grid

SIZE = (120, 160)
WALL = torch.tensor([[1.0, 0.01, 0.08], [-0.01, 1, 0.02], [0.01, 0, 1]])
GROUND = torch.tensor([[1.0, 0, 0.01], [0, 1, 0], [0, 0, 1]])
FRAMES = 3


def _distance_px(matrices, points, moved):
    return (apply_homography(matrices, points) - moved).norm(dim=-2) * max(SIZE) / 2


def _dominant_plane(points, moved, weights, start):
    return dominant_planes(points, moved[None], weights[None], SIZE, start[None])[0]


def _two_planes(share, noise=0.0, rng=None):
    points = normalised_grid(*SIZE, WALL)
    flat = points.flatten(1)
    wall, ground = (apply_homography(m, flat).view_as(points) for m in (WALL, GROUND))
    rows = torch.arange(SIZE[0])[:, None] < share * SIZE[0]
    moved = torch.where(rows, wall, ground)
    if noise:
        moved = moved + noise * torch.randn(moved.shape, generator=rng)
    return points, moved


@pytest.mark.parametrize(
    ("share", "wanted"), [(0.65, WALL), (0.35, GROUND)], ids=["wall", "ground"]
)
def test_the_larger_of_two_planes_of_a_frame_is_found(rng, share, wanted):
    points, moved = _two_planes(share, noise=0.002, rng=rng)
    between = (WALL + GROUND) / 2
    found = _dominant_plane(points, moved, torch.ones(SIZE), between)
    flat = points.flatten(1)
    error = _distance_px(found[None], flat, apply_homography(wanted, flat))[0]
    rows = torch.arange(SIZE[0])[:, None].expand(SIZE).flatten() < share * SIZE[0]
    where = rows if wanted is WALL else ~rows
    assert float(error[where].max()) < 0.5


def test_vectors_without_weight_do_not_count():
    points, moved = _two_planes(0.7)
    weights = (torch.arange(SIZE[0]) > 0.72 * SIZE[0]).float()[:, None].expand(SIZE)
    found = _dominant_plane(points, moved, weights, torch.eye(3))
    torch.testing.assert_close(found, GROUND, atol=2e-3, rtol=0)


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_noise_keeps_the_start(rng, weight):
    points = normalised_grid(*SIZE, WALL)
    moved = 3 * torch.rand(2, *SIZE, generator=rng) if weight else points
    found = _dominant_plane(points, moved, torch.full(SIZE, weight), torch.eye(3))
    assert torch.isfinite(found).all()
    if not weight:
        assert torch.equal(found, torch.eye(3))


def test_the_plane_of_a_frame_does_not_depend_on_earlier_draws(rng):
    points, moved = _two_planes(0.5, noise=0.01, rng=rng)
    one = _dominant_plane(points, moved, torch.ones(SIZE), torch.eye(3))
    torch.rand(5)
    assert torch.equal(one, _dominant_plane(points, moved, torch.ones(SIZE), torch.eye(3)))


def test_planes_of_frames_fitted_together_equal_each_alone(rng):
    points = normalised_grid(*SIZE, WALL)
    moved = torch.stack([_two_planes(share, 0.003, rng)[1] for share in (0.7, 0.4, 0.1)])
    weights = torch.stack([torch.ones(SIZE), torch.rand(SIZE, generator=rng), torch.zeros(SIZE)])
    starts = torch.stack([WALL, GROUND, torch.eye(3)])
    together = dominant_planes(points, moved, weights, SIZE, starts)
    for i in range(3):
        assert torch.equal(together[i], _dominant_plane(points, moved[i], weights[i], starts[i]))
    assert torch.equal(together[2], torch.eye(3))


def _scene(share, rng):
    """Pixels of which a share lies on a wall, the rest on the ground, in three other frames."""
    points = normalised_grid(*SIZE, WALL)[:, ::8, ::8].flatten(1)
    is_wall = torch.arange(points.shape[1]) < share * points.shape[1]
    moved = []
    for i in range(1, FRAMES + 1):
        wall, ground = (torch.linalg.matrix_power(m, i) for m in (WALL, GROUND))
        both = [apply_homography(m, points) for m in (wall, ground)]
        moved.append(torch.where(is_wall, *both))
    moved = torch.stack(moved)
    return points, moved + 0.001 * torch.randn(moved.shape, generator=rng), is_wall


@pytest.mark.parametrize("share", [0.7, 0.4])
def test_both_planes_are_found_the_larger_first_and_in_all_frames_alike(rng, share):
    points, moved, is_wall = _scene(share, rng)
    seen = torch.ones(FRAMES, points.shape[1])
    one, two = common_planes(points, moved, seen, SIZE, 2)
    larger = is_wall if share > 0.5 else ~is_wall
    for plane, where in ((one, larger), (two, ~larger)):
        assert plane.shape == (FRAMES, 3, 3)
        assert float(_distance_px(plane, points, moved)[:, where].mean()) < 0.2
        assert float(_distance_px(plane, points, moved)[:, ~where].mean()) > 1


def test_points_that_a_frame_does_not_show_have_no_weight_in_it(rng):
    points, moved, is_wall = _scene(0.7, rng)
    seen = torch.ones(FRAMES, points.shape[1])
    hidden = is_wall & (torch.arange(points.shape[1]) % 2 == 0)
    moved[0, :, hidden] = 5 * torch.rand(2, int(hidden.sum()), generator=rng)
    seen[0, hidden] = 0
    first = common_planes(points, moved, seen, SIZE, 1)[0]
    assert float(_distance_px(first, points, moved)[0, is_wall & ~hidden].mean()) < 0.2


def test_no_plane_is_fitted_to_noise_or_to_too_few_points(rng):
    points, moved, _ = _scene(0.7, rng)
    chaos = 3 * torch.rand(moved.shape, generator=rng)
    seen = torch.ones(FRAMES, points.shape[1])
    assert common_planes(points, chaos, seen, SIZE, 2) == []
    assert common_planes(points, moved, 0 * seen, SIZE, 2) == []
    assert common_planes(points[:, :9], moved[..., :9], seen[:, :9], SIZE, 2) == []


def test_planes_around_a_hole_do_not_depend_on_earlier_draws(rng):
    points, moved, _ = _scene(0.5, rng)
    seen = torch.ones(FRAMES, points.shape[1])
    once = common_planes(points, moved, seen, SIZE, 2)
    torch.rand(5)
    again = common_planes(points, moved, seen, SIZE, 2)
    assert all(torch.equal(a, b) for a, b in zip(once, again, strict=True))


@pytest.mark.parametrize("count", [4, 60])
def test_solved_homographies_equal_those_of_kornia(rng, count):
    points = 2 * torch.rand(2, 2, count, generator=rng, dtype=torch.float64) - 1
    moved = apply_homography(torch.stack([WALL, GROUND]).double(), points)
    weights = 0.1 + torch.rand(2, count, generator=rng, dtype=torch.float64)
    moved[..., 4:9], weights[:, 4:9] = 7.0, 0.0  # outliers without weight
    solved = solve_homographies(points, moved, weights)
    expected = find_homography_dlt(points.mT, moved.mT, weights)
    torch.testing.assert_close(solved, expected, atol=1e-6, rtol=0)
