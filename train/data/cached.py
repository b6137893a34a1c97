"""Items cached on disk, larger than what a step trains on.

Gathering pixels from source frames costs a CPU several times as much as the step that learns from
them. So items are made once, with more frames and pixels than a step needs; each visit crops one,
mirrors it or plays it backwards. The number of the visit alone determines the crop.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, fields, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch.utils.data import Dataset

from lgtsm.errors import OptionError, WeightsError
from lgtsm.fills.candidate_fill import CandidateFill
from lgtsm.whole_file import WholeFile

from ..process_group import map_in_processes
from ..recipe import Recipe, differing_fields
from .batch import Batch
from .sampling import Items
from .sources import Library

_CONFIG = "items.json"
_TRIES = 16
"""Crops that are tried for one with enough hole; set by hand, not swept."""
_MIN_HOLE_RATIO = 0.03
"""Share of hole below which a crop teaches little; set by hand, not swept."""


def _uncropped(recipe: Recipe) -> Recipe:
    """Return the recipe of the items in the cache: at their own size.

    Raises:
        OptionError: the recipe has no cache.
    """
    cached = recipe.data.cached
    if cached is None or not recipe.filler.starts_from_fill:
        raise OptionError(
            f"Expected a recipe with cached items, got {recipe.name}; train without --items."
        )
    data = replace(recipe.data, **asdict(cached), cached=None)
    return replace(recipe, data=data)


def _config(recipe: Recipe) -> dict:
    """Return everything that the pixels of cached items depend on."""
    config = _uncropped(recipe).to_config()
    network = recipe.filler
    return {
        "seed": config["seed"],
        "data": config["data"],
        "candidate": {"window": list(network.window), "source_frames": network.source_frames},
        "tensors": [field.name for field in fields(CandidateFill)],
    }


def cache_items(
    library: Library, recipe: Recipe, folder: Path, count: int, *, workers: int = 1
) -> Iterator[int]:
    """Make items of training clips until the folder, which is made if missing, holds `count`.

    Yields:
        The number of items in the folder so far.

    Raises:
        OptionError: the folder holds items of another recipe.
    """
    folder.mkdir(parents=True, exist_ok=True)
    config = folder / _CONFIG
    if config.is_file():
        _check(folder, recipe)
    else:
        config.write_text(json.dumps(_config(recipe), indent=1), encoding="utf-8")
    missing = [number for number in range(count) if not _file(folder, number).is_file()]
    num_found = count - len(missing)
    yield num_found
    make = partial(_make, library, _uncropped(recipe), folder)
    for number, _ in enumerate(map_in_processes(make, missing, workers), num_found + 1):
        yield number


def _file(folder: Path, number: int) -> Path:
    return folder / f"{number:06d}.safetensors"


def _make(library: Library, recipe: Recipe, folder: Path, number: int) -> int:
    """Make one item and write its file."""
    with torch.inference_mode():
        item = Items(library, recipe)[number]
    values = {"truth": item.truth[0], "holes": item.holes[0], **vars(item.candidate)}
    # an error of half a level is far below grain
    tensors = {k: (v.clamp(0, 1) * 255).round().byte().contiguous() for k, v in values.items()}
    with WholeFile(_file(folder, number)) as path:
        save_file(tensors, path)
    return number


def _check(folder: Path, recipe: Recipe) -> None:
    try:
        found = json.loads((folder / _CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OptionError(
            f"Expected a folder that `python -m train items` wrote, found no readable {_CONFIG} in "
            f"{folder}; make the items first."
        ) from error
    if differing := differing_fields(found, _config(recipe)):
        raise OptionError(
            f"Expected items of the recipe {recipe.name} in {folder}, got others "
            f"({'; '.join(differing)}); use another folder."
        )


class CachedItems(Dataset):
    """Crops, of the recipe's size, of the items in a folder; visit number i is always the same.

    Raises:
        OptionError: no items, or those of another recipe.
    """

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        _check(folder, recipe)
        whole, data = _uncropped(recipe).data, recipe.data
        if data.num_frames > whole.num_frames or any(
            wanted > side for wanted, side in zip(data.shape, whole.shape, strict=True)
        ):
            raise OptionError(
                f"Expected crops of at most {whole.num_frames} frames of {whole.shape[1]}x"
                f"{whole.shape[0]} from the items in {folder}, got {data.num_frames} of "
                f"{data.shape[1]}x{data.shape[0]}; give smaller --frames or --size."
            )
        self.recipe = recipe
        self.files = sorted(folder.glob("[0-9]*.safetensors"))
        if not self.files:
            raise OptionError(
                f"Expected cached items in {folder}, found none; make some with `python -m train "
                "items`."
            )

    def __getitem__(self, number: int) -> Batch:
        """Return visit `number` as a batch of one."""
        seed, count = self.recipe.seed, len(self.files)
        order = np.random.default_rng([seed, 2, number // count]).permutation(count)
        rng = np.random.default_rng([seed, 3, number])
        file = self.files[int(order[number % count])]
        try:
            with safe_open(file, "pt") as tensors:
                return self._crop({k: tensors.get_slice(k) for k in tensors.keys()}, rng)  # noqa: SIM118 - not a mapping
        except SafetensorError as error:
            raise WeightsError(
                f"Expected a cached item in {file.name}, got a damaged file; delete it and make "
                "the items again."
            ) from error

    def _crop(self, slices: dict, rng: np.random.Generator) -> Batch:
        """Return the first crop with enough hole, or the one with the most."""
        data = self.recipe.data
        frames, _, height, width = slices["holes"].get_shape()
        best, most = (), -1.0
        for _ in range(_TRIES):
            first = int(rng.integers(0, frames - data.num_frames + 1))
            top = int(rng.integers(0, height - data.shape[0] + 1))
            left = int(rng.integers(0, width - data.shape[1] + 1))
            where = (
                slice(first, first + data.num_frames),
                slice(None),
                slice(top, top + data.shape[0]),
                slice(left, left + data.shape[1]),
            )
            share = float((slices["holes"][where] > 0).float().mean())
            if share > most:
                best, most = where, share
            if share >= _MIN_HOLE_RATIO:
                break
        flips = [-1] if rng.random() < 0.5 else []
        flips += [0] if rng.random() < 0.5 else []
        values = {k: (v[best].float() / 255).flip(flips) for k, v in slices.items()}
        truth, holes = values.pop("truth"), values.pop("holes")
        return Batch(truth[None], holes[None], CandidateFill(**values))
