"""The built-in weights: a narrow refining network on copies that follow motion, trained on a CPU.

Gathering what other frames show costs more than a step, so items are made once and kept
(`python -m train items`); crops are large enough for the holes of real clips: trained on 128 px
alone, an earlier run gained on 432x240 clips a third of what it gained on its crops.
"""

from dataclasses import replace

from lgtsm.models.discriminator import DISCRIMINATORS
from lgtsm.models.spec import FAMILIES

from ..losses.adversarial import Adversarial
from ..recipe import AdversaryRecipe, DataRecipe, KeptSize, RatioLosses, Recipe, Stage

_SPEC = FAMILIES["refine"]
_LOSSES = RatioLosses(l1=0.3, l2=1.6, perceptual=0.9, perceptual_step=2)
RECIPE = Recipe(
    name="refine_small",
    network=replace(_SPEC, trunk=replace(_SPEC.trunk, width=16)),
    stage1=Stage(losses=_LOSSES),
    # a narrow discriminator and a light weight
    stage2=Stage(
        losses=_LOSSES,
        learning_rate=3e-4,
        adversary=AdversaryRecipe(
            weight=0.02,
            kind=Adversarial.HINGE,
            discriminator=replace(DISCRIMINATORS["tsmgan"], width=16, spectral_norm=True),
        ),
    ),
    data=DataRecipe(
        num_frames=8,
        size=160,
        still_ratio=0.25,
        shrink_ratio=0.3,
        coverage=(0.06, 0.28),
        kept=KeptSize(),
    ),
)
