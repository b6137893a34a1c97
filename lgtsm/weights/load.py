"""From a weight file to a network: strictly, and never through a pickle."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from ..errors import WeightsError
from ..models.build import build
from ..models.network import Network
from .catalogue import CATALOGUE, DEFAULT, ON_HUB, BuiltIn
from .header import read_card
from .hub import HubFile, fetch, parse_hub_file


def find_weights(name_or_path: str | Path | None = None) -> tuple[str, Path]:
    """Return the name and the path of a weight file.

    A hub is asked only for what is no built-in name, not on the disk and not in its cache.

    Args:
        name_or_path: a built-in name, a path, `owner/name[@revision][:file.safetensors]` on a
            Hugging Face hub, or None for the default.

    Raises:
        WeightsError: none of these, or the hub's file cannot be had.
    """
    wanted = DEFAULT if name_or_path is None else name_or_path
    if isinstance(wanted, str) and wanted in CATALOGUE:
        _check_digest(CATALOGUE[wanted])
        return wanted, CATALOGUE[wanted].path
    if isinstance(wanted, str) and wanted in ON_HUB:
        return wanted, _from_hub(HubFile.of_row(ON_HUB[wanted]))
    path = Path(wanted)
    if path.is_file():
        return path.name, path
    hub_file = None
    if isinstance(wanted, str) and not path.exists():
        hub_file = parse_hub_file(wanted)
    if hub_file is None:
        names = ", ".join((*CATALOGUE, *ON_HUB))
        raise WeightsError(
            f"Expected a built-in model ({names}), a file or "
            f"owner/name[@revision][:file.safetensors] on a hub, got {wanted}; check the name or "
            "the path."
        )
    return str(hub_file), _from_hub(hub_file)


def _check_digest(row: BuiltIn) -> None:
    """Raise WeightsError where a built-in file is not the one the catalogue describes."""
    found = hashlib.sha256(row.path.read_bytes()).hexdigest() if row.path.is_file() else "no file"
    if found != row.sha256:
        raise WeightsError(
            f"Expected the built-in {row.name} with SHA-256 {row.sha256[:12]}, got {found[:12]}; "
            "install the package again."
        )


def _from_hub(hub_file: HubFile) -> Path:
    rows = (row for row in ON_HUB.values() if HubFile.of_row(row) == hub_file)
    return fetch(hub_file, sha256=next((row.sha256 for row in rows), None))


def load_model(name_or_path: str | Path | None = None) -> Network:
    """Load a network.

    Args:
        name_or_path: a built-in name, the path of a .safetensors file of this package, one on a
            Hugging Face hub as `owner/name[@revision][:file.safetensors]` (the main branch and
            model.safetensors unless named; fetched once, then read from the cache), or None for
            the default.

    Returns:
        The network on the CPU, float32, in eval mode, without gradients.

    Raises:
        WeightsError: no such file, damaged, a pickle, tensors that do not fit its own header, or a
            hub's file that cannot be had.
    """
    name, path = find_weights(name_or_path)
    card = read_card(path)
    try:
        tensors = load_file(path)
    except SafetensorError as error:
        raise WeightsError(
            f"Expected a whole safetensors file, got {path.name} with {error}; get it again."
        ) from error
    with torch.device("meta"):  # a header may claim any size; nothing is allocated before it fits
        state = build(card.spec).state_dict()
    expected = {key: tuple(value.shape) for key, value in state.items()}
    found = {key: tuple(value.shape) for key, value in tensors.items()}
    if expected != found:
        wrong = sorted(expected.items() ^ found.items())[0][0]
        raise WeightsError(
            f"Expected the {len(expected)} tensors of a {card.spec.family} network, got "
            f"{len(found)} of which {wrong} does not fit; use a file whose header is its own."
        )
    for key, value in tensors.items():
        if not value.is_floating_point() or not torch.isfinite(value).all():
            raise WeightsError(
                f"Expected finite floating-point weights, got something else in {key}; get "
                f"{path.name} again."
            )
    with torch.random.fork_rng(devices=[]):  # initial weights are drawn; no one else's draws move
        network = build(card.spec)
    network.load_state_dict({key: value.float() for key, value in tensors.items()})
    network.name, network.passed_dtypes = name, card.dtypes
    return network.eval().requires_grad_(False)
