"""Weight files from a Hugging Face hub: fetched once, checked by SHA-256, read from the cache.

The client is imported on use and only its oldest calls are used. Of these, `try_to_load_from_cache`
reads the disk alone; `hf_hub_download(local_files_only=True)` was seen to ask the endpoint for a
list of agents (huggingface_hub 2.4). The client itself reads HF_ENDPOINT, HF_HOME, HF_HUB_OFFLINE
and HF_TOKEN.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from ..errors import WeightsError
from .catalogue import DEFAULT_FILE, OnHub
from .header import Card, read_card

_MAIN = "main"
_CHUNK_BYTES = 1 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")
_PATH_ENDINGS = (".safetensors", ".ckpt", ".pt", ".pth", ".bin")
"""A repository is hardly called so; `folder/net.pth` is a path that was mistyped."""
_FORM = re.compile(
    r"(?P<repo>\w[\w.-]*/\w[\w.-]*)"
    r"(?:@(?P<revision>\w[\w./-]*))?"
    r"(?::(?P<file>\w[\w./-]*\.safetensors))?",
    re.ASCII,
)


@dataclass(frozen=True, kw_only=True)
class HubFile:
    """One file on a hub, written `owner/name[@revision][:file.safetensors]`.

    revision: branch, tag or commit; a branch is looked up once, then the cached commit stays.
    """

    repo: str
    revision: str = _MAIN
    file: str = DEFAULT_FILE

    def __str__(self) -> str:
        revision = "" if self.revision == _MAIN else f"@{self.revision}"
        return self.repo + revision + ("" if self.file == DEFAULT_FILE else f":{self.file}")

    @classmethod
    def of_row(cls, row: OnHub) -> HubFile:
        """Return where a row of the catalogue lies."""
        return cls(repo=row.repo, revision=row.revision, file=row.file)


@dataclass(frozen=True, kw_only=True)
class Cached:
    """A weight file of this package in the hub's cache.

    hub_file: loads it without a network.
    sha256: as the hub stated it; None where the cache holds no links (some Windows disks).
    """

    hub_file: HubFile
    commit: str
    path: Path
    card: Card
    sha256: str | None


def parse_hub_file(text: str) -> HubFile | None:
    """Read `owner/name[@revision][:file.safetensors]`; None if the text has another form."""
    match = _FORM.fullmatch(text)
    if match is None or ".." in text or match["repo"].endswith(_PATH_ENDINGS):
        return None
    return HubFile(
        repo=match["repo"],
        revision=match["revision"] or _MAIN,
        file=match["file"] or DEFAULT_FILE,
    )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_CHUNK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def find_cached(hub_file: HubFile) -> Path | None:
    """Return a file's place in the cache, without a network; None if it is not there.

    Raises:
        WeightsError: no usable huggingface_hub.
    """
    try:
        from huggingface_hub import try_to_load_from_cache
    except ImportError as error:
        raise _no_client(error) from error
    found = try_to_load_from_cache(
        hub_file.repo, hub_file.file, revision=hub_file.revision, cache_dir=_cache()
    )
    return Path(found) if isinstance(found, str) else None


def fetch(hub_file: HubFile, *, sha256: str | None = None) -> Path:
    """Return a whole and checked file of a hub, from the cache if it is there.

    Args:
        hub_file: what to fetch.
        sha256: what the catalogue says; None trusts the hash that the hub states.

    Returns:
        The path in the hub's cache.

    Raises:
        WeightsError: no such repository, revision or file; no access or no network; a transfer
            that ended early; other bytes than the hash says. A wrong file is not left behind.
    """
    path = find_cached(hub_file)
    if path is not None:
        linked = path.is_symlink()
        expected = sha256 or (_stated(path) if linked else None)
        if linked and expected is None:
            raise _no_hash(hub_file)
        # without links the cache keeps no hash: the file was checked when it was fetched
        return path if expected is None else _checked(path, expected, hub_file)
    expected = ask_hash(hub_file, sha256)
    return _checked(download(hub_file), expected, hub_file)


def list_cached() -> list[Cached]:
    """Find the weight files of this package in the hub's cache; nothing is written or asked."""
    try:
        cache = _cache()
    except WeightsError:
        return []
    found = []
    for path in sorted(cache.glob("models--*--*/snapshots/*/**/*.safetensors")):
        folder, _, commit, *inner = path.relative_to(cache).parts
        with contextlib.suppress(WeightsError, OSError):  # other programs' files, dangling links
            hub_file = HubFile(
                repo="/".join(folder.split("--")[1:]),
                revision=_revision(cache / folder / "refs", commit),
                file="/".join(inner),
            )
            card = read_card(path)
            found.append(
                Cached(
                    hub_file=hub_file,
                    commit=commit,
                    path=path,
                    card=card,
                    sha256=_stated(path) if path.is_symlink() else None,
                )
            )
    return found


def _cache() -> Path:
    try:
        from huggingface_hub.constants import HF_HUB_CACHE
    except ImportError as error:
        raise _no_client(error) from error
    return Path(HF_HUB_CACHE)


