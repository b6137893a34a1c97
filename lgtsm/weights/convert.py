"""From a published checkpoint to a weight file of this package."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from torch import Tensor

from ..errors import WeightsError
from ..models.build import build
from ..models.spec import NetworkSpec, ShiftKind
from .container import Container, read_container
from .header import Card
from .published import infer_spec, rename_published
from .save import save_model

LICENCE = "research-only"
"""Stamped on every file made here, whatever the source; see docs/convert.md."""

_CRITIC = "temporal_discriminator."
_FIRST = "generator.coarse_net.downsample_module.conv1.featureConv.layer.weight"
_CONVERTED = "LGTSM, GTSM or plain gated 2-D"


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
    family, decided_by, spec = recognise(container, source.name)
    # first, as it checks every shape: a specification alone may claim any size
    tensors = _finite(rename_published(container.state, spec))
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
        num_parameters=sum(value.numel() for value in network.state_dict().values()),
        num_left_out=sum(key.startswith(_CRITIC) for key in container.state),
    )


def recognise(container: Container, name: str) -> tuple[str, str, NetworkSpec]:
    """Tell the family of a published state dict from keys, shapes and configuration.

    Args:
        container: what the file holds.
        name: of the file, for messages.

    Returns:
        The family in words, what decided, and the specification.

    Raises:
        WeightsError: a family that cannot be converted, or none that is known.
    """
    other = _other_family(container.state)
    if other:
        raise WeightsError(
            f"Expected {_CONVERTED} weights, got {other} in {name}, which this version has no "
            "network for; convert a file of one of those families."
        )
    if not any(key.startswith("generator.") and "featureConv" in key for key in container.state):
        raise WeightsError(
            f"Expected {_CONVERTED} weights under published names such as {_FIRST} (3-D, vanilla, "
            f"partial and CombCN networks would be told apart), got {len(container.state)} tensors "
            f"such as {min(container.state)} in {name}; use a file of the authors' repository."
        )
    spec = infer_spec(container.state)
    if spec.trunk.shift.kind is ShiftKind.LEARNED:
        return _with_ratio(container.config, spec)
    return _without_kernels(container.config, spec)


def _other_family(state: Mapping[str, Tensor]) -> str | None:
    """Name the published family that has no network here; None for a gated 2-D or unknown one."""
    if any(key.startswith(("videoCN.", "combCN.")) for key in state):
        return "a CombCN network"
    generator = {key: value for key, value in state.items() if not key.startswith(_CRITIC)}
    if any("mask_sum_conv" in key for key in generator):
        return "a partial-convolution network"
    ends = ("featureConv.weight_orig", "featureConv.weight", "featureConv.layer.weight")
    kernels = {key: value for key, value in generator.items() if key.endswith(ends)}
    if not kernels:
        return None
    is_gated = any("gatingConv" in key for key in generator)
    layout = "" if any(key.startswith("generator.") for key in kernels) else " in old key layout"
    if any(value.dim() == 5 for value in kernels.values()):
        if not is_gated:
            return f"a 3-D network without gates{layout}"
        return f"a 3-D gated network (3DGated, {_skips(kernels)} skips){layout}"
    if not is_gated:
        return f"a 2-D network without gates (vanilla TSM){layout}"
    if layout:
        return f"a gated 2-D network{layout}"
    return None


def _skips(kernels: Mapping[str, Tensor]) -> str:
    """Say whether deconv1 reads twice as many channels as conv8 writes."""
    inputs = {v.shape[1] for key, v in kernels.items() if "deconv1." in key and v.dim() == 5}
    outputs = {v.shape[0] for key, v in kernels.items() if "conv8." in key and v.dim() == 5}
    return "with" if inputs == {2 * n for n in outputs} and inputs else "without"


def _look_up(config: object, *path: str) -> object:
    """Return a value of the nested configuration, or None."""
    for name in path:
        config = config.get(name) if isinstance(config, dict) else None
    return config


def _with_ratio(config: dict, spec: NetworkSpec) -> tuple[str, str, NetworkSpec]:
    """Complete a learned shift by the share of shifted channels, which no key or shape tells."""
    decided_by = "shift kernels (learnableTSM) in the file"
    ratio = _look_up(config, "global_config", "LearnableTSM_kargs", "shift_ratio")
    if ratio is None:
        return "LGTSM", f"{decided_by}; shift ratio not stated, taken for 0.5", spec
    if type(ratio) not in (int, float) or not 0 <= ratio <= 1:
        raise WeightsError(
            f"Expected a shift_ratio of 0 to 1 in the configuration, got {str(ratio)[:40]!r}; use "
            "the published file."
        )
    shift = replace(spec.trunk.shift, ratio=float(ratio))
    spec = replace(spec, trunk=replace(spec.trunk, shift=shift))
    return "LGTSM", f"{decided_by}; shift ratio {shift.ratio:g} from its configuration", spec


def _without_kernels(config: dict, spec: NetworkSpec) -> tuple[str, str, NetworkSpec]:
    """Tell GTSM from the plain 2-D network, which has the same keys and shapes."""
    conv_by = _look_up(config, "arch", "args", "opts", "conv_by")
    if conv_by == "2dtsm":
        return "GTSM", "no shift kernels, and conv_by 2dtsm in the configuration", spec
    if conv_by is None:
        return "GTSM", "no shift kernels, and no conv_by, so the published GTSM is assumed", spec
    if conv_by != "2d":
        raise WeightsError(
            "Expected conv_by 2dtsm (GTSM) or 2d (plain) in the configuration of a 2-D network "
            f"without shift kernels, got {str(conv_by)[:40]!r}; use the published file."
        )
    shift = replace(spec.trunk.shift, kind=ShiftKind.NONE)
    plain = replace(spec, trunk=replace(spec.trunk, shift=shift))
    return "plain gated 2-D", "no shift kernels, and conv_by 2d in the configuration", plain


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
