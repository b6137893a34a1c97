"""From a published checkpoint to a weight file of this package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor

from ...errors import WeightsError
from ...models.build import build
from ..header import Card
from ..save import save_model
from .container import read_container
from .recognise import recognise

LICENCE = "research-only"
"""Stamped on every file made here, whatever the source; see docs/convert.md."""

_DISCRIMINATOR = "temporal_discriminator."


@dataclass(frozen=True, kw_only=True)
class Converted:
    """What was found in a checkpoint.

    family: in words, as published; `card.spec.family` is the package's name.
    decided_by: what told the family.
    kind: of the container, "zip", "legacy" or "safetensors".
    num_parameters: numbers in the converted network.
    num_left_out: tensors of the discriminator, which are not converted.
    """

    card: Card
    family: str
    decided_by: str
    kind: str
    num_parameters: int
    num_left_out: int


def convert(source: str | Path, target: str | Path, *, force: bool = False) -> Converted:
    """Convert a published checkpoint; no code in it can run.

    Args:
        source: container of the original trainer, `{"state_dict": ...}` or a plain state dict
            (zip or legacy file of torch.save), or a safetensors file with published names.
        target: the .safetensors file to write, whole or not at all.
        force: replace `target` if it exists.

    Returns:
        What was found; the file's header says the same.

    Raises:
        WeightsError: unsafe, damaged or another family, tensors that do not fit or are not finite,
            or a target that is in the way or cannot be written.
    """
    source, target = Path(source), Path(target)
    try:
        _check_target(source, target, force=force)
    except OSError as error:
        raise _cannot_write(target, error) from error
    container = read_container(source)
    found = recognise(container, source.name)
    family, decided_by, spec = found.family, found.decided_by, found.spec
    # first, as it checks every shape: a specification alone may claim any size
    tensors = _finite(found.rename())
    network = build(spec)
    network.load_state_dict(tensors)
    card = Card(
        spec=spec,
        licence=LICENCE,
        provenance={
            "published_family": family,
            "decided_by": decided_by,
            "epoch": container.epoch,
            "source_sha256": container.sha256,
        },
    )
    try:
        save_model(network, target, card)
    except (OSError, SafetensorError) as error:
        raise _cannot_write(target, error) from error
    return Converted(
        card=card,
        family=family,
        decided_by=decided_by,
        kind=container.kind,
        num_parameters=sum(value.numel() for value in network.parameters()),
        num_left_out=sum(key.startswith(_DISCRIMINATOR) for key in container.state),
    )


def _finite(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors in float32.

    Raises:
        WeightsError: a tensor of integers, or a value that is not finite.
    """
    for key, value in tensors.items():
        if not value.is_floating_point() or not torch.isfinite(value.float()).all():
            raise WeightsError(
                f"Expected finite floating-point weights, got something else for {key}; get the "
                "published file again."
            )
    return {key: value.float() for key, value in tensors.items()}


def _check_target(source: Path, target: Path, *, force: bool) -> None:
    """Refuse a target that cannot or should not be written, before anything is read.

    Raises:
        WeightsError: see there.
        OSError: a name the system does not take.
    """
    if target.suffix != ".safetensors":
        raise WeightsError(
            f"Expected a new file that ends in .safetensors, got {target.name}; rename it."
        )
    if not target.absolute().parent.is_dir():
        raise WeightsError(
            f"Expected an existing folder, got {target.absolute().parent}; create it first."
        )
    if target.is_dir():
        raise WeightsError(f"Expected a new file, got the folder {target}; give a file name.")
    if target.exists():
        if source.exists() and target.samefile(source):
            raise WeightsError(
                f"Expected a new file, got {target}, which is the checkpoint itself; give another "
                "name."
            )
        if not force:
            raise WeightsError(
                f"Expected a new file, got {target}, which exists; give another name or --force."
            )


def _cannot_write(target: Path, error: Exception) -> WeightsError:
    reason = getattr(error, "strerror", None) or type(error).__name__
    return WeightsError(
        f"Expected to write {target}, got {reason!r}; check name, rights and free space."
    )
