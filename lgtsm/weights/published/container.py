"""Reading the files in which published weights come: the trainer's pickles, without running them.

The original trainer saved one dict with `torch.save`: weights under `state_dict`, and beside them a
logger object, numpy scalars, optimiser states and its configuration. torch's restricted unpickler
reads it once stand-ins are named for the logger and for what numpy writes; anything else that
a pickle asks for is refused before it is called.
"""

from __future__ import annotations

import hashlib
import pickle
import re
import struct
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ...errors import WeightsError

_STAND_INS = (
    ("utils.logger", "Logger"),
    ("numpy.core.multiarray", "scalar"),  # before numpy 2
    ("numpy._core.multiarray", "scalar"),  # from numpy 2 on
    ("numpy", "dtype"),
)
"""What the original's containers name beyond tensors and plain values."""

_DAMAGE = (
    pickle.UnpicklingError,
    RuntimeError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    AssertionError,
    EOFError,
    MemoryError,
    OSError,
    struct.error,
)
"""What torch raises on broken bytes, depending on where they break."""

_GLOBAL = re.compile(r"GLOBAL ([\w.]{1,80})")
_KEY = re.compile(r"[\w.]{1,200}")
_BLOCK_BYTES = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Container:
    """What a published file holds.

    kind: "zip" or "legacy" (both torch.save) or "safetensors".
    state: names to tensors on the CPU.
    sha256: of the file.
    config: the trainer's configuration; empty where the file has none.
    epoch: of training; None where the file does not say.
    """

    kind: str
    state: dict[str, Tensor]
    sha256: str
    config: dict = field(default_factory=dict)
    epoch: int | None = None


class _Ignored:
    """Takes the place of an object whose content is not needed; does nothing with what it gets."""

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


def _stand_ins() -> list[type]:
    """Return fresh classes under the names of `_STAND_INS`; numpy itself is never called."""
    return [type(name, (_Ignored,), {"__module__": module}) for module, name in _STAND_INS]


def _hash(file: BinaryIO) -> str:
    """Return the SHA-256 of a whole file and rewind it."""
    digest = hashlib.sha256()
    while block := file.read(_BLOCK_BYTES):
        digest.update(block)
    file.seek(0)
    return digest.hexdigest()


def read_container(path: Path) -> Container:
    """Read a published file; no code in it can run.

    Args:
        path: a container of the original trainer, `{"state_dict": ...}`, a plain dict of tensors
            (each as a zip or legacy file of torch.save), or a safetensors file.

    Raises:
        WeightsError: no such file, damaged, something else, or a pickle with more than tensors.
    """
    if not path.is_file():
        raise WeightsError(f"Expected a checkpoint at {path}, found none; check the path.")
    try:
        with path.open("rb") as file:
            start = file.read(9)
            file.seek(0)
            digest = _hash(file)
            # asked first: a header's length may begin with the byte that opens a pickle
            if start[8:] == b"{":
                return _sort("safetensors", _read_safetensors(path), digest, path)
            if start[:4] == b"PK\x03\x04":
                return _sort("zip", _unpickle(file, path), digest, path)
            if start[:1] == b"\x80":
                return _sort("legacy", _unpickle(file, path), digest, path)
    except OSError as error:
        raise WeightsError(
            f"Expected a readable checkpoint, got {path.name} with "
            f"{str(error.strerror or error)!r}; check rights and disk."
        ) from error
    raise WeightsError(
        "Expected a file of torch.save or a safetensors file, got "
        f"{path.name}, which is neither or is truncated; get the file again."
    )


def _unpickle(file: BinaryIO, path: Path) -> object:
    """Return the object in a file of torch.save, made of tensors and plain values alone.

    Args:
        file: open at its start; a name could lead torch to another reader by its suffix.
        path: for messages.
    """
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(_stand_ins()):
            warnings.simplefilter("ignore")  # other pickle protocols: they load or they raise
            # The one place that reads a pickle: weights_only admits tensors, plain values and the
            # stand-ins above, for the length of this call.
            return torch.load(file, map_location="cpu", weights_only=True)  # noqa: TID251
    except _DAMAGE as error:
        wanted = _GLOBAL.search(str(error)) if isinstance(error, pickle.UnpicklingError) else None
        if wanted:
            raise WeightsError(
                f"Expected a checkpoint of tensors and plain values, got {path.name}, a pickle "
                f"that calls for {wanted[1]}, which was not run; get the file from its authors."
            ) from error
        raise WeightsError(
            f"Expected a whole checkpoint of torch.save, got {path.name}, which is damaged, "
            "truncated or another pickle; get the file again."
        ) from error


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, "pt") as file:
            if "lgtsm.config" in (file.metadata() or {}):
                raise WeightsError(
                    f"Expected a published checkpoint, got {path.name}, which this package wrote; "
                    "load it as it is."
                )
            # torch's copies, so that the file can be replaced once it is closed
            return {key: file.get_tensor(key).clone() for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, *_DAMAGE) as error:
        raise WeightsError(
            f"Expected a whole safetensors file, got {path.name}, which is damaged or truncated; "
            "get the file again."
        ) from error


def _sort(kind: str, box: object, digest: str, path: Path) -> Container:
    """Find the state dict and what describes it in the object that a file held."""
    outer = box if isinstance(box, Mapping) else {}
    state = outer.get("state_dict", box)
    # a state dict of its own has no room for a configuration
    about = outer if "state_dict" in outer else {}
    if not isinstance(state, Mapping) or not state or not all(map(_is_entry, state.items())):
        raise WeightsError(
            "Expected a checkpoint of the original trainer, a dict with state_dict or a plain dict "
            f"of dense tensors, got something else in {path.name}; use the published file."
        )
    config, epoch = about.get("config"), about.get("epoch")
    return Container(
        kind=kind,
        state={key: value.detach() for key, value in state.items()},
        sha256=digest,
        config=config if isinstance(config, dict) else {},
        epoch=epoch if type(epoch) is int else None,
    )


def _is_entry(item: tuple[object, object]) -> bool:
    """Tell whether an entry has a plain name and a dense tensor that holds all its numbers."""
    key, value = item
    if not isinstance(key, str) or not _KEY.fullmatch(key) or not isinstance(value, Tensor):
        return False
    dense = value.layout is torch.strided and not value.is_nested and not value.is_quantized
    if not dense or value.device.type != "cpu":
        return False
    # strides of zero would let a few bytes claim any size
    return value.numel() * value.element_size() <= value.untyped_storage().nbytes()
