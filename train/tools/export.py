"""From a training run to a weight file for inference, with its card; alone or as a hub's folder."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import torch

from lgtsm.errors import OptionError
from lgtsm.models.build import build
from lgtsm.models.network import Network
from lgtsm.weights.header import Card
from lgtsm.weights.save import save_model

from ..begin import RESEARCH_ONLY
from ..checkpoint import load_state
from ..data.sampling import FIRST_ITEM_OF_VALIDATION, Items
from ..data.sources import Library
from ..objective import predict
from ..recipe import Recipe
from ..step import Learner, make_learner
from .card import write_folder

_MIN_DECIBELS = 45.0
"""A half precision is listed when the hole differs from float32 by no more than this."""
_NUM_TRIALS = 6


@torch.no_grad()
def passing_dtypes(network: Network, library: Library, recipe: Recipe) -> tuple[str, ...]:
    """Return the half precisions in which a network's result stays near float32.

    Args:
        network: in eval mode.
        library: held-out clips; without any nothing can be listed.
        recipe: how items are drawn.

    Returns:
        Names out of bf16 and fp16, those with at least 45 dB in the holes of every trial item.
    """
    passed: list[str] = []
    if not library.offers(recipe.data.num_frames):
        return ()
    items = Items(library, recipe)
    for name, dtype in (("bf16", torch.bfloat16), ("fp16", torch.float16)):
        worst = float("inf")
        half = build(network.spec).trunk.to(dtype).eval()
        half.load_state_dict(network.trunk.state_dict())
        for i in range(_NUM_TRIALS):
            item = items[FIRST_ITEM_OF_VALIDATION + i]
            flat = (item.truth.flatten(0, 1), item.holes.flatten(0, 1))
            x = network.encode(*flat, candidate=item.candidate)[None].to(dtype)
            result = network.decode(half(x)[0].float(), item.candidate)
            full = predict(network, item).raw[0]
            area = 3 * item.holes.sum().clamp_min(1)
            error = ((result - full).square() * item.holes[0]).sum() / area
            worst = min(worst, float(-10 * torch.log10(error + 1e-12)))
        if worst >= _MIN_DECIBELS:
            passed.append(name)
    return tuple(passed)


@torch.no_grad()
def shrink_head(network: Network, strength: float) -> None:
    """Scale what a refining network adds to its fill, in place.

    A net trained on few sources is too sure of itself on others: its step from the fill goes the
    right way and too far. The head is linear, so scaling it scales the step exactly.

    Args:
        network: of a family that starts from a fill.
        strength: factor, 0..1; 0 is the fill itself.
    """
    head = network.trunk.layers()[-1].feature
    head.weight.mul_(strength)
    head.bias.mul_(strength)


def averaged(run: Path, recipe: Recipe, stage: str) -> Learner:
    """Return a run's learner on the CPU, its network holding the averaged weights.

    Raises:
        OptionError: the run was made with another recipe.
        WeightsError: no state there.
    """
    learner = make_learner(build(recipe.network), getattr(recipe, stage), recipe.seed)
    load_state(run, learner, recipe.to_config(), stage)
    learner.network.load_state_dict(learner.average.values)
    learner.network.eval()
    return learner


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How a run is exported.

    stage: "stage1" or "stage2"; licence: of the weights; strength: see `shrink_head`, to be chosen
    on clips neither trained on nor scored; perceptual: feature network of the losses, for the card.
    """

    stage: str = "stage1"
    licence: str = "Apache-2.0"
    strength: float = 1.0
    perceptual: str = "not stated"


def export(run: Path, recipe: Recipe, library: Library, out: Path, terms: Terms) -> Card:
    """Write the averaged weights of a run as float16.

    Args:
        run: folder of the run.
        recipe: that it was made with.
        library: that it was trained on, for the card.
        out: a .safetensors file, or a folder for a hub: config.json, model.safetensors, README.md,
            SHA256SUMS and curves.png.
        terms: stage, licence and what else the card states.

    Returns:
        The card in the file's header.

    Raises:
        OptionError: weights that descend from research-only ones, or a strength that the family
            does not take.
    """
    learner = averaged(run, recipe, terms.stage)
    network = learner.network
    if learner.notes.get("descent") == RESEARCH_ONLY or terms.licence == RESEARCH_ONLY:
        raise OptionError(
            "Expected weights trained from the start or from open ones, got a run that descends "
            "from research-only weights; such weights stay with the run."
        )
    if terms.strength != 1.0:
        if not network.spec.starts_from_fill:
            raise OptionError(
                f"Expected strength 1 for the {network.spec.family} family, got {terms.strength}; leave "
                "it out, there is no fill to go back to."
            )
        shrink_head(network, terms.strength)
    # rounded to what the file holds before anything is measured on it
    network.load_state_dict({k: v.half().float() for k, v in network.state_dict().items()})
    training, held_out = library.split()
    card = Card(
        spec=recipe.network,
        licence=terms.licence,
        dtypes=passing_dtypes(network, held_out, recipe),
        provenance={
            "recipe": recipe.name,
            "stage": terms.stage,
            "steps": learner.step,
            "minutes": round(learner.seconds / 60, 1),
            "seed": recipe.seed,
            "strength": terms.strength,
            "perceptual": terms.perceptual,
            "training_items": len(training.clips),
            "training_licences": dict(Counter(clip.licence for clip in training.clips)),
            "held_out_sources": sorted({clip.source for clip in held_out.clips}),
        }
        | learner.notes,
    )
    if out.suffix == ".safetensors":
        save_model(network, out, card, dtype=torch.float16)
    else:
        write_folder(out, network, card, recipe, run)
    return card
