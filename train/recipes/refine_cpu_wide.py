"""Second half of `refine_cpu`: larger crops, hence larger holes, and more camera motion.

Trained on small crops alone, the gain on 432x240 clips was a third of that on the crops: holes there
are larger than any a 128 px crop can hold.
"""

from dataclasses import replace

from lgtsm.models.discriminator import DISCRIMINATORS

from ..losses.adversarial import Adversarial
from ..recipe import AdversaryRecipe, DataRecipe, RatioLosses, Stage
from . import refine_cpu

RECIPE = replace(
    refine_cpu.RECIPE,
    name="refine_cpu_wide",
    stage1=Stage(losses=RatioLosses(l1=0.3, l2=1.6, perceptual=0.9)),
    # a narrow critic and a light weight: not measured at length
    stage2=Stage(
        losses=RatioLosses(l1=0.3, l2=1.6, perceptual=0.9),
        learning_rate=3e-4,
        adversary=AdversaryRecipe(
            weight=0.02,
            kind=Adversarial.HINGE,
            critic=replace(DISCRIMINATORS["tsmgan"], width=16, spectral_norm=True),
        ),
    ),
    data=DataRecipe(
        num_frames=4, size=192, still_ratio=0.4, shrink_ratio=0.2, coverage=(0.08, 0.35)
    ),
)
