import dataclasses

import pytest
import torch

from lgtsm.fills.evidence import Evidence
from train.loop import FIRST_ITEM_OF_VALIDATION
from train.sampling import Items, make_item
from train.sources import Library


def _equal(a, b):
    pairs = zip(vars(a.evidence).values(), vars(b.evidence).values(), strict=True)
    return (
        torch.equal(a.truth, b.truth)
        and torch.equal(a.holes, b.holes)
        and all(torch.equal(x, y) for x, y in pairs)
    )


def test_an_item_is_decided_by_seed_and_number(toy_library, toy_recipe):
    items = {(s, n): make_item(toy_library, toy_recipe, n, s) for s in (0, 1) for n in range(4)}
    for (seed, number), item in items.items():
        assert _equal(item, make_item(toy_library, toy_recipe, number, seed))
        others = [o for key, o in items.items() if key != (seed, number)]
        assert not any(_equal(item, other) for other in others)


def test_items_go_on_where_a_run_stopped(toy_library, toy_recipe):
    all_ = Items(toy_library, toy_recipe, 0, 5, 7)
    rest = Items(toy_library, toy_recipe, 3, 2, 7)
    assert (len(all_), len(rest)) == (5, 2)
    assert _equal(all_[3], rest[0])
    assert _equal(all_[4], rest[1])


@pytest.mark.parametrize("still", [True, False])
def test_items_are_what_a_network_reads(still, toy_library, toy_recipe):
    clips = tuple(c for c in toy_library.clips if (c.num_frames == 1) == still)
    library = Library(toy_library.root, clips)
    side, num_frames = toy_recipe.data.size, toy_recipe.data.num_frames
    covered = []
    for number in range(FIRST_ITEM_OF_VALIDATION, FIRST_ITEM_OF_VALIDATION + 12):
        item = make_item(library, toy_recipe, number, 3)
        assert item.truth.shape == (num_frames, 3, side, side)
        assert item.holes.shape == (num_frames, 1, side, side)
        assert item.truth.min() >= 0
        assert item.truth.max() <= 1
        assert isinstance(item.evidence, Evidence)
        known = (item.holes == 0).expand_as(item.truth)
        assert torch.equal(item.evidence.fill[known], item.truth[known])
        covered.append(float(item.holes.mean()))
    low, high = toy_recipe.data.coverage
    assert low / 3 < sum(covered) / len(covered) < 1.3 * high


def test_truth_under_the_hole_does_not_leak_into_the_evidence(toy_library, toy_recipe):
    recipe = dataclasses.replace(toy_recipe, data=dataclasses.replace(toy_recipe.data, jitter=0.0))
    item = make_item(toy_library, recipe, 2, 0)
    inside = item.holes.expand_as(item.truth) > 0
    assert inside.any()
    assert not torch.equal(item.evidence.fill[inside], item.truth[inside])
