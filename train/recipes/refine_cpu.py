"""A refining network that a CPU trains in hours: narrow trunk, small crops, starts at the fill."""

from dataclasses import replace

from lgtsm.models.spec import FAMILIES

from ..recipe import Recipe

_SPEC = FAMILIES["refine"]
RECIPE = Recipe(
    name="refine_cpu",
    network=replace(_SPEC, trunk=replace(_SPEC.trunk, width=16)),
)
