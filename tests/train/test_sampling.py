import dataclasses

import numpy as np
import pytest
import torch

from lgtsm.fills.candidate_fill import CandidateFill
from train.data.batch import join
from train.data.sampling import FIRST_VALIDATION_ITEM, Items
from train.data.sources import Clip, Library
from train.data.stream import ResidentItems
from train.process_group import ProcessGroup
from train.recipe import DataRecipe
from train.recipes import load_recipe


def _tensors(batch):
    parts = [] if batch.candidate is None else vars(batch.candidate).values()
    return [batch.truth, batch.holes, *parts]


def _equal(a, b):
    return all(torch.equal(x, y) for x, y in zip(_tensors(a), _tensors(b), strict=True))


def _with_data(recipe, **changes):
    return dataclasses.replace(recipe, data=dataclasses.replace(recipe.data, **changes))


def _black_holes(recipe, **changes):
    """The toy data for a network that starts from black holes."""
    return _with_data(
        dataclasses.replace(recipe, network=load_recipe("lgtsm_small").network), **changes
    )


def test_an_item_is_decided_by_seed_and_number(toy_library, toy_recipe):
    sets = {s: Items(toy_library, dataclasses.replace(toy_recipe, seed=s)) for s in (0, 1)}
    items = {(s, n): sets[s][n] for s in (0, 1) for n in range(2)}
    for (seed, number), item in items.items():
        assert _equal(item, sets[seed][number])
        others = [o for key, o in items.items() if key != (seed, number)]
        assert not any(_equal(item, other) for other in others)


@pytest.mark.parametrize("still", [True, False])
def test_items_are_what_a_network_reads(still, toy_library, toy_recipe):
    clips = tuple(c for c in toy_library.clips if (c.num_frames == 1) == still)
    library = Library(toy_library.root, clips)
    side, num_frames = toy_recipe.data.size, toy_recipe.data.num_frames
    covered = []
    items = Items(library, toy_recipe)
    for number in range(FIRST_VALIDATION_ITEM, FIRST_VALIDATION_ITEM + 6):
        item = items[number]
        assert item.truth.shape == (1, num_frames, 3, side, side)
        assert item.holes.shape == (1, num_frames, 1, side, side)
        assert item.truth.min() >= 0
        assert item.truth.max() <= 1
        assert isinstance(item.candidate, CandidateFill)
        known = (item.holes[0] == 0).expand_as(item.truth[0])
        assert torch.equal(item.candidate.fill[known], item.truth[0][known])
        covered.append(float(item.holes.mean()))
    low, high = toy_recipe.data.coverage
    assert low / 3 < sum(covered) / len(covered) < 1.3 * high


def test_truth_under_the_hole_does_not_leak_into_the_candidate_fill(toy_library, toy_recipe):
    item = Items(toy_library, _with_data(toy_recipe, jitter=0.0))[2]
    inside = item.holes[0].expand_as(item.truth[0]) > 0
    assert inside.any()
    assert not torch.equal(item.candidate.fill[inside], item.truth[0][inside])


def test_batches_join_and_part_without_mixing(toy_library, toy_recipe):
    items = Items(toy_library, toy_recipe)
    single = [items[n] for n in range(3)]
    batch = join(single)
    assert len(batch) == 3
    for n, item in enumerate(single):
        assert _equal(batch.part(n, n + 1), item)


def test_crops_may_be_wider_than_high(toy_library, toy_recipe):
    recipe = _black_holes(toy_recipe, size=48, width=80, shrink_ratio=1.0)
    for number in range(6):
        item = Items(toy_library, recipe)[number]
        assert item.candidate is None
        assert item.truth.shape == (1, 3, 3, 48, 80)
        assert item.holes.shape == (1, 3, 1, 48, 80)


def test_published_strokes_and_borders_are_drawn_where_asked(toy_library, toy_recipe):
    border = Items(toy_library, _black_holes(toy_recipe, border_ratio=1.0))[1].holes[0]
    assert border.any()
    assert (border[0] == border[1]).all()
    edge = torch.cat(
        [
            border[..., 0, :].flatten(),
            border[..., -1, :].flatten(),
            border[..., 0].flatten(),
            border[..., -1].flatten(),
        ]
    )
    assert edge.any()
    assert not border[..., 24:40, 24:40].any()
    strokes = [
        Items(toy_library, _black_holes(toy_recipe, published_ratio=1.0))[n].holes for n in range(6)
    ]
    assert all(holes.mean() <= 0.7 for holes in strokes)
    assert sum(float(holes.mean()) for holes in strokes) > 0.1


def test_annotated_objects_become_holes(toy_library, toy_recipe, tmp_path):
    masks = np.zeros((5, 80, 96), np.uint8)
    masks[:, 20:50, 30:70] = 1
    np.save(toy_library.root / "masks-box.npy", masks)
    box = Clip(path="masks-box.npy", source="box", licence="x", num_frames=5)
    library = Library(toy_library.root, toy_library.clips, (box,))
    holes = Items(library, _black_holes(toy_recipe, annotated_ratio=1.0))[0].holes
    assert set(holes.unique().tolist()) == {0.0, 1.0}
    assert holes.mean() == pytest.approx(30 * 40 / (80 * 96), abs=0.03)


def test_other_ways_of_drawing_keep_their_shares_where_strokes_are_drawn_apart(toy_recipe):
    ratios = {"published_ratio": 0.5, "annotated_ratio": 0.2, "border_ratio": 0.1}
    data = dataclasses.replace(toy_recipe.data, **ratios)
    rest = data.without_published()
    assert (rest.published_ratio, rest.annotated_ratio, rest.border_ratio) == (0, 0.4, 0.2)
    whole = dataclasses.replace(data, published_ratio=1.0)
    assert whole.without_published() == whole


def test_clips_shorter_than_an_item_are_an_error(toy_library, toy_recipe, one_sentence):
    films = tuple(c for c in toy_library.clips if c.num_frames > 1)
    recipe = _with_data(toy_recipe, num_frames=40)
    with pytest.raises(ValueError, match="longest has 12") as caught:
        Items(Library(toy_library.root, films), recipe)
    one_sentence(caught.value)


def test_resident_items_are_cut_as_those_of_workers_are(toy_library, toy_recipe):
    recipe = _black_holes(toy_recipe)
    device = torch.device("cpu")
    resident = ResidentItems(toy_library, recipe, device, ProcessGroup()).batch(2, 3)
    items = Items(toy_library, recipe)
    assert torch.equal(resident.truth, join([items[n] for n in (6, 7, 8)]).truth)


def test_processes_share_the_items_of_a_step(toy_library, toy_recipe):
    recipe = _black_holes(toy_recipe, published_ratio=1.0)
    device = torch.device("cpu")
    whole = ResidentItems(toy_library, recipe, device, ProcessGroup()).batch(1, 4)
    for rank in range(2):
        part = ResidentItems(toy_library, recipe, device, ProcessGroup(rank, 2)).batch(1, 4)
        assert torch.equal(part.truth, whole.truth[rank::2])
        assert torch.equal(part.holes, whole.holes[rank::2])


def test_a_crop_is_never_larger_than_the_frame():
    assert DataRecipe(size=180, width=320).shape == (180, 320)
    assert DataRecipe(size=128).shape == (128, 128)
