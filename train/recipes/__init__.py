"""One file a run, each with one value named RECIPE."""

from __future__ import annotations

from importlib import import_module

from lgtsm.errors import OptionError

from ..recipe import Recipe

NAMES = (
    "refine",
    "refine_small",
    "refine_fixed",
    "refine_toy",
    "refine_overfit",
    "lgtsm",
    "lgtsm_causal",
    "lgtsm_ours",
    "lgtsm_small",
    "gtsm",
    "gated3d",
    "tsm",
    "combcn",
)


def load_recipe(name: str) -> Recipe:
    """Return a recipe by its file's name.

    Raises:
        OptionError: there is no such recipe.
    """
    if name not in NAMES:
        raise OptionError(
            f"Expected one of the recipes {', '.join(NAMES)}, got {name!r}; choose one of these."
        )
    return import_module(f"{__name__}.{name}").RECIPE
