"""Options as the page shows them, from the declarations that command line and nodes use."""

from __future__ import annotations

from enum import Enum
from fractions import Fraction

from ..batch.columns import OPTIONS
from ..knobs import Knob

_LEFT_OUT = ("start", "end", "compare_as", "strict", "rate")
"""Options that the page has other controls for, or that only the command line needs."""
FIRST = ("preset", "grow", "lossless", "quality")
"""Those that are always shown; all others are behind Advanced."""


def form() -> list[dict[str, object]]:
    """Return the options in the order in which they are shown, as JSON values."""
    names = [*FIRST, *(name for name in OPTIONS if name not in (*FIRST, *_LEFT_OUT))]
    return [{"name": name, **_described(OPTIONS[name]), "first": name in FIRST} for name in names]


def _described(knob: Knob) -> dict[str, object]:
    default = knob.default.value if isinstance(knob.default, Enum) else knob.default
    found: dict[str, object] = {"text": knob.text, "default": default, "kind": _kind(knob)}
    if issubclass(knob.kind, Enum):
        found["choices"] = [member.value for member in knob.kind]
    if knob.limits is not None:
        found |= {"limits": [float(limit) for limit in knob.limits], "step": knob.step}
    return found


def _kind(knob: Knob) -> str:
    if issubclass(knob.kind, Enum):
        return "choice"
    if knob.kind is bool:
        return "switch"
    return "number" if knob.kind in (int, float, Fraction) else "text"
