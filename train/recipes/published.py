"""What the published runs share; every number with its source.

Sources: [paper] Chang et al. 2019 (LGTSM, BMVC), [3d] Chang et al. 2019 (ICCV), [code] the shipped
configurations of the authors' repository, [names] what the names of their runs state.
"""

from dataclasses import replace

from lgtsm.models.discriminator import DISCRIMINATORS
from lgtsm.models.spec import NetworkSpec

from ..losses.adversarial import Adversarial
from ..losses.features import Gram
from ..recipe import AdversaryRecipe, DataRecipe, Initial, PixelLosses, Recipe, Schedule, Stage

DATA = DataRecipe(
    num_frames=7,  # [code] dataset_configs/FVI_all_masks.json
    size=180,  # [code] the same: 320x180
    width=320,
    max_stride=1,  # [code] sample period randint(1, max = 1)
    shrink_ratio=0.0,  # [code] frames are enlarged by 1.2 and cropped; our clips are cropped as they are
    still_ratio=0.0,  # [paper] videos only
    jitter=0.0,  # [code] no colour changes
    reversal_ratio=0.0,  # [code] flips only
    published_ratio=1.0,  # [paper] free-form masks
)
STAGE1 = Stage(
    losses=PixelLosses(
        l1=1.0,  # [code] config.json; over all pixels
        perceptual=1.0,  # [code] config.json
        style=10.0,  # [code] config.json
        gram=Gram.BATCH,  # [code] the Gram matrix mixes the batch
    ),
    batch=5,  # [code] dataset_configs/FVI_all_masks.json
    learning_rate=1e-4,  # [code] config.json: Adam, default betas
    amsgrad=True,  # [code] config.json
    warmup_steps=1,  # [code] none
    schedule=Schedule.CONSTANT,  # [code] StepLR(1000, 0.97) a run of at most 1000 epochs never meets
    final_ratio=1.0,
    ema_decay=0.0,  # [code] none: the last weights are kept
    clip_norm=0.0,  # [code] none
)


def published(
    name: str, network: NetworkSpec, *, discriminator: str, weight: float = 1.0
) -> Recipe:
    """Return both stages of a published family.

    Args:
        name: of the recipe.
        network: the family's specification.
        discriminator: name of its discriminator in `DISCRIMINATORS`.
        weight: of the adversary; [names] "1_1_10_1" of L1, perceptual, style, GAN.
    """
    adversary = AdversaryRecipe(
        weight=weight,
        kind=Adversarial.LSGAN,  # [code] the trainer's default; [paper] has the hinge loss
        discriminator=DISCRIMINATORS[discriminator],
        learning_rate=0.0,  # [code] both optimisers have the same settings
    )
    return Recipe(
        name=name,
        network=network,
        data=DATA,
        initial=Initial.PUBLISHED,  # [code] no initialisation of its own
        stage1=STAGE1,
        stage2=replace(STAGE1, adversary=adversary),
    )
