"""Items made once and kept on disk, larger than a step sees them.

What other frames show of a hole costs a CPU several times as much as the step that learns from it.
So items are made once, with more frames and pixels than a step takes; each visit cuts another part
out of one, mirrors it, plays it backwards. Which part is decided by the number of the visit alone.
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
from torch import Tensor
from torch.utils.data import Dataset

from lgtsm.errors import OptionError, WeightsError
from lgtsm.fills.candidate_fill import CandidateFill
from lgtsm.whole_file import WholeFile

from ..recipe import Recipe, differing_fields
from ..workers import make_each
from .sampling import Batch, Items
from .sources import Library

_ABOUT = "items.json"
_TRIES = 16
"""Parts that are tried for one with enough hole."""
_LEAST_HOLE = 0.03
"""Share of hole below which a part teaches little."""


def making(recipe: Recipe) -> Recipe:
    """Return the recipe by which kept items are made: their size, nothing kept.

    Raises:
        OptionError: the recipe keeps no items.
    """
    kept = recipe.data.kept
    if kept is None or not recipe.network.starts_from_fill:
        raise OptionError(
            f"Expected a recipe that keeps items, got {recipe.name}; train without --items."
        )
    data = replace(
        recipe.data, num_frames=kept.num_frames, size=kept.size, width=kept.width, kept=None
    )
    return replace(recipe, data=data)


def _what_decides(recipe: Recipe) -> dict:
    """Return everything that the pixels of kept items depend on."""
    made = making(recipe)
    network = recipe.network
    window = {"window": list(network.window), "source_frames": network.source_frames}
    return json.loads(
        json.dumps(
            {
                "seed": made.seed,
                "data": asdict(made.data),
                "candidate": window,
                "tensors": [field.name for field in fields(CandidateFill)],
            },
            default=lambda value: value.value,
        )
    )


def keep_items(
    library: Library, recipe: Recipe, folder: Path, count: int, *, workers: int = 1
) -> Iterator[int]:
    """Make items; those that are there already are not made again.

    Args:
        library: training clips.
        recipe: one that keeps items.
        folder: where they go.
        count: how many.
        workers: processes that make them.

    Yields:
        The number of items that are there.

    Raises:
        OptionError: the folder holds items of another recipe.
    """
    folder.mkdir(parents=True, exist_ok=True)
    about = folder / _ABOUT
    if about.is_file():
        _check(folder, recipe)
    else:
        about.write_text(json.dumps(_what_decides(recipe), indent=1), encoding="utf-8")
    wanted = [number for number in range(count) if not _file(folder, number).is_file()]
    there = count - len(wanted)
    yield there
    one = partial(_make, library, making(recipe), folder)
    for number, _ in enumerate(make_each(one, wanted, workers), there + 1):
        yield number


def _file(folder: Path, number: int) -> Path:
    return folder / f"{number:06d}.safetensors"


def _make(library: Library, recipe: Recipe, folder: Path, number: int) -> int:
    """Make one item and write it whole or not at all."""
    with torch.inference_mode():
        item = Items(library, recipe)[number]
    values = {"truth": item.truth[0], "holes": item.holes[0], **vars(item.candidate)}
    tensors = {k: _to_bytes(v).contiguous() for k, v in values.items()}
    with WholeFile(_file(folder, number)) as part:
        save_file(tensors, part)
    return number


def _to_bytes(values: Tensor) -> Tensor:
    """Round values in [0,1]; an error of half a level is far below grain."""
    return (values.clamp(0, 1) * 255).round().to(torch.uint8)


def _check(folder: Path, recipe: Recipe) -> None:
    try:
        before = json.loads((folder / _ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OptionError(
            f"Expected a folder that `python -m train items` wrote, found no readable {_ABOUT} in "
            f"{folder}; make the items first."
        ) from error
    if fields := differing_fields(before, _what_decides(recipe)):
        raise OptionError(
            f"Expected items of the recipe {recipe.name} in {folder}, got others "
            f"({'; '.join(fields)}); take another folder."
        )


class KeptItems(Dataset):
    """Parts of kept items; visit number i is always the same.

    Args:
        folder: that `keep_items` has filled.
        recipe: what a step sees.

    Raises:
        OptionError: no items, or those of another recipe.
    """

    def __init__(self, folder: Path, recipe: Recipe) -> None:
        _check(folder, recipe)
        kept, data = making(recipe).data, recipe.data
        if data.num_frames > kept.num_frames or any(
            wanted > there for wanted, there in zip(data.shape, kept.shape, strict=True)
        ):
            raise OptionError(
                f"Expected parts of at most {kept.num_frames} frames of {kept.shape[1]}x"
                f"{kept.shape[0]} from the items in {folder}, got {data.num_frames} of "
                f"{data.shape[1]}x{data.shape[0]}; give smaller --frames or --size."
            )
        self.recipe = recipe
        self.files = sorted(folder.glob("[0-9]*.safetensors"))
        if not self.files:
            raise OptionError(
                f"Expected kept items in {folder}, found none; make some with `python -m train "
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
                return self._cut({k: tensors.get_slice(k) for k in tensors.keys()}, rng)  # noqa: SIM118 - not a mapping
        except SafetensorError as error:
            raise WeightsError(
                f"Expected a kept item in {file.name}, got a damaged file; delete it and make the "
                "items again."
            ) from error

    def _cut(self, slices: dict, rng: np.random.Generator) -> Batch:
        data = self.recipe.data
        frames, _, height, width = slices["holes"].get_shape()
        best, most = None, -1.0
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
            if share >= _LEAST_HOLE:
                break
        flips = [-1] if rng.random() < 0.5 else []
        flips += [0] if rng.random() < 0.5 else []
        values = {k: (v[best].float() / 255).flip(flips) for k, v in slices.items()}
        truth, holes = values.pop("truth"), values.pop("holes")
        return Batch(truth[None], holes[None], CandidateFill(**values))
