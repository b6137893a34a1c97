"""Which published network a file holds: names and shapes first, its configuration where they fail."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from ...errors import WeightsError
from ...models.spec import NetworkSpec, ShiftKind
from .combcn import PREFIXES, infer_combcn, rename_combcn
from .container import Container
from .trunk import infer_spec, is_old_layout, modern_names, rename_published

_DISCRIMINATOR = "temporal_discriminator."
_FIRST = "generator.coarse_net.downsample_module.conv1.featureConv.weight_orig"
_CONVERTED = "LGTSM, GTSM, vanilla TSM, plain 2-D, 3DGated or CombCN"


@dataclass(frozen=True, kw_only=True)
class Recognised:
    """What a published state dict is.

    family: in words, as published; decided_by: what told it; spec: of the network here.
    rename: gives our names to tensors, ready for a strict `load_state_dict`; raises WeightsError
        where a tensor is missing, misshapen or left over.
    """

    family: str
    decided_by: str
    spec: NetworkSpec
    rename: Callable[[], dict[str, Tensor]]


def recognise(container: Container, name: str) -> Recognised:
    """Tell the family of a published state dict from keys, shapes and configuration.

    Args:
        container: what the file holds.
        name: of the file, for messages.

    Raises:
        WeightsError: a family that is left out, or none that is known.
    """
    if any(key.startswith(PREFIXES) for key in container.state):
        spec = infer_combcn(container.state)
        return Recognised(
            family="CombCN",
            decided_by="videoCN and combCN in the names",
            spec=spec,
            rename=lambda: rename_combcn(container.state, spec),
        )
    is_old = is_old_layout(container.state)
    state = modern_names(container.state)
    if not any(key.startswith("generator.") and "featureConv" in key for key in state):
        raise WeightsError(
            f"Expected {_CONVERTED} weights under published names such as {_FIRST}, "
            f"conv1.featureConv.weight_orig (old layout) or {PREFIXES[0]}conv1.conv.weight, got "
            f"{len(state)} tensors such as {min(state)} in {name}; use a file of the authors' "
            "repository."
        )
    _refuse_left_out(state, name)
    spec = infer_spec(state)
    if spec.trunk.kernel_frames > 1:
        family = f"3DGated {'with' if spec.trunk.skips else 'without'} skips"
        decided_by = "3-D kernels with gates, skips by the channels into deconv1"
    elif spec.trunk.shift.kind is ShiftKind.LEARNED:
        family, decided_by, spec = _with_ratio(container.config, spec)
    else:
        family, decided_by, spec = _without_kernels(container.config, spec)
    if is_old:
        decided_by += "; old key layout"
    return Recognised(
        family=family,
        decided_by=decided_by,
        spec=spec,
        rename=lambda: rename_published(state, spec),
    )


def _refuse_left_out(state: Mapping[str, Tensor], name: str) -> None:
    """Raise WeightsError for the two published baselines that have no network here."""
    generator = {key: value for key, value in state.items() if not key.startswith(_DISCRIMINATOR)}
    ends = ("featureConv.weight_orig", "featureConv.weight")
    in_time = any(key.endswith(ends) and value.dim() == 5 for key, value in generator.items())
    if any("mask_sum_conv" in key for key in generator):
        other = "a partial-convolution network"
    elif in_time and not any("gatingConv" in key for key in generator):
        other = "a 3-D network without gates"
    else:
        return
    raise WeightsError(
        f"Expected {_CONVERTED} weights, got {other} in {name}, which is left out here (see "
        "docs/networks.md); convert a file of one of those families."
    )


def _look_up(config: object, *path: str) -> object:
    """Return a value of the nested configuration, or None."""
    for name in path:
        config = config.get(name) if isinstance(config, dict) else None
    return config


def _with_ratio(config: dict, spec: NetworkSpec) -> tuple[str, str, NetworkSpec]:
    """Complete a learned shift by the share of shifted channels, which no key or shape tells."""
    family = "LGTSM" if spec.trunk.gated else "vanilla TSM with a learned shift"
    decided_by = "shift kernels (learnableTSM) in the file"
    if not spec.trunk.gated:
        decided_by += ", no gates"
    ratio = _look_up(config, "global_config", "LearnableTSM_kargs", "shift_ratio")
    if ratio is None:
        return family, f"{decided_by}; shift ratio not stated, taken for 0.5", spec
    if type(ratio) not in (int, float) or not 0 <= ratio <= 1:
        raise WeightsError(
            f"Expected a shift_ratio of 0 to 1 in the configuration, got {str(ratio)[:40]!r}; use "
            "the published file."
        )
    shift = replace(spec.trunk.shift, ratio=float(ratio))
    spec = replace(spec, trunk=replace(spec.trunk, shift=shift))
    return family, f"{decided_by}; shift ratio {shift.ratio:g} from its configuration", spec


def _without_kernels(config: dict, spec: NetworkSpec) -> tuple[str, str, NetworkSpec]:
    """Tell a fixed shift from none: both have the same keys and shapes."""
    family, plain = (
        ("GTSM", "plain gated 2-D") if spec.trunk.gated else ("vanilla TSM", "plain 2-D")
    )
    keys = "no shift kernels" if spec.trunk.gated else "no shift kernels, no gates"
    conv_by = _look_up(config, "arch", "args", "opts", "conv_by")
    if conv_by == "2dtsm":
        return family, f"{keys}, and conv_by 2dtsm in the configuration", spec
    if conv_by is None:
        return family, f"{keys}, and no conv_by, so the published {family} is assumed", spec
    if conv_by != "2d":
        raise WeightsError(
            f"Expected conv_by 2dtsm ({family}) or 2d (plain) in the configuration of a 2-D network "
            f"without shift kernels, got {str(conv_by)[:40]!r}; use the published file."
        )
    shift = replace(spec.trunk.shift, kind=ShiftKind.NONE)
    unshifted = replace(spec, trunk=replace(spec.trunk, shift=shift))
    return plain, f"{keys}, and conv_by 2d in the configuration", unshifted
