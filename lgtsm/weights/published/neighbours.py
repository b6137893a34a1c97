"""Names of the published neighbour networks, mapped one to one to ours, and how they are recognised.

DFPN, CHN and guided inpainting were saved by PyTorch Lightning, the Copy-and-Paste Network as a plain
dict of a DataParallel. Beside a network their files hold what it was trained with: perceptual
networks, a discriminator, the aligner of a CHN, a flow network. None of that is converted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from torch import Tensor

from ...errors import WeightsError
from ...models.build import tensor_shapes
from ...models.neighbour_spec import AnySpec, CpnSpec, DfpnSpec, GuidedSpec
from ...models.spec import PAINTERS, ChnSpec, NetworkSpec
from ..header import RESEARCH_ONLY
from .trunk import rename

_CPN_PARTS = {
    "align_encoder": "A_Encoder",
    "regressor": "A_Regressor",
    "encoder": "Encoder",
    "decoder": "Decoder",
}
_DFPN_PARTS = {
    "correlation.over_references.": "corr.conv.conv_1.",
    "correlation.over_target.": "corr.conv.conv_2.",
    "mixer.": "corr_mixer.mixer.",
    "flow_64.": "flow_64.nn.",
    "flow_256.": "flow_256.nn.",
}
_STEM = 4
"""Convolutions before guided inpainting's tokens, behind one padding."""


def dfpn_name(ours: str, spec: AnySpec) -> tuple[str, ...]:
    """Return the published names of a tensor of DFPN; its VGG-16 is stored twice."""
    if ours.startswith("vgg."):
        key = f"model_vgg.{ours.removeprefix('vgg.')}"
        return f"corr.{key}", key
    prefix = next(p for p in _DFPN_PARTS if ours.startswith(p))
    return (_DFPN_PARTS[prefix] + ours.removeprefix(prefix),)


def cpn_name(ours: str, spec: AnySpec) -> tuple[str, ...]:
    """Return the published name of a tensor of the Copy-and-Paste Network, without `module.`."""
    part, layer, kind = ours.split(".")
    middle = "" if layer == "fc" else "conv.0."
    return (f"{_CPN_PARTS[part]}.{layer}.{middle}{kind}",)


def chn_name(ours: str, spec: AnySpec) -> tuple[str, ...]:
    """Return the published name of a tensor of CHN."""
    return (f"nn.{ours.removeprefix('painter.')}",)


def guided_name(ours: str, spec: AnySpec) -> tuple[str, ...]:
    """Return the published name of a tensor of guided inpainting."""
    if not isinstance(spec, GuidedSpec):
        raise TypeError(spec)
    part, _, rest = ours.partition(".")
    number, _, inner = rest.partition(".")
    tail = 6 + spec.num_blocks + 1  # of the published list: latents, blocks, tokens dropped
    if part == "flow_writes":
        name = f"deformable_writes.{rest}"
    elif part == "latent":
        name = f"model.{_STEM + 1}.{rest}"
    elif part == "head":
        name = f"model.{tail + 10}.{rest}"
    elif part == "ups":
        layer, _, kind = inner.partition(".")
        name = f"model.{tail + 3 * int(number) + (layer == 'norm')}.{kind}"
    else:
        name = f"model.{int(number) + (1 if part == 'stem' else _STEM + 2)}.{inner}"
    name = re.sub(
        r"(bn|bn_l|bn_g|norm|ln1|ln2|conv1\.1|model\.\d+)\.(mean|var)$", r"\1.running_\2", name
    )
    return (f"generator.{name}",)


@dataclass(frozen=True, kw_only=True)
class NeighbourLayout:
    """How a published family is stored.

    family: as published. sign: how names begin that only this family has.
    names: returns the names that a tensor of ours may have. dropped: names of what is not converted.
    infer: returns the specification.
    licence: of its files. terms: its authors' own words for it.
    """

    family: str
    sign: str
    names: Callable[[str, AnySpec], tuple[str, ...]]
    dropped: re.Pattern[str]
    infer: Callable[[Mapping[str, Tensor]], AnySpec]
    licence: str = "MIT"
    terms: str = "MIT, the repository"

    def rename(self, state: Mapping[str, Tensor], spec: AnySpec) -> dict[str, Tensor]:
        """Rename a state dict to ours, ready for a strict `load_state_dict`.

        Raises:
            WeightsError: a tensor is missing, misshapen or left over.
        """
        shapes = tensor_shapes(spec)
        sources = {ours: [self.names(ours, spec)] for ours in shapes}
        kept = {key: value for key, value in state.items() if not self.dropped.match(key)}
        return rename(kept, sources, shapes, self.family, (".num_batches_tracked",))


