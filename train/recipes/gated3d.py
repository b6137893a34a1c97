"""The 3-D gated network (ICCV 2019), without skips, with its temporal PatchGAN.

Weights 1 / 1 / 10 / 120 and 0.1 are read as L1, L1 of the holes, perceptual, style and adversarial;
that order has not been checked against the paper's text.
"""

from dataclasses import replace

from lgtsm.models.spec import FAMILIES

from ..recipe import Divisors
from .published import published

_RECIPE = published(
    "gated3d",
    FAMILIES["gated3d"],
    discriminator="tpatchgan",
    weight=0.1,  # [3d] adversarial
)
_LOSSES = replace(
    _RECIPE.stage1.losses,
    l1=1.0,  # [3d] over all pixels
    masked_l1=1.0,  # [3d] the same, holes only
    perceptual=10.0,  # [3d]
    style=120.0,  # [3d]
    divisors=Divisors.SQUARED_CHANNELS,  # the weight is meant for the paper's own normalisation
)
RECIPE = replace(
    _RECIPE,
    stage1=replace(_RECIPE.stage1, losses=_LOSSES),
    stage2=replace(_RECIPE.stage2, losses=_LOSSES),
)
