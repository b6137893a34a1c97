"""Refining networks, which start from copies aligned along the motion.

Gathering pixels from source frames costs more than a training step, so recipes with a `cached` size
train on cached items (`python -m train items`). Crops are large enough for the holes of real clips:
trained on 128 px alone, an earlier run gained on 432x240 clips a third of what it gained on its
crops.
"""

from dataclasses import replace

from lgtsm.models.discriminator import DISCRIMINATORS
from lgtsm.models.spec import FAMILIES
from lgtsm.models.trunk_spec import ShiftKind
from lgtsm.options import Motion

from ..losses.adversarial import Adversarial
from ..recipe import (
    AdversaryRecipe,
    CachedSize,
    DataRecipe,
    RatioLosses,
    Recipe,
    Stage,
    with_width,
)

_NETWORK = FAMILIES["refine"]
_TINY_NETWORK = replace(_NETWORK, source_frames=2)
_STAGE = Stage(losses=RatioLosses(l1=0.3, l2=1.6, perceptual=0.9, perceptual_step=2))
_SECOND_STAGE = replace(
    _STAGE,
    learning_rate=3e-4,
    # a narrow discriminator with a small weight
    adversary=AdversaryRecipe(
        weight=0.02,
        kind=Adversarial.HINGE,
        discriminator=replace(DISCRIMINATORS["tsmgan"], width=16, spectral_norm=True),
    ),
)
# the built-in weights: a narrow network, trained on a CPU
_SMALL = Recipe(
    name="refine_small",
    network=replace(_NETWORK, trunk=replace(_NETWORK.trunk, width=16)),
    stage1=_STAGE,
    stage2=_SECOND_STAGE,
    data=DataRecipe(
        num_frames=8,
        size=160,
        still_ratio=0.25,
        shrink_ratio=0.3,
        coverage=(0.06, 0.28),
        cached=CachedSize(),
    ),
)
_TRUNK = _SMALL.filler.trunk
_FIXED_SHIFT = replace(_TRUNK, shift=replace(_TRUNK.shift, kind=ShiftKind.FIXED))
# width 32 on a GPU, in batches and without a cache; not measured at length
_LARGE = replace(
    with_width(_SMALL, 32),
    name="refine",
    stage1=replace(_STAGE, batch=16, warmup_steps=200),
    stage2=replace(_SECOND_STAGE, batch=16, warmup_steps=200),
    data=DataRecipe(
        num_frames=6,
        size=192,
        still_ratio=0.3,
        shrink_ratio=0.3,
        coverage=(0.05, 0.35),
        published_ratio=0.1,
        annotated_ratio=0.1,
    ),
)
_TINY_ADVERSARY = AdversaryRecipe(
    weight=0.01, discriminator=replace(DISCRIMINATORS["tsmgan"], width=2)
)
_TINY_DATA = DataRecipe(num_frames=3, num_context=2, motion=Motion.NONE, size=64)
_TOY_STAGE = Stage(warmup_steps=2, ema_decay=0.9)
_OVERFIT_STAGE = Stage(
    losses=RatioLosses(l1=0.3, l2=1.0, perceptual=0.0),
    learning_rate=1.5e-3,
    warmup_steps=10,
    ema_decay=0.95,
)
RECIPES = (
    _LARGE,
    _SMALL,
    # the ablation: GTSM's fixed shift instead of the learnable one
    replace(_SMALL, name="refine_fixed", network=replace(_SMALL.network, trunk=_FIXED_SHIFT)),
    # a test of the whole pipeline in seconds; its weights are useless
    with_width(
        Recipe(
            name="refine_toy",
            network=_TINY_NETWORK,
            data=_TINY_DATA,
            stage1=_TOY_STAGE,
            stage2=replace(_TOY_STAGE, adversary=_TINY_ADVERSARY),
        ),
        4,
    ),
    # overfits two items of one clip: a test of losses, gradients and both stages
    with_width(
        Recipe(
            name="refine_overfit",
            network=_TINY_NETWORK,
            data=replace(_TINY_DATA, jitter=0.0, num_items=2),
            stage1=_OVERFIT_STAGE,
            stage2=replace(_OVERFIT_STAGE, learning_rate=5e-4, adversary=_TINY_ADVERSARY),
        ),
        8,
    ),
)
