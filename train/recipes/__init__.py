"""All recipes by name."""

from __future__ import annotations

from lgtsm.errors import OptionError

from ..recipe import Recipe
from . import neighbours, ours, published, refining

_ROOMS = (refining, ours, published, neighbours)
RECIPES = {recipe.name: recipe for room in _ROOMS for recipe in room.RECIPES}


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
