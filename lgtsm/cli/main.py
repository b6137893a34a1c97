"""`lgtsm`: all sub-commands; torch is imported only by the commands that need it."""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from .. import __version__
from ..errors import Cancelled, shortened, told
from ..file_names import check_names
from ..interruption import Interruption
from . import (
    batch,
    bench,
    check,
    convert,
    demo,
    frame,
    info,
    inpaint,
    keyframes,
    masks,
    models,
    plate,
    publish,
    score,
    studio,
    timeline,
    track,
)
from .terminal import logging_to_stderr

DONE, FAILED, WRONG_USAGE, UNEXPECTED, INTERRUPTED = 0, 1, 2, 3, 130
"""Exit codes; argparse itself ends with 2, too."""

_COMMANDS = (
    *(
        inpaint,
        studio,
        frame,
        track,
        batch,
        timeline,
        keyframes,
        plate,
        check,
        score,
        masks,
        models,
        convert,
        publish,
        info,
        bench,
        demo,
    ),
)
_EPILOG = """exit codes:
  0    done
  1    a file, model or option cannot be used; the reason is on stderr, in one sentence
  2    wrong usage
  3    an unexpected error; --debug shows where it arose
  130  interrupted; no half-written file is left
"""


class _Parser(argparse.ArgumentParser):
    """Its subcommands are of the same class."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong without repeating an argument of any length."""
        super().error(shortened(message))


_FIRST = """usage: lgtsm COMMAND ...

Removes objects, logos and damage from video and changes nothing else.

what people do first:
  lgtsm demo                                    see it work; no file is needed
  lgtsm studio shot.mp4                         mark an object in the browser, remove it, compare
  lgtsm inpaint shot.mp4 --track 120,80,200,260@0 -o clean.mp4
                                                the same in one command: the object is in this box (left,
                                                top, width, height) in frame 0

then:
  lgtsm frame shot.mp4 -o painted.png           paint the object instead: --track painted.png@0
  lgtsm inpaint shot.mp4 --mask mask.png -o clean.mp4 --compare look.mp4
  lgtsm inpaint --help                          everything about removing
  lgtsm --help                                  all commands
"""
"""For `lgtsm` alone."""

_DEBUG = "show where an error arose (the traceback)"


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = _Parser(
        prog="lgtsm",
        description="Remove objects, logos and damage from video. Real pixels are copied from other frames, what\n"
        "no frame shows is invented once, and nothing else changes.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"lgtsm {__version__}")
    parser.add_argument("--debug", action="store_true", help=_DEBUG)
    commands = parser.add_subparsers(title="commands", dest="command", required=True)
    for command in _COMMANDS:
        command.add(commands)
    _add_debug(commands)
    return parser


def _add_debug(commands: argparse._SubParsersAction[Any]) -> None:
    """Add `--debug` to commands and their kinds, without a default, which would undo the one before."""
    for command in commands.choices.values():
        command.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=_DEBUG)
        for action in command._actions:
            if isinstance(action, argparse._SubParsersAction):
                _add_debug(action)


def _level(arguments: argparse.Namespace) -> int:
    if getattr(arguments, "quiet", False):
        return logging.ERROR
    return logging.INFO if getattr(arguments, "verbose", False) else logging.WARNING


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: arguments without the program's name; None takes those of the process.

    Returns:
        The exit code.
    """
    # before torch is loaded: threads that wait for each other sleep instead of keeping cores busy
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    for stream in (sys.stdout, sys.stderr):  # a name may hold what a console cannot show
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    given = sys.argv[1:] if argv is None else argv
    if not given:
        print(_FIRST, end="", file=sys.stderr)
        return WRONG_USAGE
    debug = "--debug" in given
    # before anything slow, so that Ctrl-C ends in one line at any moment
    with Interruption() as interruption:
        try:
            arguments = build_parser().parse_args(argv)
            debug = arguments.debug
            check_names(_paths(vars(arguments).values()))
            with logging_to_stderr(_level(arguments)):
                return arguments.run(arguments, interruption)
        except (KeyboardInterrupt, Cancelled):
            print("lgtsm: interrupted", file=sys.stderr)
            return INTERRUPTED
        except BrokenPipeError:
            # the reader of a pipe is gone (`lgtsm models | head`); Python must not flush to it
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return FAILED
        except Exception as error:  # noqa: BLE001  the outermost level: a sentence for every error
            if debug:
                traceback.print_exc()
            is_known, sentence = told(error)
            print(f"lgtsm: {sentence}", file=sys.stderr)
            return FAILED if is_known else UNEXPECTED


def _paths(values: Iterable[object]) -> Iterator[Path]:
    for value in values:
        if isinstance(value, list):
            yield from _paths(value)
        elif isinstance(value, Path):
            yield value


if __name__ == "__main__":
    raise SystemExit(main())
