from __future__ import annotations

import pytest
import torch
from torch.nn.functional import interpolate

from lgtsm.copying import copies
from lgtsm.copying.consensus import Consensus, expected_error, keep_chosen
from lgtsm.copying.coords import Target, box_grid, chained_coords, plane_coords, registered_coords
from lgtsm.copying.shot import Shot
from lgtsm.copying.source_frames import Search
from lgtsm.options import Motion

ALL = (99, 99)


@pytest.fixture
def two_walls(rng) -> tuple[torch.Tensor, torch.Tensor]:
    """Frames (8,3,144,240) whose upper half moves 4 pixels a frame, the lower 1, and holes."""

    def texture() -> torch.Tensor:
        small = [torch.rand(1, 3, 4 * n, 9 * n, generator=rng) for n in (1, 3, 9)]
        whole = sum(interpolate(x, size=(144, 320), mode="bicubic") for x in small)
        return (whole - 0.75).clamp(0, 1.5) / 1.5

    upper, lower = texture(), texture()
    rows = [
        torch.cat([upper[..., :72, 4 * t : 4 * t + 240], lower[..., 72:, t : t + 240]], -2)
        for t in range(8)
    ]
    holes = torch.zeros(8, 1, 144, 240)
    for t in range(8):
        holes[t, :, 50:94, 20 + 20 * t : 64 + 20 * t] = 1
    return torch.cat(rows), holes


def test_walls_around_a_hole_are_followed_into_it(two_walls):
    frames, holes = two_walls
    shot = Shot(frames.shape[-2:], torch.device("cpu"), Search.of(Motion.AUTO, ALL, 8))
    for frame, hole in zip(frames * (1 - holes), holes, strict=True):
        shot.push(frame[None], hole[None])
    box, others = shot[4].hole.context, [1, 2, 6, 7]
    target = Target(shot, 4, box, others)
    (flow,) = registered_coords([target], Motion.FLOW, [chained_coords(target, Motion.FLOW)])
    found = [flow, *plane_coords(target, flow)]
    assert len(found) == 3
    truth = box_grid(box, frames) + torch.zeros_like(flow)
    upper = torch.arange(box.top, box.bottom)[:, None].expand(flow.shape[-2:]) < 72
    speed = torch.where(upper, 4.0, 1.0)
    truth[:, 0] -= speed * (torch.tensor(others) - 4)[:, None, None]
    hole = holes[4, 0, box.rows, box.columns] > 0
    for rows in (hole & upper, hole & ~upper):
        bent, *straight = ((coords - truth).norm(dim=1)[:, rows].mean() for coords in found)
        assert min(straight) < 0.1 < bent


def test_a_camera_is_registered_around_the_hole_and_not_far_from_it(two_walls):
    frames, holes = two_walls[0], torch.zeros(8, 1, 144, 240)
    holes[:, :, 130:, 100:140] = 1  # at the border, so that the context reaches to the upper wall
    shot = Shot(frames.shape[-2:], torch.device("cpu"), Search.of(Motion.PLANAR, ALL, 8))
    for frame, hole in zip(frames * (1 - holes), holes, strict=True):
        shot.push(frame[None], hole[None])
    box, others = shot[4].hole.context, [3, 5]
    assert box.top < 40
    target = Target(shot, 4, box, others)
    (found,) = registered_coords([target], Motion.PLANAR, [chained_coords(target, Motion.PLANAR)])
    truth = box_grid(box, frames) + torch.zeros_like(found)
    truth[:, 0] -= (torch.tensor(others) - 4.0)[:, None, None]
    hidden = holes[4, 0, box.rows, box.columns] > 0
    assert (found - truth).norm(dim=1)[:, hidden].mean() < 0.15


def test_of_several_coordinates_each_pixel_takes_those_chosen_for_it(rng):
    values = torch.rand(2, 4, 5, 2, 6, generator=rng)
    choice = torch.tensor([[0, 0, 1, 1, 0, 1], [1, 0, 0, 0, 1, 1]])
    kept = keep_chosen(values, 2, choice)
    assert torch.equal(kept[:, :2], values[:, :2])
    one = choice[:, None, None] == 1
    assert torch.equal(kept[:, 2], torch.where(one, values[:, 3], values[:, 2]))


def test_what_no_source_shows_is_expected_to_be_wrong(rng):
    found = Consensus(
        *(torch.rand(2, n, 6, generator=rng) for n in (3, 3)),
        shown=torch.tensor([1.0, 0, 1, 1, 1, 1]).expand(2, 1, 6),
        features=torch.full((2, 6, 6), 0.01),
        weights=torch.rand(2, 5, 6, generator=rng),
    )
    expected = expected_error(found)
    assert (expected[..., 1] == 1).all()
    assert torch.allclose(expected[..., 2:], torch.tensor(0.02))


@pytest.mark.parametrize("is_still", [True, False])
def test_flow_is_registered_where_it_is_not_the_cameras(two_walls, is_still, monkeypatch):
    frames, holes = two_walls
    if is_still:
        frames = frames[:1].expand(8, -1, -1, -1)
    search = Search.of(Motion.AUTO, ALL, 4)
    shot = Shot(frames.shape[-2:], torch.device("cpu"), search)
    for frame, hole in zip(frames * (1 - holes), holes, strict=True):
        shot.push(frame[None], hole[None])
    registered = []

    def register(targets, motion, chained):
        registered.append(motion)
        return registered_coords(targets, motion, chained)

    monkeypatch.setattr(copies, "registered_coords", register)
    targets = [Target(shot, t, shot[t].hole.context, [2, 5, 6]) for t in (3, 4)]
    hidden = torch.stack([holes[x.t][..., x.box.rows, x.box.columns] for x in targets])
    pixels = copies.HolePixels.of_masks(hidden)
    for _, found in copies.copy_pixels(targets, pixels, search, lambda: None):
        assert found.motions == (Motion.NONE, Motion.PLANAR, Motion.FLOW)
        assert found.consensus.colour.shape[1] == found.coords.shape[1] == 3
        same = [
            torch.equal(x[:, 1], x[:, 2]) for x in (found.coords, *vars(found.consensus).values())
        ]
        assert all(same) if is_still else not same[0]
    assert (Motion.FLOW in registered) != is_still


def test_a_locked_off_camera_needs_no_planes(two_walls):
    frames, holes = two_walls
    still = frames[:1].expand(8, -1, -1, -1)
    shot = Shot(still.shape[-2:], torch.device("cpu"), Search.of(Motion.AUTO, ALL, 8))
    for frame, hole in zip(still, holes, strict=True):
        shot.push(frame[None], hole[None])
    target = Target(shot, 3, shot[3].hole.context, [1, 2, 4, 5])
    assert plane_coords(target, box_grid(target.box, frames).expand(4, -1, -1, -1)) == []
