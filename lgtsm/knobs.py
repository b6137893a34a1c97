"""How an option is declared: its text, range and widget step in one place, checked when it is set.

A field declared with `knob` carries them. The range check here, the flags of the command line
(`cli/arguments.py`) and the inputs of the nodes (`nodes/schema.py`) are all made from that one
declaration, under the field's own name. No torch.
"""

from __future__ import annotations

import functools
import numbers
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import Enum
from fractions import Fraction
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from .errors import OptionError, shown

Value = TypeVar("Value")
SomeOptions = TypeVar("SomeOptions", bound="Options")
Limits = tuple[int, int] | tuple[float, float] | tuple[Fraction, int]


@dataclass(frozen=True, kw_only=True)
class Knob:
    """One option, as a user interface needs it.

    kind: its type, without None.
    default: value where the user chooses none.
    text: its description, one sentence with a capital letter and a full stop.
    limits: smallest and largest value; None where there are none.
    step: of a widget.
    advanced: a node folds it away.
    """

    kind: type[Any]
    default: Any
    text: str
    limits: Limits | None
    step: float
    advanced: bool


def knob(
    default: Value,
    text: str,
    *,
    limits: Limits | None = None,
    step: float = 1,
    advanced: bool = False,
) -> Value:
    """Declare an option as a field of a dataclass; the arguments are those of `Knob`."""
    facts = {"text": text, "limits": limits, "step": step, "advanced": advanced}
    return field(default=default, metadata=facts)


@functools.cache
def knobs(options: type[Options]) -> dict[str, Knob]:
    """Return the options of a class by name, without fields that are options classes themselves."""
    hints = get_type_hints(options)
    found: dict[str, Knob] = {}
    for one in fields(options):
        if one.metadata:
            hint = hints[one.name]
            kind = hint if isinstance(hint, type) else get_args(hint)[0]  # int of int | None
            kind = get_origin(kind) or kind  # tuple of tuple[int, ...]
            found[one.name] = Knob(kind=kind, default=one.default, **one.metadata)
    return found


@dataclass(frozen=True, kw_only=True)
class Options:
    """Options that check their knobs; a closed choice may also be given by its word."""

    def __post_init__(self) -> None:
        """Check kinds and limits.

        Raises:
            OptionError: a value outside them.
        """
        for name, known in knobs(type(self)).items():
            value = getattr(self, name)
            if issubclass(known.kind, Enum):
                object.__setattr__(self, name, _choice(name, known.kind, value))
            elif value is not None:
                _check_kind(name, known.kind, value)
            if known.limits is None or value is None:
                continue
            low, high = known.limits
            if not low <= value <= high:
                raise OptionError(
                    f"Expected {name} between {low} and {high}, got {shown(value)}; choose a value "
                    "in that range."
                )

    @classmethod
    def of(cls: type[SomeOptions], values: Mapping[str, Any], **others: Any) -> SomeOptions:
        """Build options from plain values, closed choices by their value.

        Args:
            values: by name; names of other things are ignored, missing ones keep their default.
            others: fields that take precedence, and fields that are options themselves.

        Raises:
            OptionError: a value outside its limits.
        """
        chosen = {name: values[name] for name in knobs(cls) if name in values}
        return cls(**{**chosen, **others})


def _check_kind(name: str, kind: type[Any], value: object) -> None:
    """Raise OptionError for a value of another kind; words for yes and no are not understood."""
    if kind is int and not isinstance(value, numbers.Integral):
        raise OptionError(f"Expected {name} to be a whole number, got {shown(value)}; round it.")
    if kind in (float, Fraction) and not isinstance(value, numbers.Real):
        raise OptionError(f"Expected {name} to be a number, got {shown(value)}; give one.")
    if kind is bool and (isinstance(value, str) or value not in (True, False)):
        raise OptionError(f"Expected {name} to be True or False, got {shown(value)}; give one.")
    if kind is tuple and not (
        isinstance(value, Sequence) and all(isinstance(v, numbers.Integral) for v in value)
    ):
        raise OptionError(
            f"Expected {name} as whole numbers, got {shown(value)}; give a tuple of them."
        )


def _choice(name: str, kind: type[Enum], value: object) -> Enum:
    """Return a member of a closed choice, given as it is or by its word."""
    try:
        return kind(value)
    except ValueError as error:
        words = ", ".join(str(member.value) for member in kind)
        raise OptionError(
            f"Expected {name} to be one of {words}, got {shown(value)}; correct the word."
        ) from error
