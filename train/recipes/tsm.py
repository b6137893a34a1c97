"""The ablation without gates: fixed shift, vanilla convolutions widened to the same size."""

from lgtsm.models.spec import FAMILIES

from .published import published

RECIPE = published("tsm", FAMILIES["tsm"], discriminator="tsmgan_fixed")
