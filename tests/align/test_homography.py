from __future__ import annotations

import pytest
import torch

from lgtsm.align.homography import align
from lgtsm.align.projective import apply_homography, is_degenerate, move_coords
from lgtsm.align.sampling import normalised_grid, pixel_grid, to_coords

PAN = torch.tensor([[1.0, 0, 0.07], [0, 1, -0.04], [0, 0, 1]])
TURN = torch.tensor([[0.996, -0.05, 0.02], [0.05, 0.996, 0.01], [0, 0, 1]])
ZOOM = torch.tensor([[1.06, 0, 0], [0, 1.06, 0.02], [0, 0, 1]])
TILT = torch.tensor([[1.01, 0.01, 0.02], [0, 1.02, 0.01], [0.03, -0.02, 1]])


def distance_px(one, other, size):
    """Largest distance of the two maps inside the middle of the frame, in pixels."""
    points = normalised_grid(*size, one)[:, 10:-10, 10:-10].flatten(1)
    difference = apply_homography(one, points) - apply_homography(other, points)
    return float(difference.norm(dim=0).max()) * max(size) / 2


@pytest.mark.parametrize("matrix", [PAN, TURN, ZOOM, TILT], ids=["pan", "turn", "zoom", "tilt"])
def test_known_motion_is_found_to_a_tenth_of_a_pixel(texture, moved, matrix):
    other = moved(texture, matrix)
    known = (other > 0).float()
    found = align(texture, torch.ones_like(texture), other, known)
    assert distance_px(found.matrix[0], matrix, texture.shape[-2:]) < 0.15


@pytest.mark.parametrize("tilt", [0.0, 0.03, 3.0], ids=["none", "small", "horizon"])
def test_pixel_coordinates_move_as_normalised_points_do(tilt):
    matrix = torch.stack([TURN, TILT])
    matrix[1, 2, 0] = tilt
    points = apply_homography(matrix, normalised_grid(31, 50, matrix).flatten(1))
    wanted = to_coords(points.view(2, 2, 31, 50), (31, 50))
    moved = move_coords(matrix, pixel_grid(31, 50, matrix), (31, 50))
    torch.testing.assert_close(moved, wanted, atol=2e-3, rtol=1e-5)
    assert (points == 9).any() == (tilt > 1)


def test_things_in_holes_do_not_pull(texture, moved):
    other = moved(texture, PAN)
    known, other_known = torch.ones_like(texture), (other > 0).float()
    known[..., 30:60, 20:70] = 0
    spoilt = torch.where(known > 0, texture, 1 - texture)
    found = align(spoilt * known, known, other, other_known)
    assert distance_px(found.matrix[0], PAN, texture.shape[-2:]) < 0.2


def test_a_small_thing_that_moves_by_itself_does_not_pull(texture, moved):
    other = moved(texture, PAN)
    other[..., 20:45, 60:95] = texture[..., 50:75, 20:55]
    found = align(texture, torch.ones_like(texture), other, (other > 0).float())
    assert distance_px(found.matrix[0], PAN, texture.shape[-2:]) < 0.3


def test_brightness_may_change(texture, moved):
    other = moved(texture, PAN)
    known = (other > 0).float()
    found = align(texture, torch.ones_like(texture), (0.8 * other + 0.1) * known, known)
    assert distance_px(found.matrix[0], PAN, texture.shape[-2:]) < 0.2


def test_several_frames_are_aligned_at_once_as_one_by_one(texture, moved):
    matrices = torch.stack([PAN, TURN, ZOOM])
    others = torch.cat([moved(texture, m) for m in matrices])
    known = (others > 0).float()
    together = align(texture, torch.ones_like(texture), others, known).matrix
    for i in range(3):
        alone = align(
            texture, torch.ones_like(texture), others[i : i + 1], known[i : i + 1]
        ).matrix[0]
        assert distance_px(together[i], alone, texture.shape[-2:]) < 0.05


@pytest.mark.parametrize("value", [0.0, 0.5])
def test_frames_without_texture_stand_still(value):
    plain = torch.full((1, 1, 60, 80), value)
    found = align(plain, torch.ones_like(plain), plain, torch.ones_like(plain))
    assert torch.equal(found.matrix[0], torch.eye(3))


def test_nothing_known_stands_still(texture):
    nothing = torch.zeros_like(texture)
    found = align(texture * 0, nothing, texture, torch.ones_like(texture))
    assert torch.equal(found.matrix[0], torch.eye(3))


def test_unrelated_frames_give_no_wild_map(rng):
    one, other = torch.rand(2, 1, 1, 60, 80, generator=rng)
    found = align(one, torch.ones_like(one), other, torch.ones_like(one))
    assert torch.isfinite(found.matrix).all()
    assert not is_degenerate(found.matrix, 60, 80).any()


@pytest.mark.parametrize(
    "matrix",
    [
        torch.diag(torch.tensor([-1.0, 1, 1])),
        torch.diag(torch.tensor([3.0, 3, 1])),
        torch.zeros(3, 3),
        torch.tensor([[1.0, 0, 0], [0, 1, 0], [2, 0, 1]]),
        torch.full((3, 3), torch.nan),
    ],
    ids=["mirror", "zoom", "zero", "horizon", "nan"],
)
def test_degenerate_maps_are_recognised(matrix):
    assert is_degenerate(matrix[None], 60, 80).all()
    assert not is_degenerate(torch.eye(3)[None], 60, 80).any()
