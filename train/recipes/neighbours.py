"""Networks that align, paint or carry frames, on pictures moved by a known motion.

Sources: [thesis] Alvarez 2020 (ETH) and its code, [guided] Esser et al. 2022 and its code. One stage
each; guided inpainting has its discriminator from the start.
"""

from dataclasses import replace

from lgtsm.models.neighbour_spec import DfpnSpec, GuidedSpec
from lgtsm.models.spec import PAINTERS

from ..recipe import (
    AligningLosses,
    CarryingLosses,
    DataRecipe,
    HallucinatingLosses,
    Initialisation,
    PatchAdversaryRecipe,
    Recipe,
    Schedule,
    Stage,
)

_DATA = DataRecipe(
    num_frames=2,  # [thesis]
    size=256,  # [thesis], [guided]
    shrink_ratio=1.0,  # [thesis] whole frames are squeezed
    coverage=(0.05, 0.15),  # [thesis] mean area of a mask's sequence
    jitter=0.0,  # [thesis] no colour changes
    reversal_ratio=0.0,  # [thesis]
    annotated_ratio=1.0,  # [thesis] masks of objects, where the library has any
)
_STAGE = Stage(
    losses=AligningLosses(),
    batch=8,  # [thesis], [guided]
    learning_rate=1e-4,  # [thesis] Adam, default betas
    warmup_steps=1,  # [thesis] none
    schedule=Schedule.HALVING,  # [thesis] StepLR(50 epochs of 2000 steps, 0.5)
    ema_decay=0.0,  # [thesis], [guided] none
    clip_norm=0.0,  # [thesis], [guided] none
)
_DFPN = Recipe(
    name="dfpn",
    network=DfpnSpec(),
    data=_DATA,
    initialisation=Initialisation.PUBLISHED,
    stage1=_STAGE,
)
RECIPES = (
    _DFPN,
    # a network that an hour of a CPU trains
    replace(
        _DFPN,
        name="dfpn_small",
        network=DfpnSpec(width=48, side=64),
        data=replace(_DATA, size=64, annotated_ratio=0.0),
        initialisation=Initialisation.SCALED,
        stage1=replace(
            _STAGE,
            batch=4,
            learning_rate=1e-3,
            warmup_steps=100,
            schedule=Schedule.COSINE,
            ema_decay=0.99,
            clip_norm=1.0,
        ),
    ),
    replace(
        _DFPN,
        name="chn",
        network=PAINTERS["chn"],
        stage1=replace(_STAGE, losses=HallucinatingLosses()),
    ),
    replace(
        _DFPN,
        name="guided",
        network=GuidedSpec(),
        data=replace(
            _DATA,
            num_frames=3,  # [guided] two references
            shrink_ratio=0.0,  # [guided] crops
            coverage=(0.05, 0.4),  # ours
            published_ratio=0.5,  # [guided] strokes and boxes, of its own
            annotated_ratio=0.0,
        ),
        stage1=replace(
            _STAGE,
            losses=CarryingLosses(),
            adversary=PatchAdversaryRecipe(),
            learning_rate=1.6e-4,  # [guided] 1e-5 * 2 * 8, for one GPU
            warmup_steps=1000,  # [guided]
            schedule=Schedule.COSINE,  # [guided] after the warm-up, over a million steps
            final_ratio=1e-4,  # [guided]
        ),
    ),
)
