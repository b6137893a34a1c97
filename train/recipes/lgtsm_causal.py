"""LGTSM that reads the past only, otherwise as published; the discriminator may look ahead."""

from lgtsm.models.spec import FAMILIES

from .published import published

RECIPE = published("lgtsm_causal", FAMILIES["lgtsm_causal"], discriminator="tsmgan")
