from __future__ import annotations

import pytest
import torch

from lgtsm.align.plane import dominant_plane
from lgtsm.align.projective import apply_homography, normalised_grid

SIZE = (120, 160)
NEAR = torch.tensor([[1.0, 0.01, 0.08], [-0.01, 1, 0.02], [0.01, 0, 1]])
FAR = torch.tensor([[1.0, 0, 0.01], [0, 1, 0], [0, 0, 1]])


def _two_planes(share, noise=0.0, rng=None):
    points = normalised_grid(*SIZE, NEAR)
    flat = points.flatten(0, 1)[None]
    near, far = (apply_homography(m[None], flat).view_as(points) for m in (NEAR, FAR))
    rows = torch.arange(SIZE[0])[:, None, None] < share * SIZE[0]
    moved = torch.where(rows, near, far)
    if noise:
        moved = moved + noise * torch.randn(moved.shape, generator=rng)
    return points, moved


@pytest.mark.parametrize(("share", "wanted"), [(0.65, NEAR), (0.35, FAR)], ids=["near", "far"])
def test_the_larger_of_two_planes_is_found(rng, share, wanted):
    points, moved = _two_planes(share, noise=0.002, rng=rng)
    between = (NEAR + FAR) / 2
    found = dominant_plane(points, moved, torch.ones(SIZE), SIZE, between)
    apart = apply_homography(found[None], points.flatten(0, 1)[None])
    apart = apart - apply_homography(wanted[None], points.flatten(0, 1)[None])
    side = max(SIZE) / 2
    rows = torch.arange(SIZE[0])[:, None].expand(SIZE).flatten() < share * SIZE[0]
    where = rows if wanted is NEAR else ~rows
    assert float(apart[0].norm(dim=-1)[where].max()) * side < 0.5


def test_vectors_without_weight_do_not_count():
    points, moved = _two_planes(0.7)
    weights = (torch.arange(SIZE[0]) > 0.72 * SIZE[0]).float()[:, None].expand(SIZE)
    found = dominant_plane(points, moved, weights, SIZE, torch.eye(3))
    torch.testing.assert_close(found, FAR, atol=2e-3, rtol=0)


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_chaos_keeps_the_start(rng, weight):
    points = normalised_grid(*SIZE, NEAR)
    moved = 3 * torch.rand(*SIZE, 2, generator=rng) if weight else points
    found = dominant_plane(points, moved, torch.full(SIZE, weight), SIZE, torch.eye(3))
    assert torch.isfinite(found).all()
    if not weight:
        assert torch.equal(found, torch.eye(3))


def test_draws_do_not_depend_on_what_was_drawn_before(rng):
    points, moved = _two_planes(0.5, noise=0.01, rng=rng)
    one = dominant_plane(points, moved, torch.ones(SIZE), SIZE, torch.eye(3))
    torch.rand(5)
    assert torch.equal(one, dominant_plane(points, moved, torch.ones(SIZE), SIZE, torch.eye(3)))
