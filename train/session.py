"""The start of a run: data, initial or restored weights, optimisers and validation items."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch import nn
from torch.nn.utils import convert_conv2d_weight_memory_format

from lgtsm.errors import OptionError, WeightsError
from lgtsm.models.build import build
from lgtsm.models.neighbours.dfpn import Dfpn
from lgtsm.models.neighbours.frames import Aligner
from lgtsm.models.painter import PainterNetwork
from lgtsm.weights.header import RESEARCH_ONLY, read_card
from lgtsm.weights.load import network_of, read_weights
from lgtsm.weights.neighbours import load_aligner

from .checkpoint import STATE, load_state, read_state, refuse_other_run
from .compact import has_compact, read_compact
from .data.batch import Batch
from .data.cached import CachedItems
from .data.sampling import FIRST_VALIDATION_ITEM, Items
from .data.sources import Library
from .data.stream import open_items
from .initialise import initialise
from .losses.features import Gram
from .losses.left_out import left_out
from .losses.perceptual import PerceptualNet, Vgg16
from .process_group import ProcessGroup
from .recipe import HallucinatingLosses, PixelLosses
from .run import Run
from .step import Learner, Stepper, make_learner, seeded

_LOG = logging.getLogger(__name__)
_SHOWN_ITEMS = 4


@dataclass
class Session:
    """A run in progress.

    training: its clips; items: made from them; held_out: validation items, empty in other processes
    than the main one; shown: items of the sample images.
    """

    run: Run
    group: ProcessGroup
    device: torch.device
    training: Library
    items: Items | CachedItems
    learner: Learner
    stepper: Stepper
    held_out: list[Batch] = field(default_factory=list)
    shown: list[Batch] = field(default_factory=list)


def start_session(
    run: Run, library: Library, net: PerceptualNet | None, group: ProcessGroup
) -> Session:
    """Start or resume a run; the arguments are those of `loop.train`.

    Raises:
        OptionError: nothing to train on, no such stage, a state of another recipe, or a new run in
            the folder of another.
        WeightsError: nothing to continue from, or weights of another network.
    """
    recipe, device = run.recipe, run.torch_device(group.local_rank)
    if group.is_main:  # before the items, which take a while
        warn_of_losses(run, net)
    net = net.to(device) if net is not None else None
    training, held_out = library.split()
    training.require(recipe.data.num_frames)
    items = open_items(run, training)
    learner = _make_learner(run, items[0].to(device), net)
    aligner = _load_aligner(run, learner)
    lacks = left_out(learner.stage.losses, net)
    about = {"feature_network": net.name if net else "none", "left_out": lacks}
    learner.provenance |= {key: value for key, value in about.items() if value}
    group.broadcast(learner.tensors())
    stepper = Stepper(
        learner,
        net,
        group,
        aligner=None if aligner is None else aligner.to(device),
        dtype=run.dtype(device),
        micro_batch=run.micro_batch,
    )
    session = Session(run, group, device, training, items, learner, stepper)
    if held_out.offers(recipe.data.num_frames) and group.is_main:
        held = Items(held_out, recipe)
        numbers = range(FIRST_VALIDATION_ITEM, FIRST_VALIDATION_ITEM + run.validate_items)
        session.held_out = [held[number] for number in numbers]
    session.shown = session.held_out[:_SHOWN_ITEMS] or [items[i] for i in range(_SHOWN_ITEMS)]
    run.out.mkdir(parents=True, exist_ok=True)
    return session


def _make_learner(run: Run, first: Batch, net: PerceptualNet | None) -> Learner:
    """Set up a learner on the device of its first batch, which LSUV rescales the weights on."""
    recipe, stage, device = run.recipe, run.recipe.stage(run.stage), first.truth.device
    if not (run.resume or run.is_continued_here):
        refuse_other_run(run.out)
    with seeded(recipe.seed):
        network = build(recipe.network)
    network.to(device)
    provenance: dict = {}
    if run.init is not None:
        provenance = _load_weights(network, run.init)
    elif not run.resume and run.checkpoint is None:
        initialise(network, recipe.initialisation, first, recipe.seed)
        if isinstance(network, Dfpn):
            _take_features(network, net)
    convert_conv2d_weight_memory_format(network, torch.channels_last)  # 3-D weights are unchanged
    learner = make_learner(network, stage, recipe.seed)
    learner.provenance = provenance
    if run.resume:
        load_state(run.out, learner, recipe, run.stage)
    elif run.checkpoint is not None:
        read_compact(run.checkpoint, learner, recipe, run.stage)
    return learner


def _take_features(network: Dfpn, net: PerceptualNet | None) -> None:
    """Copy the frozen features that a new DFPN correlates.

    Raises:
        WeightsError: no VGG-16, or one of other widths.
    """
    try:
        if isinstance(net, Vgg16):
            network.vgg.load_state_dict(net.first_convolutions())
            return
    except RuntimeError:
        net = None
    raise WeightsError(
        f"Expected VGG-16 for a new DFPN, got {'none' if net is None else net.name}; give torchvision's "
        "as safetensors with --perceptual, or start from a DFPN with --init."
    )


def _load_aligner(run: Run, learner: Learner) -> Aligner | None:
    """Load the aligner of a run, which its provenance then names; None for the known motion.

    Raises:
        OptionError: a recipe that does not align.
        WeightsError: no such file, or another network.
    """
    if run.aligner is None:
        return None
    if not isinstance(learner.network, PainterNetwork):
        raise OptionError(
            f"Expected the recipe chn with --aligner, got {run.recipe.name}; leave it out."
        )
    aligner = load_aligner(run.aligner)
    learner.provenance |= {"aligner": run.aligner.name} | _descent(run.aligner)
    return aligner


def _load_weights(network: nn.Module, source: Path) -> dict:
    """Load weights into a network; return their provenance."""
    if source.is_dir() and (source / STATE).is_file():
        tensors, metadata = read_state(source)
        values = {k[8:]: v for k, v in tensors.items() if k.startswith("average.")}
        provenance = json.loads(metadata.get("provenance", "{}"))
        progress = json.loads(metadata["progress"])
        run = {k: progress[k] for k in ("stage", "step") if k in progress}
        # of that run, not of this one
        run |= {k: provenance.pop(k) for k in ("feature_network", "left_out") if k in provenance}
        provenance["runs_before"] = [*provenance.get("runs_before", []), run]
    elif has_compact(source):
        raise WeightsError(
            f"Expected a weight file or a run in {source}, got a compact checkpoint; continue from "
            "it with --checkpoint."
        )
    else:
        values = network_of(read_weights(source)).state_dict()
        provenance = _descent(source)
    try:
        network.load_state_dict(values)
    except RuntimeError as error:
        raise WeightsError(
            f"Expected weights of the recipe's network and its size in {source}, got others; give weights "
            "of this network or another recipe."
        ) from error
    return provenance | {"initialised_from": source.name}


def _descent(source: Path) -> dict[str, str]:
    """Return what weights hand down to those that are trained from them or with them."""
    card = read_card(source) if source.is_file() else None
    return {"descent": RESEARCH_ONLY} if card and card.is_research_only else {}


def warn_of_losses(run: Run, net: PerceptualNet | None) -> None:
    """Log which losses differ from the recipe's, and what that costs."""
    losses = run.recipe.stage(run.stage).losses
    if lacks := left_out(losses, net):
        wanted = "VGG-16" if isinstance(losses, HallucinatingLosses) else "SqueezeNet"
        _LOG.warning("%s: %s; pass %s with --perceptual", run.stage, lacks, wanted)
    elif (
        run.micro_batch
        and isinstance(losses, PixelLosses)
        and losses.style
        and losses.gram is Gram.BATCH
    ):
        _LOG.warning(
            "Gram matrices mix the %d items of a micro-batch, not the whole batch as published",
            run.micro_batch,
        )
