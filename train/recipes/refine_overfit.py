"""Two items of one clip, learned by heart: shows that losses, gradients and both stages work."""

from dataclasses import replace

from lgtsm.models.spec import FAMILIES
from lgtsm.options import Motion

from ..recipe import DataRecipe, RatioLosses, Recipe, Stage
from .refine_toy import RECIPE as TOY

_SPEC = FAMILIES["refine"]
_STAGE = Stage(
    losses=RatioLosses(l1=0.3, l2=1.0, perceptual=0.0),
    learning_rate=1.5e-3,
    warmup_steps=10,
    ema_decay=0.95,
)
RECIPE = Recipe(
    name="refine_overfit",
    network=replace(_SPEC, source_frames=2, trunk=replace(_SPEC.trunk, width=8)),
    data=DataRecipe(
        num_frames=3, num_around=2, motion=Motion.NONE, size=64, jitter=0.0, num_items=2
    ),
    stage1=_STAGE,
    stage2=replace(_STAGE, learning_rate=5e-4, adversary=TOY.stage2.adversary),
)
