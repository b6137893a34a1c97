"""GTSM as published: the fixed shift, also in its discriminator."""

from lgtsm.models.spec import FAMILIES

from .published import published

RECIPE = published("gtsm", FAMILIES["gtsm"], discriminator="tsmgan_fixed")
