"""pypatchmatch in the slot of a synthesiser, to compare with."""

import sys

import pytest
import torch

from lgtsm.errors import DeviceError
from lgtsm.synthesis.patch_match import check_patch_match, complete_by_patch_match


@pytest.fixture
def stripes():
    """Return (1,3,48,64) of vertical stripes, red in the right third, and a hole."""
    picture = (torch.arange(64) % 8 < 4).float().expand(1, 3, 48, 64).clone()
    picture[:, 1:, :, 44:] = 0
    hole = torch.zeros(1, 1, 48, 64)
    hole[..., 16:28, 14:30] = 1
    return picture, hole


def test_stripes_are_continued_and_only_in_the_hole(stripes):
    pytest.importorskip("patchmatch", reason="needs the extra patchmatch, Python 3.11 or later")
    picture, hole = stripes
    spoiled = torch.where(hole > 0, 0.5, picture)
    one, other = (complete_by_patch_match(spoiled, hole, 1 - hole, seed=3) for _ in range(2))
    assert torch.equal(one.picture, other.picture)
    outside = (hole == 0).expand_as(picture)
    assert torch.equal(one.picture[outside], spoiled[outside])
    assert (one.picture - picture).abs().mean() < 0.02
    assert (one.sources == -1).all()


def test_nothing_is_copied_from_what_is_not_trusted(stripes):
    pytest.importorskip("patchmatch", reason="needs the extra patchmatch, Python 3.11 or later")
    picture, hole = stripes
    trusted = torch.zeros_like(hole)
    trusted[..., 46:] = 1
    done = complete_by_patch_match(picture, hole, trusted * (1 - hole))
    inside = done.picture[0][:, hole[0, 0] > 0]
    assert inside[1:].max() < 0.1
    assert inside[0].max() > 0.5


def test_a_missing_package_is_one_sentence(monkeypatch, one_sentence):
    monkeypatch.setitem(sys.modules, "patchmatch", None)
    with pytest.raises(DeviceError, match="pip install pypatchmatch") as caught:
        check_patch_match()
    one_sentence(caught.value)
