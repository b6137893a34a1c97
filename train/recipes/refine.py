"""The refining network at width 32 on a GPU: `refine_small` with batches; not measured at length."""

from dataclasses import replace

from ..recipe import DataRecipe, with_width
from .refine_small import RECIPE as SMALL

_BATCH = 16
RECIPE = replace(
    with_width(SMALL, 32),
    name="refine",
    stage1=replace(SMALL.stage1, batch=_BATCH, warmup_steps=200),
    stage2=replace(SMALL.stage2, batch=_BATCH, warmup_steps=200),
    data=DataRecipe(
        num_frames=6,
        size=192,
        still_ratio=0.3,
        shrink_ratio=0.3,
        coverage=(0.05, 0.35),
        published_ratio=0.1,
        annotated_ratio=0.1,
    ),
)
