"""Schemas that load on older and newer servers alike, and inputs made of the library's options."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Collection
from enum import Enum
from typing import Any, TypeVar

from comfy_api.latest import io

from ..lgtsm.knobs import Options, knobs

Made = TypeVar("Made")

CATEGORY = "video/inpaint"

LgtsmModelType = io.Custom("LGTSM_MODEL")
"""Sockets whose value is a `loaded.LoadedModel`."""


def keep_known(make: Callable[..., Made], *values: object, **settings: Any) -> Made:
    """Call `make` without the settings it does not know.

    A server refuses the whole pack for one unknown keyword, so settings newer than the oldest
    supported version (search aliases, for example) pass through here.
    """
    known = inspect.signature(make).parameters
    return make(*values, **{name: value for name, value in settings.items() if name in known})


def schema(**settings: Any) -> io.Schema:
    """Return a schema in the category of this pack."""
    return keep_known(io.Schema, **{"category": CATEGORY, **settings})


def choice(
    name: str,
    kind: type[Enum],
    default: Enum,
    tooltip: str,
    without: Collection[str] = (),
    **settings: Any,
) -> io.Input:
    """Return a combo over the values of an enum of the library, some of which may be left out."""
    options = [member.value for member in kind if member.value not in without]
    return keep_known(
        io.Combo.Input, name, options=options, default=default.value, tooltip=tooltip, **settings
    )


def number(
    kind: Any, name: str, default: float, limits: tuple[float, float], tooltip: str, **settings: Any
) -> io.Input:
    """Return an input of numbers of a kind (io.Int or io.Float), in steps of 1 by default."""
    low, high = limits
    settings = {"default": default, "min": low, "max": high, "step": 1, **settings}
    return kind.Input(name, tooltip=tooltip, **settings)


def option(options: type[Options], name: str, *, more: str = "", **changes: Any) -> io.Input:
    """Return the input of one option of the library, with its range, default and text.

    Args:
        options: the options class.
        name: of the option and of the input.
        more: further sentences of the tooltip.
        changes: settings of the input that differ.
    """
    knob = knobs(options)[name]
    settings: dict[str, Any] = {"default": knob.default, "tooltip": f"{knob.text} {more}".strip()}
    if knob.advanced:
        settings["advanced"] = True
    settings |= changes
    if issubclass(knob.kind, Enum):
        return choice(name, knob.kind, **settings)
    if knob.kind is bool:
        return io.Boolean.Input(name, **settings)
    settings = {"limits": knob.limits, "step": knob.step, **settings}
    return number(io.Int if knob.kind is int else io.Float, name, **settings)
