"""What a weight file says about itself, in the header of a safetensors file; torch-free."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import WeightsError
from ..models.spec import NetworkSpec

_MAX_HEADER_BYTES = 10_000_000
"""Headers of this family take a few kilobytes; anything beyond is damage or an attack."""


@dataclass(frozen=True, kw_only=True)
class Card:
    """Self-description of a weight file.

    spec: of the network.
    licence: of the weights, an SPDX name or "research-only".
    provenance: how they came to be: data, steps, seed, held-out figures.
    dtypes: half precisions (bf16, fp16) in which the result stays within 45 dB of float32.
    """

    spec: NetworkSpec
    licence: str
    provenance: dict = field(default_factory=dict)
    dtypes: tuple[str, ...] = ()

    def to_metadata(self) -> dict[str, str]:
        """Return the strings for the header."""
        return {
            "format": "pt",
            "lgtsm.family": self.spec.family,
            "lgtsm.config": json.dumps(self.spec.to_config()),
            "lgtsm.licence": self.licence,
            "lgtsm.provenance": json.dumps(self.provenance),
            "lgtsm.dtypes": ",".join(self.dtypes),
        }


def check_container(path: Path) -> None:
    """Check that a file can be a safetensors file before anything else touches it.

    Raises:
        WeightsError: no file, a pickle, truncated or not safetensors.
    """
    if not path.is_file():
        raise WeightsError(f"Expected a weight file at {path}, found none; check the path.")
    size = path.stat().st_size
    with path.open("rb") as file:
        start = file.read(9)
    length = int.from_bytes(start[:8], "little") if len(start) == 9 else 0
    # a header's length may begin with the byte that begins a pickle, so what fits is asked first
    if start[8:] == b"{" and 0 < length <= min(_MAX_HEADER_BYTES, size - 8):
        return
    if start[:4] == b"PK\x03\x04" or start[:1] == b"\x80":
        raise WeightsError(
            f"Expected a safetensors file, got {path.name}, which is a pickle and could run code; "
            "it was not opened, use a file made by `python -m train export`."
        )
    raise WeightsError(
        f"Expected a safetensors file, got {path.name}, which is truncated or something else; "
        "get the file again."
    )


def read_card(path: Path) -> Card:
    """Read the self-description of a weight file without its tensors.

    Raises:
        WeightsError: damaged, or not written by this package.
    """
    check_container(path)
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        raw = file.read(length)
    try:
        metadata = json.loads(raw).get("__metadata__", {})
        config = json.loads(metadata["lgtsm.config"])
        provenance = json.loads(metadata.get("lgtsm.provenance", "{}"))
        dtypes = tuple(name for name in metadata.get("lgtsm.dtypes", "").split(",") if name)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WeightsError(
            f"Expected a weight file written by this package, got {path.name} without its "
            "configuration; use a file made by `python -m train export`."
        ) from error
    spec = NetworkSpec.from_config(config)
    if metadata.get("lgtsm.family") != spec.family:
        raise WeightsError(
            f"Expected family and configuration of {path.name} to agree, got "
            f"{metadata.get('lgtsm.family')!r} and {spec.family!r}; get the file again."
        )
    return Card(
        spec=spec,
        licence=metadata.get("lgtsm.licence", "not stated"),
        provenance=provenance,
        dtypes=dtypes,
    )
