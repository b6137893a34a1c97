"""Reading of published checkpoints: pickles of the original trainer, without running code in them.

The original trainer saved one dict with `torch.save`: weights under `state_dict`, and with them a
logger object, numpy scalars, optimiser states and its configuration. torch's restricted unpickler
reads it once stand-ins replace the logger and numpy's classes; any other class or function that a
pickle names is refused before it is called.
"""

from __future__ import annotations

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
from ..header import sha256_of

_STAND_INS = (
    ("utils.logger", "Logger"),
    ("numpy.core.multiarray", "scalar"),  # before numpy 2
    ("numpy._core.multiarray", "scalar"),  # from numpy 2 on
    ("numpy", "dtype"),
    ("pytorch_lightning.callbacks.model_checkpoint", "ModelCheckpoint"),  # a key, before 1.5
)
"""Classes that the original checkpoints name beyond tensors and plain values."""

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
"""Exceptions of torch for damaged bytes, depending on where the damage is."""

_GLOBAL = re.compile(r"GLOBAL ([\w.]{1,80})")
_KEY = re.compile(r"[\w.]{1,200}")


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Contents of a published file.

    kind: "zip" or "legacy" (both torch.save) or "safetensors".
    state: names to tensors on the CPU.
    sha256: of the file.
    config: the trainer's configuration; empty where the file has none.
    epoch: of training; None where the file has none.
    """

    kind: str
    state: dict[str, Tensor]
    sha256: str
    config: dict = field(default_factory=dict)
    epoch: int | None = None


class _Ignored:
    """Stand-in for an object whose content is not needed; ignores its arguments and state."""

    def __init__(self, *_: object) -> None:
        pass

    def __setstate__(self, state: object) -> None:
        pass


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a published file; no code in it can run.

    Args:
        path: a checkpoint of the original trainer, `{"state_dict": ...}`, a plain dict of tensors
            (each as a zip or legacy file of torch.save), or a safetensors file.

    Raises:
        WeightsError: no such file, damaged, another format, or a pickle of more than tensors.
    """
    if not path.is_file():
        raise WeightsError(f"Expected a checkpoint at {path}, found none; check the path.")
    try:
        with path.open("rb") as file:
            start = file.read(9)
            file.seek(0)
            digest = sha256_of(path)
            # first, because a header's length may begin with the byte that begins a pickle
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
    """Return the object in a file of torch.save, which may hold only tensors and plain values.

    Args:
        file: at its start; torch chooses a reader for a path by its suffix, so none is passed.
        path: for messages.
    """
    try:
        # new classes under the names of `_STAND_INS`; numpy itself is never called
        stand_ins = torch.serialization.safe_globals(
            [type(name, (_Ignored,), {"__module__": module}) for module, name in _STAND_INS]
        )
        with warnings.catch_warnings(), stand_ins:
            warnings.simplefilter("ignore")  # other pickle protocols: they load or raise
            # The only reader of pickles: weights_only admits tensors, plain values and, during this
            # call, the stand-ins above.
            return torch.load(file, map_location="cpu", weights_only=True)  # noqa: TID251
    except _DAMAGE as error:
        wanted = _GLOBAL.search(str(error)) if isinstance(error, pickle.UnpicklingError) else None
        if wanted:
            raise WeightsError(
                f"Expected a checkpoint of tensors and plain values, got {path.name}, a pickle "
                f"that calls {wanted[1]}, which was not run; get the file from its authors."
            ) from error
        raise WeightsError(
            f"Expected a complete checkpoint of torch.save, got {path.name}, which is damaged, "
            "truncated or another pickle; get the file again."
        ) from error


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, "pt") as file:
            if "lgtsm.config" in (file.metadata() or {}):
                raise WeightsError(
                    f"Expected a published checkpoint, got {path.name}, which this package wrote; "
                    "load it without conversion."
                )
            # copies, so that the file can be replaced once it is closed
            return {key: file.get_tensor(key).clone() for key in file.keys()}  # noqa: SIM118
    except (SafetensorError, *_DAMAGE) as error:
        raise WeightsError(
            f"Expected a complete safetensors file, got {path.name}, which is damaged or truncated; "
            "get the file again."
        ) from error


def _sort(kind: str, box: object, digest: str, path: Path) -> Checkpoint:
    """Find the state dict, its configuration and epoch in the object that a file held."""
    outer = box if isinstance(box, Mapping) else {}
    state = outer.get("state_dict", box)
    # a plain state dict has no configuration
    about = outer if "state_dict" in outer else {}
    if not isinstance(state, Mapping) or not state or not all(map(_is_entry, state.items())):
        raise WeightsError(
            "Expected a checkpoint of the original trainer, a dict with state_dict or a plain dict "
            f"of dense tensors, got something else in {path.name}; use the published file."
        )
    config, epoch = about.get("config"), about.get("epoch")
    return Checkpoint(
        kind=kind,
        state={key: value.detach() for key, value in state.items()},
        sha256=digest,
        config=config if isinstance(config, dict) else {},
        epoch=epoch if type(epoch) is int else None,
    )


def _is_entry(item: tuple[object, object]) -> bool:
    """Whether an entry has a plain name and a dense tensor with storage for all its elements."""
    key, value = item
    if not isinstance(key, str) or not _KEY.fullmatch(key) or not isinstance(value, Tensor):
        return False
    dense = value.layout is torch.strided and not value.is_nested and not value.is_quantized
    if not dense or value.device.type != "cpu":
        return False
    # with strides of zero a few bytes could claim any size
    return value.numel() * value.element_size() <= value.untyped_storage().nbytes()
