"""Weight files from a Hugging Face hub: fetched once, checked by SHA-256, read from the cache.

The client is imported on use, and only its oldest functions are called. `try_to_load_from_cache`
only reads the disk, unlike `hf_hub_download(local_files_only=True)`, which requests a list of
agents from the endpoint (huggingface_hub 2.4). `scan_cache_dir` would drop a whole repository for
one dangling link, and also walks through data sets. The client itself reads HF_ENDPOINT, HF_HOME,
HF_HUB_OFFLINE and HF_TOKEN.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import WeightsError
from .header import Card, card_of, read_card, sha256_of
from .hub_file import MAIN, SAFETENSORS, HubFile

_MOST_BYTES = 2**30
"""Files beyond this size are not fetched; the largest published network takes a tenth of it."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, kw_only=True)
class Cached:
    """A weight file of this package in the hub's cache.

    hub_file: under this name it loads without a network.
    sha256: as stated by the hub; None where the cache has no links (some Windows disks).
    """

    hub_file: HubFile
    commit: str
    path: Path
    card: Card
    sha256: str | None


def find_cached(hub_file: HubFile) -> Path | None:
    """Return a file's path in the cache, without a network; None if it is not cached.

    Raises:
        WeightsError: no usable huggingface_hub.
    """
    with _usable_client():
        from huggingface_hub import try_to_load_from_cache
    found = try_to_load_from_cache(
        hub_file.repo, hub_file.file, revision=hub_file.revision, cache_dir=_cache()
    )
    return Path(found) if isinstance(found, str) else None


def fetch(hub_file: HubFile, *, sha256: str | None = None) -> Path:
    """Return a complete and checked file of a hub, from the cache if possible.

    Args:
        hub_file: what to fetch.
        sha256: from the catalogue; None trusts the hash that the hub states.

    Returns:
        The path in the hub's cache.

    Raises:
        WeightsError: no such repository, revision or file; no access or no network; a transfer
            that ended early; a wrong hash. A wrong file is removed from the cache.
    """
    path = find_cached(hub_file)
    if path is not None:
        linked = path.is_symlink()
        expected = sha256 or (_stated(path) if linked else None)
        if linked and expected is None:
            raise _no_hash(hub_file)
        # without links the cache stores no hash; the file was checked when it was fetched
        return path if expected is None else _checked(path, expected, hub_file)
    expected = ask(hub_file, sha256)
    return _checked(download(hub_file), expected, hub_file)


def list_cached() -> list[Cached]:
    """Find the weight files of this package in the hub's cache; reads the disk only."""
    try:
        cache = _cache()
    except WeightsError:
        return []
    found: list[Cached] = []
    for path in sorted(cache.glob("models--*--*/snapshots/*/**/*.safetensors")):
        folder, _, commit, *inner = path.relative_to(cache).parts
        with contextlib.suppress(WeightsError, OSError):  # other programs' files, dangling links
            hub_file = HubFile(
                repo="/".join(folder.split("--")[1:]),
                revision=_revision(cache / folder / "refs", commit),
                file="/".join(inner),
            )
            sha256 = _stated(path) if path.is_symlink() else None
            card = read_card(path)
            found.append(
                Cached(hub_file=hub_file, commit=commit, path=path, card=card, sha256=sha256)
            )
    return found


def _cache() -> Path:
    with _usable_client():
        from huggingface_hub.constants import HF_HUB_CACHE
    return Path(HF_HUB_CACHE)


def _revision(refs: Path, commit: str) -> str:
    """Return the branch or tag of a commit in the cache, or the commit itself."""
    names = [
        path.relative_to(refs).as_posix()
        for path in sorted(refs.rglob("*"))
        if path.is_file() and path.read_text(encoding="utf-8", errors="replace").strip() == commit
    ]
    return MAIN if MAIN in names else (names[0] if names else commit)


def _stated(path: Path) -> str | None:
    """Return the SHA-256 that the hub stated for a link in the cache; None for another hash.

    Follows one link only: its target may be a link into a store that uses another hash.
    """
    name = path.readlink().name
    return name if _SHA256.fullmatch(name) else None


def ask(hub_file: HubFile, sha256: str | None = None) -> str:
    """Ask the hub for hash, size and header of a file, before it is downloaded.

    Also because `hf_hub_download` tries for 20 seconds to reach a hub that does not answer, and
    reports fewer reasons.

    Args:
        hub_file: what to ask for.
        sha256: from the catalogue; None trusts the hub's.

    Returns:
        The file's SHA-256.

    Raises:
        WeightsError: as `fetch`; no file of this package, or one of more than a gigabyte.
    """
    with _client_errors(hub_file):
        from huggingface_hub import get_hf_file_metadata

        answer = get_hf_file_metadata(_url(hub_file))
    stated = answer.etag
    if stated is None or not _SHA256.fullmatch(stated):
        raise _no_hash(hub_file)
    if sha256 is not None and sha256 != stated:
        raise WeightsError(
            f"Expected {hub_file} with sha256 {sha256} as in the catalogue, got {stated} from "
            "the hub; nothing was fetched, check HF_ENDPOINT and update lgtsm."
        )
    if answer.size is None or answer.size > _MOST_BYTES:
        raise WeightsError(
            f"Expected {hub_file} of at most {_MOST_BYTES:,} bytes, got "
            f"{'no size' if answer.size is None else f'{answer.size:,}'} from the hub; nothing was "
            f"fetched, {_by_hand(hub_file)} if you trust it."
        )
    if not hub_file.file.endswith(SAFETENSORS):
        return stated  # who uses such a file checks it once it is there
    with _client_errors(hub_file):
        from huggingface_hub import parse_safetensors_file_metadata

        header = parse_safetensors_file_metadata(
            hub_file.repo, hub_file.file, revision=hub_file.revision
        )
    card_of(header.metadata, str(hub_file))  # files of other programs are refused here
    return stated


