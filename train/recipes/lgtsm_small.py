"""`lgtsm_ours` at half the width, a quarter of the arithmetic: for users without a GPU."""

from dataclasses import replace

from ..recipe import with_width
from . import lgtsm_ours

RECIPE = replace(with_width(lgtsm_ours.RECIPE, 32), name="lgtsm_small")