def _revision(refs: Path, commit: str) -> str:
    """Return the branch or tag that stands for a commit in the cache, or the commit."""
    names = [
        path.relative_to(refs).as_posix()
        for path in sorted(refs.rglob("*"))
        if path.is_file() and path.read_text(encoding="utf-8").strip() == commit
    ]
    return _MAIN if _MAIN in names else (names[0] if names else commit)


def _stated(path: Path) -> str | None:
    """Return the SHA-256 that the hub stated for a link in the cache; None if it was another hash.

    One step only: what the link names may itself be a link into a store under another hash.
    """
    name = path.readlink().name
    return name if _SHA256.fullmatch(name) else None


def ask_hash(hub_file: HubFile, sha256: str | None = None) -> str:
    """Ask the hub for the SHA-256 of a file; it must be `sha256` where that is given.

    Asked before the download, because `hf_hub_download` tries for 20 seconds where nobody answers
    and knows fewer reasons.
    """
    try:
        from huggingface_hub import get_hf_file_metadata
        from huggingface_hub.errors import HfHubHTTPError
    except ImportError as error:
        raise _no_client(error) from error
    try:
        stated = get_hf_file_metadata(_url(hub_file)).etag
    # the transport's errors, whichever library this version of the client uses
    except (OSError, ValueError, *HfHubHTTPError.__bases__) as error:
        raise _explained(hub_file, error) from error
    if stated is None or not _SHA256.fullmatch(stated):
        raise _no_hash(hub_file)
    if sha256 is not None and sha256 != stated:
        raise WeightsError(
            f"Expected {hub_file} with sha256 {sha256} as in the catalogue, got {stated} from "
            "the hub; nothing was fetched, check HF_ENDPOINT and update lgtsm."
        )
    return stated


def download(hub_file: HubFile, folder: Path | None = None) -> Path:
    """Fetch a file, unchecked, into the cache or a folder; the client writes beside and renames."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError

    place = {"cache_dir": _cache()} if folder is None else {"local_dir": folder}
    try:
        path = hf_hub_download(hub_file.repo, hub_file.file, revision=hub_file.revision, **place)
    except (OSError, ValueError, *HfHubHTTPError.__bases__) as error:
        raise _explained(hub_file, error) from error
    return Path(path)


def _checked(path: Path, expected: str, hub_file: HubFile) -> Path:
    """Return a file whose hash is right; drop it from the cache otherwise."""
    got = sha256_of(path)
    if got == expected:
        return path
    with contextlib.suppress(OSError):  # a cache that cannot be written
        _drop(path)
    advice = f"delete {path}" if path.exists() else "it was removed from the cache"
    raise WeightsError(
        f"Expected {hub_file} with sha256 {expected}, got {got}; {advice}, load it again or "
        f"{_by_hand(hub_file)}."
    )


def _drop(path: Path) -> None:
    """Remove a file of the cache with the links that lead to it; nothing outside the cache."""
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


def _no_client(error: ImportError) -> WeightsError:
    return WeightsError(
        f"Expected a usable huggingface_hub, got {_first_line(error)}; install or update "
        "huggingface_hub, or fetch the file by hand and pass its path."
    )


def _no_hash(hub_file: HubFile) -> WeightsError:
    return WeightsError(
        f"Expected a SHA-256 for {hub_file}, got none from the hub; the file cannot be checked, "
        f"so {_by_hand(hub_file)} if you trust it."
    )


def _explained(hub_file: HubFile, error: Exception) -> WeightsError:
    """Return one sentence for an error of the client."""
    from huggingface_hub import errors
    from huggingface_hub.constants import ENDPOINT

    repo, revision = hub_file.repo, hub_file.revision
    status = getattr(getattr(error, "response", None), "status_code", None)
    if isinstance(error, errors.GatedRepoError):  # before its base, the missing repository
        text = (
            f"Expected access to {repo}, got a refusal because it is gated; accept its terms at "
            f"{ENDPOINT}/{repo} and set HF_TOKEN."
        )
    elif isinstance(error, errors.RepositoryNotFoundError):
        text = (
            f"Expected a built-in model, a file or a public repository, found no {repo} at "
            f"{ENDPOINT}; check the name, and set HF_TOKEN if the repository is private."
        )
    elif isinstance(error, errors.RevisionNotFoundError):
        text = (
            f"Expected a branch, tag or commit of {repo}, got {revision}; check the revision "
            f"at {ENDPOINT}/{repo}."
        )
    elif status == 404:
        text = (
            f"Expected {hub_file.file} in {repo} at {revision}, found none; name another file "
            f"as {repo}:file.safetensors."
        )
    elif status in (401, 403):
        text = f"Expected access to {repo}, got status {status}; renew HF_TOKEN or its permissions."
    elif isinstance(error, errors.OfflineModeIsEnabled):
        text = (
            f"Expected {hub_file} in the cache, found nothing while HF_HUB_OFFLINE is set; unset "
            f"it or {_by_hand(hub_file)}."
        )
    else:
        text = (
            f"Expected {hub_file} from {ENDPOINT}, got {_first_line(error)}; check the "
            f"connection and HF_ENDPOINT, try again or {_by_hand(hub_file)}."
        )
    return WeightsError(text)


def _first_line(error: Exception) -> str:
    """Return what an error says first, without its full stop."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].split(". ")[0].rstrip(" .")
