"""CombCN (Wang et al. 2019) as re-implemented beside LGTSM: its two losses, no adversary.

Sources: [code] other_configs/3Dcomplete2D.json of the authors' repository, [pre] the configuration
that trains its 3-D part alone first.
"""

from dataclasses import replace

from lgtsm.models.spec import FAMILIES

from ..recipe import Initial, PixelLosses, Recipe
from .published import DATA, STAGE1

RECIPE = Recipe(
    name="combcn",
    network=FAMILIES["combcn"],
    data=DATA,
    initial=Initial.PUBLISHED,
    stage1=replace(
        STAGE1,
        losses=PixelLosses(incomplete=1.0),  # [pre] the half-size video only
    ),
    stage2=replace(
        STAGE1,
        losses=PixelLosses(
            complete=1.0,  # [code] masked mean at full size
            incomplete=1.0,  # [code] and at half size
        ),
    ),
)
