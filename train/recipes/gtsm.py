"""GTSM as published: the fixed shift, also in its critic."""

from lgtsm.models.spec import FAMILIES

from .published import published

RECIPE = published("gtsm", FAMILIES["gtsm"], critic="tsmgan_fixed")
