import dataclasses
import shutil

import pytest
import torch

from lgtsm.errors import OptionError
from train.data.cached import CachedItems, cache_items
from train.recipe import CachedSize
from train.recipes import load_recipe


@pytest.fixture(scope="module")
def cached_recipe(toy_recipe):
    """The toy recipe on crops of cached items."""
    cached = CachedSize(num_frames=4, size=72, width=80)
    return dataclasses.replace(toy_recipe, data=dataclasses.replace(toy_recipe.data, cached=cached))


@pytest.fixture(scope="module")
def made(read_library, cached_recipe, tmp_path_factory):
    folder = tmp_path_factory.mktemp("cached") / "items"
    assert list(cache_items(read_library, cached_recipe, folder, 3)) == [0, 1, 2, 3]
    return folder


@pytest.fixture
def folder(made, tmp_path):
    """Three cached items, which a test may change."""
    return shutil.copytree(made, tmp_path / "items")


def _tensors(batch):
    return [batch.truth, batch.holes, *vars(batch.candidate).values()]


def test_visits_are_crops_of_items_as_a_step_sees_them(folder, cached_recipe):
    items = CachedItems(folder, cached_recipe)
    side, frames = cached_recipe.data.size, cached_recipe.data.num_frames
    for number in range(12):
        item = items[number]
        assert item.truth.shape == (1, frames, 3, side, side)
        assert item.candidate.fill.shape == (frames, 3, side, side)
        assert set(item.holes.unique().tolist()) <= {0.0, 1.0}
        known = (item.holes[0] == 0).expand_as(item.truth[0])
        assert torch.equal(item.candidate.fill[known], item.truth[0][known])
        assert item.candidate.error[item.holes[0] == 0].max() == 0


def test_a_visit_is_decided_by_its_number_and_no_two_are_equal(folder, cached_recipe):
    first, second = CachedItems(folder, cached_recipe), CachedItems(folder, cached_recipe)
    visits = [first[n] for n in range(9)]
    for number, visit in enumerate(visits):
        again = second[number]
        assert all(torch.equal(a, b) for a, b in zip(_tensors(visit), _tensors(again), strict=True))
        assert not any(torch.equal(visit.truth, v.truth) for v in visits[:number])


@pytest.mark.parametrize("larger", [{"num_frames": 5}, {"size": 80}])
def test_crops_larger_than_the_items_are_refused(folder, cached_recipe, larger, one_sentence):
    recipe = dataclasses.replace(
        cached_recipe, data=dataclasses.replace(cached_recipe.data, **larger)
    )
    with pytest.raises(OptionError, match="smaller --frames or --size") as caught:
        CachedItems(folder, recipe)
    one_sentence(caught.value)


def test_every_item_is_visited_once_before_any_is_again(folder, cached_recipe):
    items = CachedItems(folder, cached_recipe)
    seen = []
    items._crop = lambda slices, rng: float(slices["truth"][:].float().mean())
    for epoch in range(3):
        seen = [items[3 * epoch + n] for n in range(3)]
        assert len(set(seen)) == 3


def test_items_in_the_cache_are_not_made_again(folder, toy_library, cached_recipe):
    times = {f.name: f.stat().st_mtime_ns for f in folder.iterdir()}
    assert list(cache_items(toy_library, cached_recipe, folder, 4)) == [3, 4]
    assert all((folder / name).stat().st_mtime_ns == time for name, time in times.items())


def test_items_of_another_recipe_are_refused_by_name(folder, toy_library, cached_recipe):
    other = dataclasses.replace(cached_recipe, seed=1)
    with pytest.raises(OptionError, match="seed: 0 -> 1"):
        CachedItems(folder, other)
    with pytest.raises(OptionError, match="seed: 0 -> 1"):
        list(cache_items(toy_library, other, folder, 4))


@pytest.mark.parametrize("name", ["refine_toy", "lgtsm_small"])
def test_recipes_without_a_cache_are_refused(name, toy_library, tmp_path):
    with pytest.raises(OptionError, match="Expected a recipe with cached items"):
        list(cache_items(toy_library, load_recipe(name), tmp_path / "none", 1))


def test_a_damaged_item_is_named(folder, cached_recipe):
    from lgtsm.errors import WeightsError

    for file in folder.glob("*.safetensors"):
        file.write_bytes(file.read_bytes()[:100])
    with pytest.raises(WeightsError, match="damaged"):
        CachedItems(folder, cached_recipe)[0]
