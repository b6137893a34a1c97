"""Weights inside the package, and known ones on a hub; torch-free."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

_DATA = Path(__file__).parent / "data"
DEFAULT = "refine-small"
DEFAULT_FILE = "model.safetensors"
"""Weight file of a repository on a hub, unless named."""


@dataclass(frozen=True, kw_only=True)
class BuiltIn:
    """One weight file inside the package.

    name: for `load_model`; file: in lgtsm/weights/data; sha256: of the file.
    """

    name: str
    file: str
    family: str
    licence: str
    sha256: str

    @property
    def path(self) -> Path:
        """Location of the file."""
        return _DATA / self.file


CATALOGUE: MappingProxyType[str, BuiltIn] = MappingProxyType(
    {
        row.name: row
        for row in (
            BuiltIn(
                name=DEFAULT,
                file="refine-small.safetensors",
                family="refine",
                licence="Apache-2.0",
                sha256="eba53dfb583688f0501e34e22b49a14ad2ecafa0492fcf8a83b8f62e61952d6c",
            ),
        )
    }
)


@dataclass(frozen=True, kw_only=True)
class OnHub:
    """One weight file on a hub.

    name: for `load_model`; repo: owner/name; revision: a commit; sha256: of the file.
    """

    name: str
    repo: str
    revision: str
    file: str = DEFAULT_FILE
    family: str
    licence: str
    sha256: str


ON_HUB: MappingProxyType[str, OnHub] = MappingProxyType({})
"""Only existing files: nothing is published yet."""
