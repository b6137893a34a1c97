"""The LGTSM network with our own training instead of the published one.

L1 over the hole instead of the frame, per-sample Gram matrices, scaled initial weights, a cosine
schedule with warm-up, clipped gradients, averaged weights, hinge loss with an effective spectral
norm in the discriminator. Small crops, photographs with a synthetic camera: the computing time of
the published schedule is out of reach of a few hours.
"""

from dataclasses import replace

from lgtsm.models.discriminator import DISCRIMINATORS
from lgtsm.models.spec import FAMILIES

from ..losses.adversarial import Adversarial
from ..recipe import (
    AdversaryRecipe,
    DataRecipe,
    Initialisation,
    PixelLosses,
    Recipe,
    Schedule,
    Stage,
    with_width,
)

_STAGE = Stage(
    losses=PixelLosses(hole_l1=1.0, perceptual=0.25, style=2.5),
    batch=32,
    learning_rate=4e-4,
    warmup_steps=500,
    schedule=Schedule.COSINE,
    final_ratio=0.05,
    ema_decay=0.999,
    clip_norm=1.0,
)
_ADVERSARY = AdversaryRecipe(
    weight=0.05,
    kind=Adversarial.HINGE,
    discriminator=replace(DISCRIMINATORS["tsmgan"], spectral_norm=True),
    learning_rate=2e-4,
)
_OURS = Recipe(
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
    initialisation=Initialisation.SCALED,
    stage1=_STAGE,
    stage2=replace(_STAGE, learning_rate=1e-4, adversary=_ADVERSARY),
)
RECIPES = (
    _OURS,
    # a quarter of the computation, for users without a GPU
    replace(with_width(_OURS, 32), name="lgtsm_small"),
)
