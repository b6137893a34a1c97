from __future__ import annotations

import argparse
import os
import subprocess
import sys
from enum import Enum
from pathlib import Path

import pytest

from lgtsm.cli.inpaint import collect
from lgtsm.cli.main import build_parser, main
from lgtsm.knobs import knobs
from lgtsm.mask_options import TRACKED_GROW_PERCENT, LengthPolicy, MaskOptions
from lgtsm.neighbour_options import LEARNED, Carry, NeighbourOptions
from lgtsm.options import InpaintOptions, RunOptions, VideoOptions

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("torch", "av", "kornia", "einops", "safetensors", "PIL")
ALL = [
    (options, name)
    for options in (InpaintOptions, MaskOptions, RunOptions, VideoOptions)
    for name in knobs(options)
]
every_option = pytest.mark.parametrize(
    ("options", "name"), ALL, ids=[f"{options.__name__}.{name}" for options, name in ALL]
)


def _parse(*extra):
    return build_parser().parse_args(["inpaint", "a.mp4", "--mask", "m.png", "-o", "b.mp4", *extra])


def _other(knob):
    """Return (words of the command line, value) of something that is not the default."""
    if knob.kind is tuple:
        return ["3,9"], (3, 9)
    if knob.kind is bool:
        return [], True
    if issubclass(knob.kind, Enum):
        # motions that a network finds need one
        member = [member for member in knob.kind if member.value not in LEARNED][-1]
        return [member.value], member
    if knob.kind is str:
        return ["cpu"], "cpu"
    value = 0.25 if knob.kind is float else (knob.default or 0) + 1
    return [str(value)], value


@every_option
def test_every_option_is_a_flag_of_its_own_name(options, name):
    words, value = _other(knobs(options)[name])
    inpaint, video = collect(_parse("--" + name.replace("_", "-"), *words))
    found = {type(o): o for o in (inpaint, inpaint.mask, inpaint.run, video)}[options]
    assert value != knobs(options)[name].default
    assert getattr(found, name) == value


@every_option
def test_every_option_has_a_text_of_one_sentence(options, name):
    text = knobs(options)[name].text
    assert text.endswith(".")
    assert ". " not in text
    assert text[0].isupper()


def test_defaults_are_the_librarys_but_for_growing():
    inpaint, video = collect(_parse())
    assert inpaint == InpaintOptions(mask=MaskOptions(grow=4))
    assert video == VideoOptions()


def test_a_mask_that_is_tracked_first_grows_with_the_height():
    track = build_parser().parse_args(["inpaint", "in.mp4", "--track", "a.png@0", "-o", "out.mp4"])
    assert collect(track)[0].mask == MaskOptions(grow=4, grow_percent=TRACKED_GROW_PERCENT)
    track.grow_percent = 0.0
    assert collect(track)[0].mask == MaskOptions(grow=4)


def test_networks_that_help_are_flags():
    flags = (
        "--motion",
        "dfpn",
        "--aligner-model",
        "a",
        "--carry",
        "guided",
        "--carrier-model",
        "c",
    )
    inpaint, _ = collect(_parse(*flags))
    expected = NeighbourOptions(aligner_model="a", carry=Carry.GUIDED, carrier_model="c")
    assert (inpaint.neighbours, inpaint.motion.value) == (expected, "dfpn")


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
    names = {"inpaint", "batch", "timeline", "masks", "models", "convert", "info", "bench", "demo"}
    names |= {"check", "frame", "keyframes", "plate", "score", "publish", "studio", "track"}
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
    [
        ["--help"],
        ["models"],
        ["inpaint", "--help"],
        *(
            pytest.param(arguments, marks=pytest.mark.slow)
            for arguments in (
                ["--version"],
                *([c, "--help"] for c in ("masks", "models", "info", "bench", "demo")),
            )
        ),
    ],
    ids=" ".join,
)
def test_help_and_models_work_without_torch(arguments):
    done = _without_torch(*arguments)
    assert done.returncode == 0, done.stderr
    assert done.stdout


def test_alone_it_says_what_people_do_first():
    done = _without_torch()
    assert (done.returncode, done.stdout) == (2, "")
    examples = [line.split() for line in done.stderr.splitlines() if line.startswith("  lgtsm ")]
    assert [words[1] for words in examples[:3]] == ["demo", "studio", "inpaint"]
    for words in examples[1:3]:  # each is a command that can be typed
        typed = words[1 : words.index("mark")] if "mark" in words else words[1:]
        assert build_parser().parse_args(typed).command == words[1]


@pytest.mark.parametrize(
    "arguments",
    [["inpaint", "no.mp4", "--mask", "no.png", "-o", "out.mp4"], ["check", "no.mp4", "no", "no"]],
    ids=" ".join,
)
def test_a_film_that_is_not_there_is_refused_without_torch(arguments):
    done = _without_torch(*arguments)
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith("lgtsm: Expected a video, an image or a folder, got no.mp4;")


def test_help_states_text_limits_and_default():
    text = " ".join(_without_torch("inpaint", "--help").stdout.split())
    for options, name, shown in ((MaskOptions, "grow", 4), (InpaintOptions, "feather", 2)):
        knob = knobs(options)[name]
        low, high = knob.limits
        assert f"{knob.text[1:-1]} ({low} to {high}) [{shown}]" in text


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
    assert f"expected a rate such as 25 or 24000/1001, got '{rate}'" in capsys.readouterr().err


@pytest.mark.parametrize("option", ["--grow", "--mode", "--rate", "--unknown"])
def test_wrong_usage_does_not_repeat_an_argument_of_any_length(option, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(["inpaint", "a.mp4", "--mask", "m.png", "-o", "b.mp4", option, "x" * 100_000])
    *_, last = capsys.readouterr().err.splitlines()
    assert len(last) < 1100
