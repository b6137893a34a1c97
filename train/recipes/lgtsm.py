"""LGTSM as published: learnable shift, TSMGAN with the same shift."""

from lgtsm.models.spec import FAMILIES

from .published import published

RECIPE = published("lgtsm", FAMILIES["lgtsm"], discriminator="tsmgan")
