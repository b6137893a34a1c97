"""Which published network a file holds: by names and shapes, then by its configuration."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from ...errors import WeightsError
from ...models.neighbour_spec import CpnSpec, NeighbourSpec
from ...models.spec import NetworkSpec, ShiftKind, TrunkSpec
from ..header import RESEARCH_ONLY
from .checkpoint import Checkpoint
from .combcn import PREFIXES, infer_combcn, rename_combcn
from .neighbours import find_layout
from .trunk import (
    DISCRIMINATOR,
    family_of,
    infer_trunk,
    is_old_layout,
    modern_names,
    rename_published,
)

_FIRST = "generator.coarse_net.downsample_module.conv1.featureConv.weight_orig"
_SUPPORTED = (
    "LGTSM, GTSM, vanilla TSM, plain 2-D, 3DGated, CombCN, DFPN, CPN, CHN or guided inpainting"
)


@dataclass(frozen=True, kw_only=True)
class Recognised:
    """Result of `recognise`.

    family: the published name; decided_by: the reason, in words; spec: of our network.
    rename: returns our names to tensors, ready for a strict `load_state_dict`; raises WeightsError
        where a tensor is missing, misshapen or left over.
    licence: of the weights; terms: what their authors say.
    num_left_out: tensors of the file that are not part of the network.
    """

    family: str
    decided_by: str
    spec: NetworkSpec | NeighbourSpec
    rename: Callable[[], dict[str, Tensor]]
    licence: str = RESEARCH_ONLY
    terms: str = "research use only"
    num_left_out: int = 0


def recognise(checkpoint: Checkpoint, name: str, *, align_corners: bool = True) -> Recognised:
    """Recognise the family of a published state dict by names, shapes and configuration.

    Args:
        checkpoint: contents of the file.
        name: of the file, for messages.
        align_corners: of a Copy-and-Paste Network, which its file does not say; see `CpnSpec`.

    Raises:
        WeightsError: an unsupported or unknown family.
    """
    if (neighbour := _recognise_neighbour(checkpoint, align_corners=align_corners)) is not None:
        return neighbour
    if any(key.startswith(PREFIXES) for key in checkpoint.state):
        spec = infer_combcn(checkpoint.state)
        return Recognised(
            family="CombCN",
            decided_by="videoCN and combCN in the names",
            spec=spec,
            rename=lambda: rename_combcn(checkpoint.state, spec),
        )
    state = modern_names(checkpoint.state)
    if not any(key.startswith("generator.") and "featureConv" in key for key in state):
        raise WeightsError(
            f"Expected {_SUPPORTED} weights under published names such as {_FIRST}, "
            f"conv1.featureConv.weight_orig (old layout) or {PREFIXES[0]}conv1.conv.weight, got "
            f"{len(state)} tensors such as {min(state)} in {name}; use a file of the authors' "
            "repository."
        )
    _refuse_unsupported(state, name)
    trunk = infer_trunk(state)
    if trunk.kernel_frames > 1:
        family = f"3DGated {'with' if trunk.skips else 'without'} skips"
        decided_by = "3-D kernels with gates, skips by the channels into deconv1"
    elif trunk.shift.kind is ShiftKind.LEARNED:
        family, decided_by, trunk = _with_ratio(checkpoint.config, trunk)
    else:
        family, decided_by, trunk = _without_kernels(checkpoint.config, trunk)
    if is_old_layout(checkpoint.state):
        decided_by += "; old key layout"
    return Recognised(
        family=family,
        decided_by=decided_by,
        spec=NetworkSpec(family=family_of(trunk), trunk=trunk),
        rename=lambda: rename_published(state, trunk),
        num_left_out=sum(key.startswith(DISCRIMINATOR) for key in state),
    )


def _recognise_neighbour(checkpoint: Checkpoint, *, align_corners: bool) -> Recognised | None:
    # without the prefix that DataParallel adds to every name
    state = {key.removeprefix("module."): value for key, value in checkpoint.state.items()}
    layout = find_layout(state)
    if layout is None:
        return None
    spec, decided_by = layout.infer(state), f"{layout.sign}* in the names"
    if isinstance(spec, CpnSpec):
        spec = replace(spec, align_corners=align_corners)
        decided_by += f"; align_corners {align_corners} as asked for, the file does not say"
    return Recognised(
        family=layout.family,
        decided_by=decided_by,
        spec=spec,
        rename=lambda: layout.rename(state, spec),
        licence=layout.licence,
        terms=layout.terms,
        num_left_out=sum(layout.dropped.match(key) is not None for key in state),
    )


def _refuse_unsupported(state: Mapping[str, Tensor], name: str) -> None:
    """Raise WeightsError for the two published baselines without a network here."""
    generator = {key: value for key, value in state.items() if not key.startswith(DISCRIMINATOR)}
    ends = ("featureConv.weight_orig", "featureConv.weight")
    in_time = any(key.endswith(ends) and value.dim() == 5 for key, value in generator.items())
    if any("mask_sum_conv" in key for key in generator):
        other = "a partial-convolution network"
    elif in_time and not any("gatingConv" in key for key in generator):
        other = "a 3-D network without gates"
    else:
        return
    raise WeightsError(
        f"Expected {_SUPPORTED} weights, got {other} in {name}, which is not supported (see "
        "docs/networks.md); convert a file of one of those families."
    )


def _look_up(config: object, *path: str) -> object:
    """Return a value of the nested configuration, or None."""
    for name in path:
        config = config.get(name) if isinstance(config, dict) else None
    return config


def _with_ratio(config: object, trunk: TrunkSpec) -> tuple[str, str, TrunkSpec]:
    """Complete a learned shift by its ratio, which no name or shape shows."""
    family = "LGTSM" if trunk.gated else "vanilla TSM with a learned shift"
    decided_by = "shift kernels (learnableTSM) in the file"
    if not trunk.gated:
        decided_by += ", no gates"
    ratio = _look_up(config, "global_config", "LearnableTSM_kargs", "shift_ratio")
    if ratio is None:
        return family, f"{decided_by}; shift ratio not stated, 0.5 assumed", trunk
    if isinstance(ratio, bool) or not isinstance(ratio, (int, float)) or not 0 <= ratio <= 1:
        raise WeightsError(
            f"Expected a shift_ratio of 0 to 1 in the configuration, got {str(ratio)[:40]!r}; use "
            "the published file."
        )
    shift = replace(trunk.shift, ratio=float(ratio))
    decided_by += f"; shift ratio {shift.ratio:g} from its configuration"
    return family, decided_by, replace(trunk, shift=shift)


def _without_kernels(config: object, trunk: TrunkSpec) -> tuple[str, str, TrunkSpec]:
    """Distinguish a fixed shift from none; names and shapes are the same."""
    family, plain = ("GTSM", "plain gated 2-D") if trunk.gated else ("vanilla TSM", "plain 2-D")
    keys = "no shift kernels" if trunk.gated else "no shift kernels, no gates"
    conv_by = _look_up(config, "arch", "args", "opts", "conv_by")
    if conv_by == "2dtsm":
        return family, f"{keys}, and conv_by 2dtsm in the configuration", trunk
    if conv_by is None:
        return family, f"{keys}, and no conv_by, so the published {family} is assumed", trunk
    if conv_by != "2d":
        raise WeightsError(
            f"Expected conv_by 2dtsm ({family}) or 2d (plain) in the configuration of a 2-D "
            f"network without shift kernels, got {str(conv_by)[:40]!r}; use the published file."
        )
    unshifted = replace(trunk, shift=replace(trunk.shift, kind=ShiftKind.NONE))
    return plain, f"{keys}, and conv_by 2d in the configuration", unshifted
