"""Schemas that load on older and newer servers alike, and the types of this pack."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar

from comfy_api.latest import io

Made = TypeVar("Made")

CATEGORY = "video/inpaint"

LgtsmModelType = io.Custom("LGTSM_MODEL")
"""A `loaded.LoadedModel` on the wire."""


def keep_known(make: Callable[..., Made], *values: object, **settings: Any) -> Made:
    """Call `make` without the settings it does not know.

    A server refuses the whole pack for one unknown keyword, so hints that came later than the
    oldest supported version (search aliases, for one) go through here.
    """
    known = inspect.signature(make).parameters
    return make(*values, **{name: value for name, value in settings.items() if name in known})


def schema(**settings: Any) -> io.Schema:
    """Return a schema in the category of this pack."""
    return keep_known(io.Schema, **{"category": CATEGORY, **settings})


def choice(name: str, kind: type[Enum], default: Enum, tooltip: str, **settings: Any) -> io.Input:
    """Return a combo over the values of an enum of the library."""
    options = [member.value for member in kind]
    return keep_known(
        io.Combo.Input, name, options=options, default=default.value, tooltip=tooltip, **settings
    )
