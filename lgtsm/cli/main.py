"""`lgtsm`: all sub-commands; torch is imported only by the commands that need it."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from .. import __version__
from ..errors import Cancelled, LgtsmError, shortened
from ..interruption import Interruption
from . import bench, check, convert, demo, info, inpaint, masks, models, plate, publish, score
from .terminal import logging_to_stderr

DONE, FAILED, INTERRUPTED = 0, 1, 130
"""Exit codes; argparse itself ends with 2 on wrong usage."""

_COMMANDS = (inpaint, plate, check, score, masks, models, convert, publish, info, bench, demo)
_EPILOG = """exit codes:
  0    done
  1    a file, model or option cannot be used; the reason is on stderr, in one sentence
  2    wrong usage
  130  interrupted; no half-written file is left
"""


class _Parser(argparse.ArgumentParser):
    """Its subcommands are of the same class."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong without repeating an argument of any length."""
        super().error(shortened(message))


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = _Parser(
        prog="lgtsm",
        description="Video inpainting: copy real pixels from other frames and let a network fill "
        "only the rest.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"lgtsm {__version__}")
    commands = parser.add_subparsers(title="commands", dest="command", required=True)
    for command in _COMMANDS:
        command.add(commands)
    return parser


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
    # before anything slow, so that Ctrl-C ends in one line at any moment
    with Interruption() as interruption:
        try:
            arguments = build_parser().parse_args(argv)
            with logging_to_stderr(_level(arguments)):
                return arguments.run(arguments, interruption)
        except (KeyboardInterrupt, Cancelled):
            print("lgtsm: interrupted", file=sys.stderr)
            return INTERRUPTED
        except LgtsmError as error:
            print(f"lgtsm: {error}", file=sys.stderr)
            return FAILED
        except BrokenPipeError:
            # the reader of a pipe is gone (`lgtsm models | head`); Python must not flush to it
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return FAILED


if __name__ == "__main__":
    raise SystemExit(main())
