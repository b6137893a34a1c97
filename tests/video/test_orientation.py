import torch

from lgtsm.video.orientation import Orientation


def test_every_orientation_undoes_itself():
    picture = torch.arange(6.0).view(1, 2, 3)
    seen = set()
    for number in range(8):
        turn = Orientation(bool(number & 1), bool(number & 2), bool(number & 4))
        upright = turn.upright(picture)
        assert torch.equal(turn.stored(upright), picture)
        seen.add((tuple(upright.shape), tuple(upright.flatten().tolist())))
    assert len(seen) == 8


def test_degrees_are_counter_clockwise():
    picture = torch.arange(6.0).view(1, 2, 3)
    for turns, turn in enumerate(
        [
            Orientation(),
            Orientation(swap=True, mirror_rows=True),
            Orientation(mirror_rows=True, mirror_columns=True),
            Orientation(swap=True, mirror_columns=True),
        ]
    ):
        assert turn.degrees == turns * 90
        assert torch.equal(turn.upright(picture), torch.rot90(picture, turns, (1, 2)))
