"""How a run begins: fresh weights, given ones, a light state, or where it was left."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from torch.nn.utils import convert_conv2d_weight_memory_format

from lgtsm.errors import OptionError, WeightsError
from lgtsm.models.build import build
from lgtsm.models.network import Network
from lgtsm.weights.header import read_card
from lgtsm.weights.load import load_model

from .checkpoint import STATE, load_state, read_state, refuse_other_run
from .data.sampling import Batch
from .initial import initialise
from .light import has_light, read_light
from .recipe import Recipe
from .run import Run
from .step import Learner, make_learner

RESEARCH_ONLY = "research-only"


def begin(recipe: Recipe, stage_name: str, run: Run, first: Batch) -> Learner:
    """Set up a learner on the device of its first batch.

    Args:
        recipe: of the network and its stages.
        stage_name: "stage1" or "stage2".
        run: how it begins.
        first: a real batch, for weights that are rescaled on one.

    Raises:
        OptionError: the recipe has no such stage, a state of another recipe, or a new run where
            there is one.
        WeightsError: nothing to go on from, or weights of another network.
    """
    stage = getattr(recipe, stage_name)
    if stage is None:
        raise OptionError(
            f"Expected a recipe with {stage_name}, got {recipe.name}, which has none; take another "
            "recipe."
        )
    if not (run.resume or run.goes_on_here):
        refuse_other_run(run.out)
    device = first.truth.device
    with torch.random.fork_rng(devices=[]):  # first weights are drawn from the global generator
        torch.random.default_generator.manual_seed(recipe.seed)
        network = build(recipe.network)
    network.to(device)
    notes: dict = {}
    if run.init is not None:
        notes = _load_weights(network, run.init)
    elif not run.resume and run.light is None:
        initialise(network, recipe.initial, first, recipe.seed)
    convert_conv2d_weight_memory_format(network, torch.channels_last)  # 3-D weights stay
    learner = make_learner(network, stage, recipe.seed)
    learner.notes = notes
    config = recipe.to_config()
    if run.resume:
        load_state(run.out, learner, config, stage_name)
    elif run.light is not None:
        read_light(run.light, learner, config, stage_name)
    return learner


def _load_weights(network: Network, source: Path) -> dict:
    """Put weights into a network; returns what is to be known about where they came from."""
    if source.is_dir() and (source / STATE).is_file():
        tensors, metadata = read_state(source)
        values = {k[8:]: v for k, v in tensors.items() if k.startswith("average.")}
        notes = json.loads(metadata.get("notes", "{}"))
        progress = json.loads(metadata["progress"])
        run = {k: progress[k] for k in ("stage", "step") if k in progress}
        notes["runs_before"] = [*notes.get("runs_before", []), run]
    elif has_light(source):
        raise WeightsError(
            f"Expected a weight file or a run in {source}, got a light state; go on from it with "
            "--light."
        )
    else:
        values = load_model(source).state_dict()
        card = read_card(source) if source.is_file() else None
        descends = card is not None and (
            card.licence == RESEARCH_ONLY or card.provenance.get("descent") == RESEARCH_ONLY
        )
        notes = {"descent": RESEARCH_ONLY} if descends else {}
    try:
        network.load_state_dict(values)
    except RuntimeError as error:
        raise WeightsError(
            f"Expected weights of a {network.spec.family} network of the recipe's size in "
            f"{source}, got others; give weights of this network or another recipe."
        ) from error
    return notes | {"initialised_from": source.name}
