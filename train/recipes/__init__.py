"""All recipes by name."""

from __future__ import annotations

from lgtsm.errors import OptionError

from ..recipe import Recipe
from . import ours, published, refining

RECIPES = {recipe.name: recipe for recipe in (*refining.RECIPES, *ours.RECIPES, *published.RECIPES)}


def load_recipe(name: str) -> Recipe:
    """Return a recipe by its name.

    Raises:
        OptionError: there is no such recipe.
    """
    if name not in RECIPES:
        raise OptionError(
            f"Expected one of the recipes {', '.join(RECIPES)}, got {name!r}; choose one of these."
        )
    return RECIPES[name]
