"""Self-description of a weight file, in the header of a safetensors file; torch-free."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import WeightsError
from ..models.neighbour_spec import NEIGHBOURS, AnySpec, neighbour_from_config
from ..models.spec import NetworkSpec

_MAX_HEADER_BYTES = 10_000_000
"""Headers written here take a few kilobytes; anything larger is damaged or an attack."""
_CHUNK_BYTES = 1 << 20
CONFIG, DIGEST = "lgtsm.config", "lgtsm.sha256"
"""Names in the header: of the network's configuration, and of the SHA-256 of it and the tensors."""
RESEARCH_ONLY = "research-only"
"""Licence of converted files of the authors who permit no other use; see docs/convert.md."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """Self-description of a weight file.

    spec: of the network.
    licence: of the weights, an SPDX name or `RESEARCH_ONLY`.
    provenance: data, steps, seed and held-out figures of the training; JSON values.
    dtypes: half precisions (bf16, fp16) whose result is within 45 dB PSNR of float32.
    """

    spec: AnySpec
    licence: str
    provenance: dict = field(default_factory=dict)
    dtypes: tuple[str, ...] = ()

    @property
    def is_research_only(self) -> bool:
        """Whether the weights, or those that they were trained from, may only be used for research."""
        return RESEARCH_ONLY in (self.licence, self.provenance.get("descent"))

    def to_metadata(self) -> dict[str, str]:
        """Return the strings for the header."""
        return {
            "format": "pt",
            "lgtsm.family": self.spec.family,
            CONFIG: json.dumps(self.spec.to_config()),
            "lgtsm.licence": self.licence,
            "lgtsm.provenance": json.dumps(self.provenance),
            "lgtsm.dtypes": ",".join(self.dtypes),
        }


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_CHUNK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def check_safetensors(path: Path) -> None:
    """Check by its first bytes that a file can be a safetensors file.

    Raises:
        WeightsError: no file, a pickle, truncated or not safetensors.
    """
    if not path.is_file():
        raise WeightsError(f"Expected a weight file at {path}, found none; check the path.")
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(9)
    length = int.from_bytes(start[:8], "little") if len(start) == 9 else 0
    # first, because the length of a header may begin with the byte that a pickle begins with
    if start[8:] == b"{" and 0 < length <= min(_MAX_HEADER_BYTES, size - 8):
        return
    if start[:4] == b"PK\x03\x04" or start[:1] == b"\x80":
        raise WeightsError(
            f"Expected a safetensors file, got {path.name}, a pickle, which could run code; it "
            "was not opened, use a file made by `python -m train export`."
        )
    raise WeightsError(
        f"Expected a safetensors file, got {path.name}, which is truncated or of another "
        "format; get the file again."
    )


def read_card(path: Path) -> Card:
    """Read the self-description of a weight file without its tensors.

    Raises:
        WeightsError: damaged, or not written by this package.
    """
    return card_of(read_metadata(path), path.name)


def read_metadata(path: Path) -> Mapping[str, str]:
    """Return the metadata in the header of a safetensors file, whoever wrote it.

    Raises:
        WeightsError: damaged, or another format.
    """
    check_safetensors(path)
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        raw = file.read(length)
    try:
        return json.loads(raw).get("__metadata__", {})
    except (ValueError, AttributeError, RecursionError) as error:
        raise _not_ours(path.name) from error


def card_of(metadata: Mapping[str, str], name: str) -> Card:
    """Return the self-description in the metadata of a file's header.

    Args:
        metadata: of the header.
        name: of the file, for messages.

    Raises:
        WeightsError: damaged, or not written by this package.
    """
    try:
        config = json.loads(metadata[CONFIG])
        provenance = json.loads(metadata.get("lgtsm.provenance", "{}"))
        dtypes = tuple(name for name in metadata.get("lgtsm.dtypes", "").split(",") if name)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _not_ours(name) from error
    spec = _read_spec(config)
    if metadata.get("lgtsm.family") != spec.family:
        raise WeightsError(
            f"Expected family and configuration of {name} to agree, got "
            f"{metadata.get('lgtsm.family')!r} and {spec.family!r}; get the file again."
        )
    return Card(
        spec=spec,
        licence=metadata.get("lgtsm.licence", "not stated"),
        provenance=provenance,
        dtypes=dtypes,
    )


def _read_spec(config: object) -> AnySpec:
    family = config.get("family") if isinstance(config, dict) else None
    if isinstance(config, dict) and isinstance(family, str) and family in NEIGHBOURS:
        return neighbour_from_config(config)
    return NetworkSpec.from_config(config)  # type: ignore[arg-type]  raises for what is no mapping


def _not_ours(name: str) -> WeightsError:
    return WeightsError(
        f"Expected a weight file written by this package, got {name} without its configuration; "
        "use a file made by `python -m train export`."
    )
