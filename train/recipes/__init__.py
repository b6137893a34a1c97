"""One file a run, each with one value named RECIPE."""

from __future__ import annotations

from importlib import import_module

from ..recipe import Recipe

NAMES = ("refine_cpu", "refine_cpu_wide", "refine_toy")


def load_recipe(name: str) -> Recipe:
    """Return a recipe by its file's name.

    Raises:
        ValueError: there is no such recipe.
    """
    if name not in NAMES:
        raise ValueError(f"Expected one of the recipes {', '.join(NAMES)}, got {name!r}.")
    return import_module(f"{__name__}.{name}").RECIPE
