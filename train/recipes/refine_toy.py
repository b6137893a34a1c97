"""Seconds instead of hours: shows that every part of the chain works; no weights to keep."""

from dataclasses import replace

from lgtsm.models.spec import FAMILIES

from ..recipe import DataRecipe, Recipe

_SPEC = FAMILIES["refine"]
RECIPE = Recipe(
    name="refine_toy",
    network=replace(_SPEC, num_references=2, trunk=replace(_SPEC.trunk, width=4)),
    data=DataRecipe(num_frames=3, size=64),
    warmup_steps=2,
    ema_decay=0.9,
)