def _infer_cpn(state: Mapping[str, Tensor]) -> CpnSpec:
    return CpnSpec(whole="Decoder.conv4.conv.0.weight" in state)


def _infer_dfpn(state: Mapping[str, Tensor]) -> DfpnSpec:
    if not any("model_vgg.features.0.weight" in key for key in state):
        raise WeightsError(
            "Expected a DFPN with its VGG-16 (model_vgg.features.0.weight), got one without; save the "
            "whole state dict of the published module."
        )
    width, cells = (
        len(state[key]) if key in state else 0
        for key in ("flow_64.nn.0.weight", "corr_mixer.mixer.0.weight")
    )
    return DfpnSpec(width=width, side=16 * round(cells**0.5))


def _count(state: Mapping[str, Tensor], pattern: str) -> int:
    """Return how many numbers the group of a pattern takes among the names."""
    return len({found[1] for key in state if (found := re.match(pattern, key))})


def _infer_chn(state: Mapping[str, Tensor]) -> NetworkSpec:
    num_blocks = _count(state, r"nn\.rrdb_trunk\.(\d+)\.rdb1\.conv1\.weight")
    return replace(PAINTERS["chn"], trunk=ChnSpec(num_blocks=num_blocks))


def _infer_guided(state: Mapping[str, Tensor]) -> GuidedSpec:
    latents = state.get(f"generator.model.{_STEM + 1}.latents")
    side = 0 if latents is None else round(len(latents) ** 0.5)
    if latents is None or latents.dim() != 2 or side * side != len(latents):
        found = "none" if latents is None else f"shape {tuple(latents.shape)}"
        raise WeightsError(
            f"Expected a square number of latents in guided inpainting, got {found}; use the "
            "published file of config ours, ours_big or ours_no_ffc."
        )
    return GuidedSpec(
        num_blocks=_count(state, r"generator\.model\.(\d+)\.read\.to_logits\.weight"),
        num_cross=_count(state, r"generator\.deformable_writes\.(\d+)\.v\.weight"),
        side=side,
        fourier=any(".ffc." in key for key in state),
    )


LAYOUTS = (
    NeighbourLayout(
        family="CHN",
        sign="nn.rrdb_trunk.",
        names=chn_name,
        dropped=re.compile(r"(mean|std)$|model_(vgg|lpips|aligner)\."),
        infer=_infer_chn,
    ),
    NeighbourLayout(
        family="DFPN",
        sign="corr_mixer.",
        names=dfpn_name,
        dropped=re.compile(
            r"(mean|std)$|(corr\.)?model_vgg\.(mean|std|classifier\.|features\.(2[3-9]|3))"
        ),
        infer=_infer_dfpn,
    ),
    NeighbourLayout(
        family="guided inpainting",
        sign="generator.deformable_writes.",
        names=guided_name,
        dropped=re.compile(r"(?!generator\.)"),
        infer=_infer_guided,
    ),
    NeighbourLayout(
        family="CPN",
        licence=RESEARCH_ONLY,
        terms="CC BY-NC-SA 4.0, code and weights",
        sign="A_Regressor.",
        names=cpn_name,
        dropped=re.compile(r"(A_Encoder|Encoder|Decoder)\.(mean|std)$"),
        infer=_infer_cpn,
    ),
)
"""By names of their own; what a file holds of other networks has a prefix in front of these."""


def find_layout(state: Mapping[str, Tensor]) -> NeighbourLayout | None:
    """Return the family of a published state dict; None for others."""
    return next((x for x in LAYOUTS if any(key.startswith(x.sign) for key in state)), None)
