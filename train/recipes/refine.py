"""The refining network at width 32 on a GPU: `refine_cpu_wide` with batches; not measured at length."""

from dataclasses import replace

from ..recipe import DataRecipe, with_width
from .refine_cpu_wide import RECIPE as WIDE

_BATCH = 16
RECIPE = replace(
    with_width(WIDE, 32),
    name="refine",
    stage1=replace(WIDE.stage1, batch=_BATCH, warmup_steps=200),
    stage2=replace(WIDE.stage2, batch=_BATCH, warmup_steps=200),
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
