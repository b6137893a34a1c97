"""From a weight file to a network: strict, and never through a pickle."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.utils import convert_conv2d_weight_memory_format

from ..errors import WeightsError
from ..models.build import build, tensor_shapes
from ..models.neighbour_spec import NeighbourSpec
from ..models.network import Network
from ..tensor_digest import tensor_digest
from .catalogue import CATALOGUE, DEFAULT, ON_HUB, BuiltIn
from .header import CONFIG, DIGEST, Card, card_of, read_metadata, sha256_of
from .hub import fetch
from .hub_file import HubFile, parse_hub_file

_LOG = logging.getLogger(__name__)


def find_weights(name_or_path: str | Path | None = None) -> tuple[str, Path]:
    """Return the name and the path of a weight file.

    A hub is contacted only for a name that is neither built in, nor a file, nor in its cache.

    Args:
        name_or_path: as for `load_model`.

    Raises:
        WeightsError: no such file, or it cannot be fetched from the hub.
    """
    wanted = DEFAULT if name_or_path is None else name_or_path
    if isinstance(wanted, str) and wanted in CATALOGUE:
        _check_digest(CATALOGUE[wanted])
        return wanted, CATALOGUE[wanted].path
    if isinstance(wanted, str) and wanted in ON_HUB:
        return wanted, _from_hub(HubFile.of_row(ON_HUB[wanted]))
    path, exists = Path(wanted), False
    with suppress(OSError, ValueError):  # too long a name for the disk, a null byte in it
        exists = path.exists()
        if path.is_file():
            return path.name, path
    hub_file = parse_hub_file(wanted) if isinstance(wanted, str) and not exists else None
    if hub_file is None:
        names = ", ".join((*CATALOGUE, *ON_HUB))
        raise WeightsError(
            f"Expected a built-in model ({names}), a file or "
            f"owner/name[@revision][:file.safetensors] on a hub, got {wanted}; check the name or "
            "the path."
        )
    return str(hub_file), _from_hub(hub_file)


def _check_digest(row: BuiltIn) -> None:
    """Raise WeightsError where a built-in file is not the one that the catalogue describes."""
    found = sha256_of(row.path) if row.path.is_file() else "no file"
    if found != row.sha256:
        raise WeightsError(
            f"Expected the built-in {row.name} with SHA-256 {row.sha256[:12]}, got {found[:12]}; "
            "install the package again."
        )


def _from_hub(hub_file: HubFile) -> Path:
    """Fetch a file; one of the catalogue must have its hash."""
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
        WeightsError: no such file, damaged, a pickle, tensors that do not match its own header, or
            a file that cannot be fetched from a hub.
    """
    stored = read_weights(name_or_path)
    spec = stored.card.spec
    if isinstance(spec, NeighbourSpec):
        raise WeightsError(
            f"Expected a network that fills, got {stored.name}, the {spec.role.value} {spec.family}; "
            f"give it as {spec.role.takes}."
        )
    network = network_of(stored)
    assert isinstance(network, Network)  # its specification says so
    network.name, network.passed_dtypes = stored.name, stored.card.dtypes
    network.notes = stored.notes
    return network


@dataclass(frozen=True)
class StoredWeights:
    """A weight file whose header has been read.

    name: built-in, of the file or on a hub; notes: what a report says about it.
    """

    name: str
    path: Path
    metadata: Mapping[str, str]
    card: Card
    notes: tuple[str, ...]

    def read(self, expected: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
        """Return the tensors in float32.

        Args:
            expected: names and shapes, compared before anything is allocated: a header may claim any.

        Raises:
            WeightsError: damaged, other tensors than expected, or values that are not finite.
        """
        try:
            tensors = load_file(self.path)
        except SafetensorError as error:
            raise WeightsError(
                f"Expected a complete safetensors file, got {self.path.name} with {error}; get it "
                "again."
            ) from error
        found = {key: tuple(value.shape) for key, value in tensors.items()}
        if expected != found:
            wrong = sorted(expected.items() ^ found.items())[0][0]
            raise WeightsError(
                f"Expected the {len(expected)} tensors of a {self.card.spec.family} network, got "
                f"{len(found)} of which {wrong} does not fit; use a file whose header has not been "
                "changed."
            )
        floats = finite_floats(tensors, self.path.name)
        if DIGEST in self.metadata:
            _check_values(tensors, self.metadata, self.path.name)
        return floats


def network_of(stored: StoredWeights) -> nn.Module:
    """Return the network of a file on the CPU, float32, in eval mode, without gradients.

    Raises:
        WeightsError: as `StoredWeights.read`.
    """
    spec = stored.card.spec
    floats = stored.read(tensor_shapes(spec))
    with torch.random.fork_rng(devices=[]):  # leave the global generator untouched
        network = build(spec)
    network.load_state_dict(floats)
    # others are laid out where they are streamed
    if isinstance(spec, NeighbourSpec) or spec.paints:
        convert_conv2d_weight_memory_format(network, torch.channels_last)
    return network.eval().requires_grad_(False)


def read_weights(name_or_path: str | Path | None) -> StoredWeights:
    """Find a weight file and read its header; the argument is that of `load_model`.

    Raises:
        WeightsError: no such file, damaged, a pickle, or a file that cannot be fetched from a hub.
    """
    name, path = find_weights(name_or_path)
    metadata = read_metadata(path)
    card = card_of(metadata, path.name)
    notes = ()
    # others have a hash elsewhere
    if DIGEST not in metadata and name_or_path is not None and Path(name_or_path) == path:
        notes = (f"{path.name} holds no checksum of its weights, damage to it goes unnoticed.",)
        _LOG.warning("%s", notes[0])
    return StoredWeights(name, path, metadata, card, notes)


def _check_values(tensors: Mapping[str, Tensor], metadata: Mapping[str, str], name: str) -> None:
    """Raise WeightsError where a file is not the one that was saved."""
    found = tensor_digest(tensors, metadata[CONFIG])
    if metadata[DIGEST] != found:
        raise WeightsError(
            f"Expected the weights that {name} was saved with (SHA-256 {metadata[DIGEST]:.12}), "
            f"got others ({found:.12}); the file was damaged or changed, get it again."
        )


def finite_floats(tensors: Mapping[str, Tensor], file_name: str) -> dict[str, Tensor]:
    """Return the tensors in float32.

    Raises:
        WeightsError: a tensor of integers, or a value that is not finite in float32.
    """
    result: dict[str, Tensor] = {}
    for key, value in tensors.items():
        result[key] = value.float()
        if not value.is_floating_point() or not torch.isfinite(result[key]).all():
            raise WeightsError(
                f"Expected finite floating-point weights, got something else in {key}; get "
                f"{file_name} again."
            )
    return result
