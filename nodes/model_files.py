"""Models and synthesisers a user can choose: built-in ones, files in models/lgtsm, models of the catalogue."""

from __future__ import annotations

from pathlib import Path

import folder_paths

from ..lgtsm.errors import WeightsError
from ..lgtsm.weights.catalogue import CATALOGUE, ON_HUB
from ..lgtsm.weights.header import read_card
from ..lgtsm.weights.hub_file import HubFile, parse_hub_file
from ..lgtsm.weights.model_folder import check_hash, fetch_into, local_name
from ..lgtsm.weights.synthesiser import BUILT_IN, ENDING

FOLDER = "lgtsm"
_BUILT_IN = " (built-in)"
_DOWNLOAD = " (download)"


def register_folder() -> None:
    """Register models/lgtsm with ComfyUI, besides folders from its YAML file."""
    own = Path(folder_paths.models_dir) / FOLDER
    folder_paths.add_model_folder_path(FOLDER, str(own), is_default=True)


def choices() -> list[str]:
    """Return the entries of the list, files that can open alone; no network is used."""
    # with / on Windows too, so that a workflow means the same everywhere
    listed = (Path(file).as_posix() for file in folder_paths.get_filename_list(FOLDER))
    files = [file for file in listed if _opens(file)]
    rows = [
        row.name + _DOWNLOAD
        for row in ON_HUB.values()
        if local_name(HubFile.of_row(row)) not in files
    ]
    return [name + _BUILT_IN for name in CATALOGUE] + files + rows


def synthesisers() -> list[str]:
    """Return what may synthesise: the built-in completion, and the ONNX files of the folder."""
    listed = (Path(file).as_posix() for file in folder_paths.get_filename_list(FOLDER))
    return [BUILT_IN, *(file for file in listed if file.endswith(ENDING))]


def find_synthesiser(choice: str) -> str | None:
    """Return the value of `InpaintOptions.synthesiser` for an entry of `synthesisers`.

    Raises:
        WeightsError: no such entry: a workflow of anybody's may name any file.
    """
    if choice == BUILT_IN:
        return None
    found = folder_paths.get_full_path(FOLDER, choice) if choice in synthesisers() else None
    if found is None:
        raise WeightsError(
            f"Expected an ONNX file of models/{FOLDER} as synthesiser, found no {choice:.200}; put it "
            "there or choose another."
        )
    check_hash(Path(found))
    return found


def _opens(name: str) -> bool:
    """Tell whether a file of the folder holds a model of this package, from its header."""
    found = folder_paths.get_full_path(FOLDER, name)
    if found is None or Path(found).suffix != ".safetensors":
        return False
    try:
        read_card(Path(found))
    except (OSError, WeightsError):
        return False
    return True


def find(choice: str, repo: str) -> str | Path:
    """Return the argument of `load_model` for a choice; downloads it if needed.

    Args:
        choice: an entry of `choices`.
        repo: owner/name[@revision][:file.safetensors]; takes precedence unless empty.

    Raises:
        WeightsError: no such file, a pickle, a modified file, or a failed download.
    """
    if repo.strip():
        hub_file = parse_hub_file(repo.strip())
        if hub_file is None:
            raise WeightsError(
                "Expected a repository as owner/name or owner/name@revision:file.safetensors, got "
                f"{repo.strip()!r:.200}; correct it or leave it empty."
            )
        if hub_file.revision.startswith("refs/"):  # a workflow of anybody's may name anybody's
            raise WeightsError(
                "Expected a branch, tag or commit of the repository's owner, got the pull request "
                f"{hub_file.revision:.80}; download it yourself if you trust it."
            )
        return fetch_into(_own_folder(), hub_file)
    name = choice.removesuffix(_BUILT_IN)
    if choice.endswith(_BUILT_IN) and name in CATALOGUE:
        return name
    row = ON_HUB.get(choice.removesuffix(_DOWNLOAD))
    if row is not None and choice.endswith(_DOWNLOAD):
        return fetch_into(_own_folder(), HubFile.of_row(row), sha256=row.sha256)
    found = folder_paths.get_full_path(FOLDER, choice)
    if found is None:
        raise WeightsError(
            f"Expected the file {choice} in models/{FOLDER}, found none; put it there or choose "
            "another model."
        )
    path = Path(found)
    if path.suffix != ".safetensors":
        raise WeightsError(
            f"Expected a .safetensors file, got {choice}, which may hold a pickle and could run "
            f"code; it was not opened, convert it with: lgtsm convert {path.name} NEW.safetensors."
        )
    check_hash(path)
    return path


def stamp(choice: str, repo: str) -> str:
    """Return a text that changes when the chosen file does; uses no network."""
    hub_file = parse_hub_file(repo.strip()) if repo else None
    name = choice if hub_file is None else local_name(hub_file)
    found = folder_paths.get_full_path(FOLDER, name)
    if found is None:
        return f"{name} {repo}"
    state = Path(found).stat()
    return f"{found} {state.st_mtime_ns} {state.st_size}"


def _own_folder() -> Path:
    return Path(folder_paths.get_folder_paths(FOLDER)[0])
