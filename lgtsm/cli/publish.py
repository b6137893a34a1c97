"""`lgtsm publish`: push an exported folder to a Hugging Face hub if its licence allows it."""

from __future__ import annotations

import argparse
from pathlib import Path

from ..errors import WeightsError
from ..interruption import Interruption
from ..weights.catalogue import DEFAULT_FILE
from ..weights.header import Card, read_card, sha256_of
from ..weights.hub import client_exceptions
from ..weights.hub_file import parse_hub_file
from .terminal import format_bytes

SUMS = "SHA256SUMS"
_NEEDED = (DEFAULT_FILE, "config.json", "README.md", SUMS)


def add(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    text = (
        "Push a folder written by `python -m train export` to a hub. HF_TOKEN and HF_ENDPOINT are "
        "honoured. Weights that are research-only, or derived from such weights, are refused."
    )
    parser = commands.add_parser("publish", help="push weights to a hub", description=text)
    parser.add_argument("repo", metavar="REPO", help="owner/name; created if it does not exist")
    parser.add_argument("--folder", type=Path, default=Path(), help="exported folder [.]")
    parser.add_argument("--private", action="store_true", help="make a new repository private")
    parser.add_argument(
        "--message", default="Upload weights", help="commit message [Upload weights]"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace, interruption: Interruption) -> int:
    """Check the folder, push it, print its address."""
    hub_file = parse_hub_file(arguments.repo)
    if hub_file is None or str(hub_file) != hub_file.repo:
        raise WeightsError(
            f"Expected a repository as owner/name, got {arguments.repo!r}; leave out revision "
            "and file."
        )
    files = listed_files(arguments.folder)
    check_licence(read_card(arguments.folder / DEFAULT_FILE))
    url = _push(arguments, hub_file.repo, [file.name for file in files])
    total = sum(file.stat().st_size for file in files)
    print(f"{url}: {len(files)} files, {format_bytes(total)}")
    return 0


def listed_files(folder: Path) -> list[Path]:
    """Return the files of an exported folder: SHA256SUMS and what it lists.

    Raises:
        WeightsError: a file is missing or does not match its hash.
    """
    missing = [name for name in _NEEDED if not (folder / name).is_file()]
    if missing:
        raise WeightsError(
            f"Expected {', '.join(_NEEDED)} in {folder}, found no {', '.join(missing)}; write the "
            "folder with `python -m train export`."
        )
    found = []
    # a damaged line matches no file
    for line in (folder / SUMS).read_text(encoding="utf-8", errors="replace").splitlines():
        digest, _, name = line.partition("  ")
        path = folder / name
        if not name or path.name != name or not path.is_file() or sha256_of(path) != digest:
            raise WeightsError(
                f"Expected every file of {SUMS} in {folder} to match its hash, got a different "
                f"{name or line!r}; export the folder again."
            )
        found.append(path)
    unlisted = {DEFAULT_FILE, "config.json", "README.md"} - {path.name for path in found}
    if unlisted:
        raise WeightsError(
            f"Expected {', '.join(sorted(unlisted))} to be listed in {SUMS}, found no such line; "
            "export the folder again."
        )
    return [*found, folder / SUMS]


def check_licence(card: Card) -> None:
    """Refuse weights that may not be redistributed.

    Raises:
        WeightsError: research-only weights, weights derived from such, or no licence stated.
    """
    if card.is_research_only or card.licence == "not stated":
        descent = card.provenance.get("descent")
        raise WeightsError(
            f"Expected weights under an open licence, got licence {card.licence!r} and descent "
            f"{descent or 'not stated'!r}; publish weights trained from scratch or from open ones."
        )


def _push(arguments: argparse.Namespace, repo: str, names: list[str]) -> str:
    """Create the repository if needed and upload the files in one commit; return its URL."""
    try:
        from huggingface_hub import HfApi
    except ImportError as error:
        raise WeightsError(
            f"Expected a usable huggingface_hub, got {error}; install or update it."
        ) from error
    api = HfApi()
    try:
        url = api.create_repo(repo, private=arguments.private, exist_ok=True)
        api.upload_folder(
            repo_id=repo,
            folder_path=arguments.folder,
            allow_patterns=names,
            commit_message=arguments.message,
        )
    except client_exceptions() as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(" .")
        raise WeightsError(
            f"Expected the hub to accept {repo}, got {first}; check HF_TOKEN, its permissions and "
            "HF_ENDPOINT."
        ) from error
    return str(url)
