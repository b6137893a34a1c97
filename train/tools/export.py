"""Export a training run as a weight file for inference, alone or in a folder for a hub."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from lgtsm.errors import OptionError
from lgtsm.models.build import build
from lgtsm.models.network import Network
from lgtsm.weights.header import RESEARCH_ONLY, Card
from lgtsm.weights.save import save_model

from ..checkpoint import load_state
from ..data.sampling import FIRST_VALIDATION_ITEM, Items
from ..data.sources import Library
from ..objective import predict
from ..recipe import Recipe
from ..step import Learner, make_learner
from .card import write_folder

NOT_STATED = "not stated"
_MIN_PSNR = 45.0
"""In dB, in the hole, against float32: half precisions below are not listed."""
_NUM_TRIALS = 6
"""Held-out items that are tried."""


@torch.no_grad()
def passing_dtypes(network: nn.Module, library: Library, recipe: Recipe) -> tuple[str, ...]:
    """Return the half precisions whose results are close to float32 on held-out clips.

    Args:
        network: in eval mode.
        library: held-out clips; without any, none is listed, nor for networks that read single frames.
        recipe: distribution of the items.

    Returns:
        Those of bf16 and fp16 with at least 45 dB in the holes of every trial item.
    """
    if recipe.moves_pictures or not library.offers(recipe.data.num_frames):
        return ()
    assert isinstance(network, Network)  # its recipe says so
    items, passed = Items(library, recipe), []
    for name, dtype in (("bf16", torch.bfloat16), ("fp16", torch.float16)):
        worst = float("inf")
        half = build(network.spec).trunk.to(dtype).eval()
        half.load_state_dict(network.trunk.state_dict())
        for i in range(_NUM_TRIALS):
            item = items[FIRST_VALIDATION_ITEM + i]
            flat = (item.truth.flatten(0, 1), item.holes.flatten(0, 1))
            x = network.encode(*flat, candidate=item.candidate)[None].to(dtype)
            result = network.decode(half(x)[0].float(), item.candidate)
            full = predict(network, item).raw[0]
            area = 3 * item.holes.sum().clamp_min(1)
            error = ((result - full).square() * item.holes[0]).sum() / area
            worst = min(worst, float(-10 * torch.log10(error + 1e-12)))
        if worst >= _MIN_PSNR:
            passed.append(name)
    return tuple(passed)


@torch.no_grad()
def shrink_head(network: Network, strength: float) -> None:
    """Scale the correction that a refining network adds to its fill, in place.

    A network trained on few sources is overconfident on others: its correction has the right
    direction and is too large. The head is linear, so scaling it scales the correction exactly.

    Args:
        network: of a family that starts from a fill.
        strength: factor, 0..1; 0 is the fill itself.
    """
    for parameter in network.trunk.layers()[-1].feature.parameters():
        parameter.mul_(strength)


def averaged(run: Path, recipe: Recipe, stage: str) -> Learner:
    """Return a run's learner on the CPU, its network holding the averaged weights.

    Raises:
        OptionError: the run has another recipe.
        WeightsError: it has no state.
    """
    learner = make_learner(build(recipe.network), recipe.stage(stage), recipe.seed)
    load_state(run, learner, recipe, stage)
    learner.averaged()
    return learner


@dataclass(frozen=True, kw_only=True)
class Terms:
    """How a run is exported.

    stage: "stage1" or "stage2"; licence: of the weights; strength: see `shrink_head`, to be chosen
    on clips that are used neither for training nor for the final scores; perceptual: feature
    network of the losses, instead of the one that the run was given.
    """

    stage: str = "stage1"
    licence: str = "Apache-2.0"
    strength: float = 1.0
    perceptual: str = NOT_STATED


def export(run: Path, recipe: Recipe, library: Library, out: Path, terms: Terms) -> Card:
    """Write the averaged weights of a run as float16.

    Args:
        run: folder of the run.
        recipe: of the run.
        library: of the run, for the card.
        out: a .safetensors file, or a folder for a hub: config.json, model.safetensors, README.md,
            SHA256SUMS and curves.png.
        terms: stage, licence and the card's other statements.

    Returns:
        The card in the file's header.

    Raises:
        OptionError: weights that descend from research-only ones, or a strength for a family
            without a fill.
    """
    learner = averaged(run, recipe, terms.stage)
    network = learner.network
    if learner.provenance.get("descent") == RESEARCH_ONLY or terms.licence == RESEARCH_ONLY:
        raise OptionError(
            "Expected weights trained from scratch or from open ones, got a run that descends from "
            "research-only weights; such weights cannot be exported."
        )
    if terms.strength != 1.0:
        if not isinstance(network, Network) or not network.spec.starts_from_fill:
            raise OptionError(
                f"Expected strength 1 for the {recipe.network.family} family, got {terms.strength}; "
                "leave it out, the family does not start from a fill."
            )
        shrink_head(network, terms.strength)
    # round to the file's precision before measuring
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
            "perceptual": terms.perceptual
            if terms.perceptual != NOT_STATED
            else learner.provenance.get("feature_network", NOT_STATED),
            "training_items": len(training.clips),
            "training_licences": dict(Counter(clip.licence for clip in training.clips)),
            "held_out_sources": sorted({clip.source for clip in held_out.clips}),
        }
        | learner.provenance,
    )
    if out.suffix == ".safetensors":
        save_model(network, out, card, dtype=torch.float16)
    else:
        write_folder(out, network, card, recipe, run)
    return card
