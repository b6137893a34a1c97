"""`refine_small` with the fixed shift of GTSM in the place of the learnable one: the ablation."""

from dataclasses import replace

from lgtsm.models.trunk_spec import ShiftKind

from .refine_small import RECIPE as SMALL

_TRUNK = SMALL.network.trunk
RECIPE = replace(
    SMALL,
    name="refine_fixed",
    network=replace(
        SMALL.network, trunk=replace(_TRUNK, shift=replace(_TRUNK.shift, kind=ShiftKind.FIXED))
    ),
)
