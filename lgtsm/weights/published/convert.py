"""From a published checkpoint to a weight file of this package."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError

from ...errors import WeightsError
from ...models.build import build
from ..header import Card
from ..load import finite_floats
from ..save import save_model
from .checkpoint import read_checkpoint
from .recognise import recognise


@dataclass(frozen=True, kw_only=True)
class Converted:
    """Contents of a converted checkpoint.

    family: the published name; `card.spec.family` is the package's name.
    decided_by: how the family was recognised.
    kind: of the file, "zip", "legacy" or "safetensors".
    num_parameters: of the converted network.
    num_left_out: tensors that are not converted: of a discriminator, a perceptual network and so on.
    """

    card: Card
    family: str
    decided_by: str
    kind: str
    num_parameters: int
    num_left_out: int


def convert(
    source: str | Path, target: str | Path, *, force: bool = False, align_corners: bool = True
) -> Converted:
    """Convert a published checkpoint without running code in it.

    Args:
        source: checkpoint of the original trainer, `{"state_dict": ...}` or a plain state dict
            (zip or legacy file of torch.save), or a safetensors file with published names.
        target: the .safetensors file to write; untouched on failure.
        force: replace `target` if it exists.
        align_corners: of a Copy-and-Paste Network: as where its authors trained it, or as the same
            code samples under torch 1.3 or later. No other family asks.

    Returns:
        The contents, as in the header of the new file.

    Raises:
        WeightsError: unsafe, damaged or another family, tensors that do not match or are not
            finite, or a target that exists or cannot be written.
    """
    source, target = Path(source), Path(target)
    try:
        _check_target(source, target, force=force)
    except OSError as error:
        raise _cannot_write(target, error) from error
    checkpoint = read_checkpoint(source)
    found = recognise(checkpoint, source.name, align_corners=align_corners)
    # before `build`, because it checks every shape: a specification alone may claim any size
    tensors = finite_floats(found.rename(), source.name)
    network = build(found.spec)
    network.load_state_dict(tensors)
    card = Card(
        spec=found.spec,
        licence=found.licence,
        provenance={
            "published_family": found.family,
            "published_terms": found.terms,
            "decided_by": found.decided_by,
            "epoch": checkpoint.epoch,
            "source_sha256": checkpoint.sha256,
        },
    )
    try:
        save_model(network, target, card)
    except (OSError, SafetensorError) as error:
        raise _cannot_write(target, error) from error
    return Converted(
        card=card,
        family=found.family,
        decided_by=found.decided_by,
        kind=checkpoint.kind,
        num_parameters=sum(value.numel() for value in network.parameters()),
        num_left_out=found.num_left_out,
    )


def _check_target(source: Path, target: Path, *, force: bool) -> None:
    """Refuse a target that cannot or must not be written, before anything is read.

    Raises:
        WeightsError: wrong suffix, no such folder, a folder, the source, or an existing file.
        OSError: a name that the system does not accept.
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
