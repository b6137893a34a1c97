"""Option dataclasses as command line arguments, and back; the docstrings are the help."""

from __future__ import annotations

import argparse
import ast
import inspect
import textwrap
from dataclasses import MISSING, Field, fields
from enum import Enum
from fractions import Fraction
from itertools import pairwise
from typing import Any, TypeVar

Options = TypeVar("Options")

FLAGS = {"fill_holes": "--fill-enclosed", "source_frames": "--references"}
"""Fields whose flag is not simply their name."""


def field_texts(cls: type) -> dict[str, str]:
    """Read the docstrings under the fields of a dataclass.

    Args:
        cls: the dataclass.

    Returns:
        Field name to text on one line; empty where the source is not at hand.
    """
    try:
        body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0].body
    except OSError:
        return {}
    texts = {}
    for field, text in pairwise(body):
        documented = isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
        if isinstance(field, ast.AnnAssign) and documented:
            texts[field.target.id] = " ".join(str(text.value.value).split())
    return texts


def plain_fields(cls: type) -> list[Field]:
    """Return the fields of a dataclass that hold a value, not further options."""
    return [field for field in fields(cls) if field.default is not MISSING]


def add_fields(
    parser: argparse._ActionsContainer,
    cls: type,
    *,
    defaults: dict[str, Any] | None = None,
    skip: tuple[str, ...] = (),
) -> None:
    """Give every field of a dataclass a flag.

    Args:
        parser: parser or group.
        cls: the dataclass.
        defaults: values that differ from the dataclass's own.
        skip: fields that get their flag elsewhere.
    """
    texts = field_texts(cls)
    for field in plain_fields(cls):
        if field.name in skip:
            continue
        default = (defaults or {}).get(field.name, field.default)
        text = texts.get(field.name, "").replace("%", "%%")
        flag = FLAGS.get(field.name, "--" + field.name.replace("_", "-"))
        if isinstance(default, bool):
            parser.add_argument(flag, dest=field.name, action="store_true", help=text)
            continue
        settings: dict[str, Any] = {"default": default}
        if isinstance(default, Enum):
            settings["choices"] = [member.value for member in type(default)]
            settings["default"] = default.value
        else:
            kind = int if default is None else type(default)
            settings["type"] = _fraction if kind is Fraction else kind
            settings["metavar"] = {int: "N", float: "X", str: "NAME", Fraction: "FPS"}[kind]
        shown = "" if default is None else f" [{settings['default']}]"
        parser.add_argument(flag, dest=field.name, help=text + shown, **settings)


def _fraction(text: str) -> Fraction:
    """Read 25 or 24000/1001."""
    try:
        return Fraction(text)
    except (ValueError, ZeroDivisionError) as error:
        raise argparse.ArgumentTypeError(
            f"expected a rate as 25 or 24000/1001, got {text!r}"
        ) from error


def from_fields(cls: type[Options], arguments: argparse.Namespace, **nested: object) -> Options:
    """Build options from parsed arguments.

    Args:
        cls: the dataclass.
        arguments: what `add_fields` made argparse collect.
        nested: values for fields that are options themselves.

    Returns:
        The options.

    Raises:
        OptionError: a value outside its range.
    """
    values = {}
    for field in plain_fields(cls):
        value = getattr(arguments, field.name)
        values[field.name] = (
            type(field.default)(value) if isinstance(field.default, Enum) else value
        )
    return cls(**values, **nested)
