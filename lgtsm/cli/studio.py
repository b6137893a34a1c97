"""`lgtsm studio`: paint, track, remove and compare in a browser."""

from __future__ import annotations

import argparse
import os
import webbrowser
from pathlib import Path

from ..interruption import Interruption
from ..studio.call import LOOPBACK, PORT, UPLOAD_MB, StudioOptions, run_studio

_TOKEN = "LGTSM_STUDIO_TOKEN"
_EPILOG = f"""Needs the extra (in the clone: pip install ".[studio]"). Nothing is fetched or sent anywhere: the page, its
scripts and all films stay on this machine. It reads the folder of FILM (without one the current folder) and
those of --root, and writes beside the film, or into --folder.

A page needs the token in the address that is printed; {_TOKEN} sets one of your own. Only this machine is
listened to. With --listen 0.0.0.0 others can reach it, unencrypted: use a network that you trust, or an
SSH tunnel instead.
"""


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser(
        "studio",
        help="paint, track, remove and compare in a browser",
        description="Open a window in the browser: paint over an object in one frame, track it, remove it, "
        "compare before and after.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "film", nargs="?", type=Path, metavar="FILM", help="video file or folder of images"
    )
    parser.add_argument(
        "--folder",
        type=Path,
        metavar="FOLDER",
        help="where projects and results go [beside the film]",
    )
    parser.add_argument(
        "--root",
        type=Path,
        action="append",
        default=[],
        metavar="FOLDER",
        help="folder whose films may be opened; may be repeated",
    )
    parser.add_argument(
        "--listen",
        default=LOOPBACK,
        metavar="ADDRESS",
        help=f"address to listen on; any but {LOOPBACK} lets other machines in [{LOOPBACK}]",
    )
    parser.add_argument(
        "--port", type=int, default=PORT, metavar="N", help=f"0 chooses a free one [{PORT}]"
    )
    parser.add_argument(
        "--upload-limit",
        type=int,
        default=UPLOAD_MB,
        metavar="MB",
        help=f"largest film that may be dropped on the page [{UPLOAD_MB}]",
    )
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Serve until Ctrl-C."""
    options = StudioOptions(
        film=arguments.film,
        roots=tuple(arguments.root),
        folder=arguments.folder,
        listen=arguments.listen,
        port=arguments.port,
        token=os.environ.get(_TOKEN) or None,
        upload_mb=arguments.upload_limit,
    )

    def ready(address: str) -> None:
        print(f"lgtsm studio: {address}", flush=True)
        print("Ctrl-C ends it; what was painted is kept.", flush=True)
        if not arguments.no_browser:
            webbrowser.open(address)

    run_studio(options, ready)
    return 0
