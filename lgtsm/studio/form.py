"""Options as the page shows them, from the declarations that command line and nodes use."""

from __future__ import annotations

from enum import Enum
from fractions import Fraction

from ..batch.columns import OPTIONS
from ..knobs import Knob
from ..neighbour_options import LEARNED

_ELSEWHERE = ("start", "end", "strict", "rate")
"""Options that the time line shows, or that only the command line and projects need."""
NETWORKS = ("tracker", "tracker_model", "aligner_model", "carry", "carrier_model")
NETWORKS += ("synthesiser", "synthesiser_range", "synthesiser_mask")
"""Options of network files of one's own: a page must neither open files anywhere nor fetch any."""
FIRST = ("preset", "grow")
"""Those that are always shown; all others are behind Advanced."""


def form() -> list[dict[str, object]]:
    """Return the options in the order in which they are shown, as JSON values."""
    left_out = (*FIRST, *_ELSEWHERE, *NETWORKS)
    names = [*FIRST, *(name for name in OPTIONS if name not in left_out)]
    return [{"name": name, **_described(OPTIONS[name]), "first": name in FIRST} for name in names]


def _described(knob: Knob) -> dict[str, object]:
    default = knob.default.value if isinstance(knob.default, Enum) else knob.default
    found: dict[str, object] = {"text": knob.text, "default": default, "kind": _kind(knob)}
    if issubclass(knob.kind, Enum):
        words = [member.value for member in knob.kind]
        found["choices"] = [word for word in words if word not in LEARNED]
    if knob.limits is not None:
        found |= {"limits": [float(limit) for limit in knob.limits], "step": knob.step}
    return found


def _kind(knob: Knob) -> str:
    if issubclass(knob.kind, Enum):
        return "choice"
    if knob.kind is bool:
        return "switch"
    return "number" if knob.kind in (int, float, Fraction) else "text"
