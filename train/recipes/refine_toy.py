"""Seconds instead of hours: shows that every part of the chain works; no weights to keep."""

from dataclasses import replace

from lgtsm.models.discriminator import DISCRIMINATORS
from lgtsm.models.spec import FAMILIES
from lgtsm.options import Motion

from ..recipe import AdversaryRecipe, DataRecipe, Recipe, Stage

_SPEC = FAMILIES["refine"]
_STAGE = Stage(warmup_steps=2, ema_decay=0.9)
RECIPE = Recipe(
    name="refine_toy",
    network=replace(_SPEC, source_frames=2, trunk=replace(_SPEC.trunk, width=4)),
    data=DataRecipe(num_frames=3, num_around=2, motion=Motion.NONE, size=64),
    stage1=_STAGE,
    stage2=replace(
        _STAGE,
        adversary=AdversaryRecipe(
            weight=0.01, discriminator=replace(DISCRIMINATORS["tsmgan"], width=2)
        ),
    ),
)