def download(hub_file: HubFile, folder: Path | None = None) -> Path:
    """Fetch a file, unchecked, into a folder or the cache; partial files have other names."""
    with _client_errors(hub_file):
        from huggingface_hub import hf_hub_download

        path = hf_hub_download(
            hub_file.repo,
            hub_file.file,
            revision=hub_file.revision,
            cache_dir=_cache() if folder is None else None,
            local_dir=folder,
        )
    return Path(path)


def _checked(path: Path, expected: str, hub_file: HubFile) -> Path:
    """Return a file if its hash is right; remove it from the cache otherwise."""
    got = sha256_of(path)
    if got == expected:
        return path
    with contextlib.suppress(OSError):  # a read-only cache
        _drop(path)
    advice = f"delete {path}" if path.exists() else "it was removed from the cache"
    raise WeightsError(
        f"Expected {hub_file} with sha256 {expected}, got {got}; {advice}, load it again or "
        f"{_by_hand(hub_file)}."
    )


def _drop(path: Path) -> None:
    """Remove a file of the cache and the links to it; nothing outside the cache."""
    while path.is_symlink():
        target = path.parent / path.readlink()
        path.unlink()
        path = target
    if _cache().resolve() in path.resolve().parents:
        path.unlink(missing_ok=True)


def _url(hub_file: HubFile) -> str:
    from huggingface_hub import hf_hub_url

    return hf_hub_url(hub_file.repo, hub_file.file, revision=hub_file.revision)


def _by_hand(hub_file: HubFile) -> str:
    return f"fetch {_url(hub_file)} by hand and pass the file's path"


@contextlib.contextmanager
def _usable_client() -> Iterator[None]:
    """Turn a missing or too old client into one sentence."""
    try:
        yield
    except ImportError as error:
        raise WeightsError(
            f"Expected a usable huggingface_hub, got {_first_line(error)}; install or update "
            "huggingface_hub, or fetch the file by hand and pass its path."
        ) from error


@contextlib.contextmanager
def _client_errors(hub_file: HubFile) -> Iterator[None]:
    """Turn the errors of the client, or of a missing one, into one sentence."""
    with _usable_client():
        try:
            yield
        except client_exceptions() as error:
            raise WeightsError(_explain(hub_file, error)) from error


def client_exceptions() -> tuple[type[Exception], ...]:
    """Return what the client raises, with the errors of its transport, which differs by version."""
    from huggingface_hub.errors import HfHubHTTPError, SafetensorsParsingError

    bases = [base for base in HfHubHTTPError.__bases__ if issubclass(base, Exception)]
    return OSError, ValueError, SafetensorsParsingError, *bases


def _no_hash(hub_file: HubFile) -> WeightsError:
    return WeightsError(
        f"Expected a SHA-256 for {hub_file}, got none from the hub; the file cannot be checked, "
        f"so {_by_hand(hub_file)} if you trust it."
    )


def _explain(hub_file: HubFile, error: Exception) -> str:
    """Return one sentence for an error of the client."""
    from huggingface_hub import errors
    from huggingface_hub.constants import ENDPOINT

    repo, revision = hub_file.repo, hub_file.revision
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, errors.GatedRepoError):  # before its base, the missing repository
        return (
            f"Expected access to {repo}, got a refusal because it is gated; accept its terms at "
            f"{ENDPOINT}/{repo} and set HF_TOKEN."
        )
    if isinstance(error, errors.RepositoryNotFoundError):
        return (
            f"Expected a built-in model, a file or a public repository, found no {repo} at "
            f"{ENDPOINT}; check the name, and set HF_TOKEN if the repository is private."
        )
    if isinstance(error, errors.RevisionNotFoundError):
        return (
            f"Expected a branch, tag or commit of {repo}, got {revision}; check the revision "
            f"at {ENDPOINT}/{repo}."
        )
    if status == 404:
        return (
            f"Expected {hub_file.file} in {repo} at {revision}, found none; name another file "
            f"as {repo}:file{Path(hub_file.file).suffix}."
        )
    if status in (401, 403):
        return f"Expected access to {repo}, got status {status}; renew HF_TOKEN or its permissions."
    if isinstance(error, errors.OfflineModeIsEnabled):
        return (
            f"Expected {hub_file} in the cache, found nothing while HF_HUB_OFFLINE is set; unset "
            f"it or {_by_hand(hub_file)}."
        )
    return (
        f"Expected {hub_file} from {ENDPOINT}, got {_first_line(error)}; check the "
        f"connection and HF_ENDPOINT, try again or {_by_hand(hub_file)}."
    )


def _first_line(error: Exception) -> str:
    """Return the first sentence of an error, without its full stop."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].split(". ")[0].rstrip(" .")
