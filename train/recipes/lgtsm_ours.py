"""The published network, trained as it trains best here rather than as published.

L1 over the hole and not over the frame, per-sample Gram matrices, scaled first weights, a cosine with
warm-up, gradients clipped, averaged weights, hinge loss with a real spectral norm on the discriminator.
Small crops and photographs under a moving camera first: the arithmetic of the published schedule is
out of reach of a few hours.
"""

from dataclasses import replace

from lgtsm.models.discriminator import DISCRIMINATORS
from lgtsm.models.spec import FAMILIES

from ..losses.adversarial import Adversarial
from ..recipe import AdversaryRecipe, DataRecipe, Initial, PixelLosses, Recipe, Schedule, Stage

_LOSSES = PixelLosses(hole_l1=1.0, perceptual=0.25, style=2.5)
_STAGE1 = Stage(
    losses=_LOSSES,
    batch=32,
    learning_rate=4e-4,
    warmup_steps=500,
    schedule=Schedule.COSINE,
    final_ratio=0.05,
    ema_decay=0.999,
    clip_norm=1.0,
)
RECIPE = Recipe(
    name="lgtsm_ours",
    network=FAMILIES["lgtsm"],
    data=DataRecipe(
        num_frames=8,
        size=160,
        still_ratio=0.3,
        shrink_ratio=0.5,
        coverage=(0.05, 0.3),
        published_ratio=0.5,
        annotated_ratio=0.1,
        border_ratio=0.05,
    ),
    initial=Initial.SCALED,
    stage1=_STAGE1,
    stage2=replace(
        _STAGE1,
        learning_rate=1e-4,
        adversary=AdversaryRecipe(
            weight=0.05,
            kind=Adversarial.HINGE,
            discriminator=replace(DISCRIMINATORS["tsmgan"], spectral_norm=True),
            learning_rate=2e-4,
        ),
    ),
)
