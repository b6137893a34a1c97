"""From a training run to a weight file for inference, with its card."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import torch

from lgtsm.models.build import build
from lgtsm.models.network import Network
from lgtsm.weights.header import Card
from lgtsm.weights.save import save_model

from .checkpoint import MovingAverage, load_state
from .loop import FIRST_ITEM_OF_VALIDATION
from .recipe import Recipe
from .sampling import make_item
from .sources import Library

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
    if not library.clips:
        return ()
    for name, dtype in (("bf16", torch.bfloat16), ("fp16", torch.float16)):
        worst = float("inf")
        for i in range(_NUM_TRIALS):
            item = make_item(library, recipe, FIRST_ITEM_OF_VALIDATION + i, recipe.seed)
            x = network.encode(item.truth, item.holes, evidence=item.evidence)[None]
            full = network.decode(network.trunk(x)[0], item.evidence)
            half_trunk = build(network.spec).trunk.to(dtype)
            half_trunk.load_state_dict(network.trunk.state_dict())
            output = half_trunk(x.to(dtype))[0].float()
            half = network.decode(output, item.evidence)
            area = 3 * item.holes.sum().clamp_min(1)
            error = ((half - full).square() * item.holes).sum() / area
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


def export(
    run: Path, recipe: Recipe, library: Library, out: Path, *, licence: str, strength: float = 1.0
) -> Card:
    """Write the averaged weights of a run as float16.

    Args:
        run: folder of the run.
        recipe: that it was made with.
        library: that it was trained on, for the card.
        out: the .safetensors file.
        licence: of the weights.
        strength: see `shrink_head`; to be chosen on clips neither trained on nor scored.

    Returns:
        The card in the file's header.
    """
    network = build(recipe.network)
    average = MovingAverage(network, recipe.ema_decay)
    optimizer = torch.optim.Adam(network.parameters())
    progress = load_state(run, network, average, optimizer)
    network.load_state_dict(average.values)
    shrink_head(network, strength)
    # rounded to what the file holds before anything is measured on it
    network.load_state_dict({k: v.half().float() for k, v in network.state_dict().items()})
    network.eval()
    training, held_out = library.split()
    card = Card(
        spec=recipe.network,
        licence=licence,
        dtypes=passing_dtypes(network, held_out, recipe),
        provenance={
            "recipe": recipe.name,
            "steps": int(progress["step"]),
            "minutes": round(progress["seconds"] / 60, 1),
            "seed": recipe.seed,
            "strength": strength,
            "training_items": len(training.clips),
            "training_licences": dict(Counter(clip.licence for clip in training.clips)),
            "held_out_sources": sorted({clip.source for clip in held_out.clips}),
        },
    )
    save_model(network, out, card, dtype=torch.float16)
    return card
