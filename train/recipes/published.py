"""The published runs; every number with its source.

Sources: [paper] Chang et al. 2019 (LGTSM, BMVC), [3d] Chang et al. 2019 (ICCV), [code] the shipped
configurations of the authors' repository, [names] the names of their runs, [combcn]
other_configs/3Dcomplete2D.json of the same repository (CombCN, Wang et al. 2019, re-implemented),
[pre] the configuration that trains its 3-D part alone first.
"""

from dataclasses import replace

from lgtsm.models.discriminator import DISCRIMINATORS
from lgtsm.models.spec import FAMILIES

from ..losses.adversarial import Adversarial
from ..losses.features import Gram
from ..recipe import (
    AdversaryRecipe,
    DataRecipe,
    Divisors,
    Initialisation,
    PixelLosses,
    Recipe,
    Schedule,
    Stage,
)

_DATA = DataRecipe(
    num_frames=7,  # [code] dataset_configs/FVI_all_masks.json
    size=180,  # [code] the same: 320x180
    width=320,
    max_stride=1,  # [code] sample period randint(1, max = 1)
    shrink_ratio=0.0,  # [code] enlarges frames by 1.2 and crops; we crop without enlarging
    still_ratio=0.0,  # [paper] videos only
    jitter=0.0,  # [code] no colour changes
    reversal_ratio=0.0,  # [code] flips only
    published_ratio=1.0,  # [paper] free-form masks
)
_LOSSES = PixelLosses(
    l1=1.0,  # [code] config.json; over all pixels
    perceptual=1.0,  # [code] config.json
    style=10.0,  # [code] config.json
    gram=Gram.BATCH,  # [code] the Gram matrix mixes the batch
)
_STAGE = Stage(
    batch=5,  # [code] dataset_configs/FVI_all_masks.json
    learning_rate=1e-4,  # [code] config.json: Adam, default betas
    amsgrad=True,  # [code] config.json
    warmup_steps=1,  # [code] none
    schedule=Schedule.CONSTANT,  # [code] StepLR(1000, 0.97), never reached in at most 1000 epochs
    final_ratio=1.0,
    ema_decay=0.0,  # [code] none: the last weights are kept
    clip_norm=0.0,  # [code] none
)
_GATED3D_LOSSES = replace(
    # the order of the weights 1 / 1 / 10 / 120 (and 0.1, adversarial) has not been checked against
    # the paper's text
    _LOSSES,
    l1=1.0,  # [3d] over all pixels
    masked_l1=1.0,  # [3d] the same, holes only
    perceptual=10.0,  # [3d]
    style=120.0,  # [3d]
    divisors=Divisors.SQUARED_CHANNELS,  # the weight is meant for the paper's own normalisation
)


def _recipe(name: str, stage1: Stage, stage2: Stage) -> Recipe:
    """Return the recipe of a published family."""
    return Recipe(
        name=name,
        network=FAMILIES[name],
        data=_DATA,
        initialisation=Initialisation.PUBLISHED,  # [code] no initialisation of its own
        stage1=stage1,
        stage2=stage2,
    )


def _adversarial(
    name: str, discriminator: str, weight: float = 1.0, losses: PixelLosses = _LOSSES
) -> Recipe:
    """Return a recipe with a discriminator in stage 2 and otherwise equal stages.

    Args:
        name: of the family and of the recipe.
        discriminator: a key of `DISCRIMINATORS`.
        weight: of the generator loss; [names] "1_1_10_1" of L1, perceptual, style, GAN.
        losses: instead of LGTSM's.
    """
    stage = replace(_STAGE, losses=losses)
    adversary = AdversaryRecipe(
        weight=weight,
        kind=Adversarial.LSGAN,  # [code] the trainer's default; [paper] has the hinge loss
        discriminator=DISCRIMINATORS[discriminator],
        learning_rate=0.0,  # [code] both optimisers have the same settings
    )
    return _recipe(name, stage, replace(stage, adversary=adversary))


RECIPES = (
    _adversarial("lgtsm", "tsmgan"),
    _adversarial("lgtsm_causal", "tsmgan"),  # our causal variant; its discriminator may look ahead
    _adversarial("gtsm", "tsmgan_fixed"),
    _adversarial("gated3d", "tpatchgan", 0.1, _GATED3D_LOSSES),  # [3d]
    _adversarial("tsm", "tsmgan_fixed"),
    _recipe(
        "combcn",
        replace(_STAGE, losses=PixelLosses(incomplete=1.0)),  # [pre] the half-size video only
        # [combcn] masked means at full size and at half size
        replace(_STAGE, losses=PixelLosses(complete=1.0, incomplete=1.0)),
    ),
)
