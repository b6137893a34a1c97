from __future__ import annotations

import argparse
import os
import subprocess
import sys
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path

import pytest

from lgtsm import options as options_module
from lgtsm.cli.fields import field_texts, plain_fields
from lgtsm.cli.inpaint import collect
from lgtsm.cli.main import build_parser
from lgtsm.options import InpaintOptions, LengthPolicy, MaskOptions, VideoOptions

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "av", "kornia", "einops", "safetensors", "PIL")
OPTION_CLASSES = [
    value
    for value in vars(options_module).values()
    if is_dataclass(value) and value.__module__ == options_module.__name__
]
ALL_FIELDS = [(cls, field) for cls in OPTION_CLASSES for field in plain_fields(cls)]
ids = [f"{cls.__name__}.{field.name}" for cls, field in ALL_FIELDS]


def _parse(*extra):
    return build_parser().parse_args(["inpaint", "a.mp4", "--mask", "m.png", "-o", "b.mp4", *extra])


def _other(field):
    """Return (arguments, value) that set a field to something that is not its default."""
    flags = {"fill_holes": "--fill-enclosed", "source_frames": "--references"}
    flag = flags.get(field.name, "--" + field.name.replace("_", "-"))
    default = field.default
    if field.name == "cuts":
        return [flag, "3,9"], (3, 9)
    if isinstance(default, bool):
        return [flag], True
    if isinstance(default, Enum):
        member = list(type(default))[-1]
        return [flag, member.value], member
    if isinstance(default, str):
        return [flag, "cpu"], "cpu"
    value = 0.25 if isinstance(default, float) else (default or 0) + 1
    return [flag, str(value)], value


def _find(cls, found):
    inpaint, video = found
    every = {
        InpaintOptions: inpaint,
        MaskOptions: inpaint.mask,
        type(inpaint.run): inpaint.run,
        VideoOptions: video,
    }
    return every[cls]


@pytest.mark.parametrize(("cls", "field"), ALL_FIELDS, ids=ids)
def test_every_option_is_reachable(cls, field):
    arguments, value = _other(field)
    assert value != field.default
    assert getattr(_find(cls, collect(_parse(*arguments))), field.name) == value


@pytest.mark.parametrize(("cls", "field"), ALL_FIELDS, ids=ids)
def test_every_option_has_a_docstring_for_its_help(cls, field):
    assert field_texts(cls)[field.name].endswith(".")


def test_defaults_are_the_librarys_but_for_growing():
    inpaint, video = collect(_parse())
    assert inpaint == InpaintOptions(mask=MaskOptions(grow=4))
    assert video == VideoOptions()


def test_nested_options_are_not_flags():
    assert {f.name for f in fields(InpaintOptions)} - {
        f.name for f in plain_fields(InpaintOptions)
    } == {"mask", "run"}


def test_no_cuts_is_an_empty_tuple():
    assert collect(_parse("--no-cuts"))[0].cuts == ()
    with pytest.raises(SystemExit):
        _parse("--no-cuts", "--cuts", "3")


def test_closed_choices_become_enums():
    assert collect(_parse("--length", "loop"))[0].mask.length is LengthPolicy.LOOP
    with pytest.raises(SystemExit):
        _parse("--length", "forever")


def test_every_command_has_help_for_every_argument():
    parser = build_parser()
    commands = next(a for a in parser._actions if isinstance(a, argparse._SubParsersAction))
    names = {"inpaint", "masks", "models", "convert", "info", "bench", "demo"}
    names |= {"check", "plate", "score", "publish"}
    assert set(commands.choices) == names
    for command in commands.choices.values():
        assert all(action.help for action in command._actions)


def _without_torch(*arguments):
    blocked = "".join(f"sys.modules[{name!r}] = None\n" for name in HEAVY)
    code = f"import sys\n{blocked}from lgtsm.cli.main import main\nsys.exit(main(sys.argv[1:]))"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "COLUMNS": "100"},
    )


@pytest.mark.parametrize(
    "arguments",
    [["--help"], ["--version"], ["models"]]
    + [[c, "--help"] for c in ("inpaint", "masks", "models", "info", "bench", "demo")],
    ids=" ".join,
)
def test_help_and_models_work_without_torch(arguments):
    done = _without_torch(*arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_help_says_what_the_docstrings_say():
    text = " ".join(_without_torch("inpaint", "--help").stdout.split())
    assert field_texts(MaskOptions)["grow"] + " [4]" in text
    assert field_texts(InpaintOptions)["feather"] + " [2]" in text


def test_python_m_is_the_same_program():
    done = subprocess.run(
        [sys.executable, "-m", "lgtsm", "--version"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.startswith("lgtsm ")


@pytest.mark.parametrize("rate", ["25/0", "fast"])
def test_a_rate_that_is_none_is_one_sentence(rate, capsys):
    with pytest.raises(SystemExit):
        _parse("--rate", rate)
    assert f"expected a rate as 25 or 24000/1001, got '{rate}'" in capsys.readouterr().err
