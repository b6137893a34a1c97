from __future__ import annotations

from collections import OrderedDict

import pytest
import torch

from lgtsm.errors import WeightsError
from lgtsm.models.build import build
from lgtsm.models.spec import NetworkSpec, ShiftKind, ShiftSpec, TrunkSpec
from lgtsm.weights.published.trunk import family_of, infer_trunk, key_map, rename_published

DOWN = ("conv1", "conv2", "conv3", "conv4", "conv5", "conv6")
DOWN += ("dilated_conv1", "dilated_conv2", "dilated_conv3", "dilated_conv4", "conv7", "conv8")
UP = ("deconv1", "conv9", "deconv2", "conv10", "conv11")
CONV1 = "generator.coarse_net.downsample_module.conv1.featureConv"
CONV2 = "generator.coarse_net.downsample_module.conv2.featureConv"


def _lgtsm(base_width=4, **shift):
    trunk = TrunkSpec(width=base_width, shift=ShiftSpec(**shift))
    return NetworkSpec(family="lgtsm", trunk=trunk)


def _gtsm(base_width=4):
    trunk = TrunkSpec(width=base_width, shift=ShiftSpec(kind=ShiftKind.FIXED))
    return NetworkSpec(family="gtsm", trunk=trunk)


SPECS = [
    _lgtsm(),
    _lgtsm(base_width=8),
    _lgtsm(first_layer=False),
    _lgtsm(width=5, groups=4),
    _lgtsm(width=1, groups=1),
    _gtsm(),
]


def _published(spec, rng, discriminator=True):
    """Write a state dict with the names of the original's table, spelled out here on their own."""
    ours = build(spec).state_dict()
    state = OrderedDict()
    for name in DOWN + UP:
        part = "downsample" if name in DOWN else "upsample"
        inner = f"{name}.conv" if name.startswith("deconv") else name
        stem = f"generator.coarse_net.{part}_module.{inner}"
        for branch, ours_branch in (("featureConv", "feature"), ("gatingConv", "gate")):
            for kind in ("weight", "bias"):
                value = ours[f"trunk.{name}.{ours_branch}.{kind}"]
                value = torch.randn(value.shape, generator=rng)
                outer = "weight_orig" if kind == "weight" and name != "conv11" else kind
                state[f"{stem}.{branch}.{outer}"] = value
                state[f"{stem}.{branch}.layer.{kind}"] = value
            if name != "conv11":
                state[f"{stem}.{branch}.weight_u"] = torch.randn(3, generator=rng)
                state[f"{stem}.{branch}.weight_v"] = torch.randn(3, generator=rng)
        kernels = ours.get(f"trunk.{name}.shift.kernels", torch.zeros(0))
        shifts = [f"shift_conv_{i}" for i in range(len(kernels))]
        if len(kernels) == 2:
            shifts = ["pre_shift_conv", "post_shift_conv"]
        for shift in shifts:
            kernel = torch.randn(1, 1, kernels.shape[1], 1, 1, generator=rng)
            state[f"{stem}.featureConv.learnableTSM.{shift}.conv.weight"] = kernel
    if discriminator:
        state["temporal_discriminator.conv1.featureConv.weight_orig"] = torch.zeros(4, 5, 5, 5)
        state["temporal_discriminator.conv1.featureConv.layer.weight"] = torch.zeros(4, 5, 5, 5)
        shift = "temporal_discriminator.conv1.featureConv.learnableTSM.pre_shift_conv.conv.weight"
        state[shift] = torch.zeros(1, 1, 3, 1, 1)
    return state


every_spec = pytest.mark.parametrize("spec", SPECS, ids=range(len(SPECS)))


@every_spec
def test_every_published_tensor_lands_once_and_the_network_takes_it(spec, rng):
    state = _published(spec, rng)
    renamed = rename_published(state, spec.trunk)
    network = build(spec)
    network.load_state_dict(renamed)  # strict
    sources = [value for key, value in state.items() if ".layer." in key and "generator" in key]
    kernels = [v for k, v in state.items() if "generator" in k and "learnableTSM" in k]
    assert sum(v.numel() for v in renamed.values()) == sum(v.numel() for v in sources + kernels)
    assert all(any(v is s for v in renamed.values()) for s in sources)


@every_spec
def test_specification_is_read_off_names_and_shapes(spec, rng):
    for discriminator in (True, False):
        trunk = infer_trunk(_published(spec, rng, discriminator=discriminator))
        assert (family_of(trunk), trunk) == (spec.family, spec.trunk)


@pytest.mark.parametrize("groups", [1, 2, 3, 4])
def test_kernels_become_rows_in_the_order_of_the_groups(groups, rng):
    spec = _lgtsm(groups=groups, width=5)
    state = _published(spec, rng)
    rows = rename_published(state, spec.trunk)["trunk.conv2.shift.kernels"]
    assert rows.shape == (groups, 5)
    names = [f"shift_conv_{i}" for i in range(groups)]
    if groups == 2:
        names = ["pre_shift_conv", "post_shift_conv"]
    for row, name in zip(rows, names, strict=True):
        assert torch.equal(row, state[f"{CONV2}.learnableTSM.{name}.conv.weight"].flatten())


def test_the_weight_that_runs_wins_over_its_alias(rng):
    state = _published(_gtsm(), rng)
    state[f"{CONV1}.weight_orig"] = state[f"{CONV1}.weight_orig"] + 1
    renamed = rename_published(state, _gtsm().trunk)
    assert renamed["trunk.conv1.feature.weight"] is state[f"{CONV1}.layer.weight"]


def test_one_alias_alone_is_enough(rng):
    state = _published(_gtsm(), rng)
    without = {key: value for key, value in state.items() if ".layer." not in key}
    full, short = rename_published(state, _gtsm().trunk), rename_published(without, _gtsm().trunk)
    assert full.keys() == short.keys()
    assert all(torch.equal(value, full[key]) for key, value in short.items())
    assert infer_trunk(without) == _gtsm().trunk


def test_map_names_each_tensor_of_the_network():
    for spec in SPECS:
        assert key_map(spec.trunk).keys() == build(spec).state_dict().keys()


def _refused(call, one_sentence, match):
    with pytest.raises(WeightsError, match=match) as caught:
        call()
    one_sentence(caught.value)


def test_missing_tensors_are_named(rng, one_sentence):
    state = _published(_lgtsm(), rng)
    del state[f"{CONV1}.layer.bias"], state[f"{CONV1}.bias"]
    _refused(lambda: rename_published(state, _lgtsm().trunk), one_sentence, r"conv1\.featureConv")


@pytest.mark.parametrize(
    "key", [f"{CONV1}.norm_layer.weight", "generator.coarse_net.extra", "videoCN.conv1.conv.weight"]
)
def test_tensors_left_over_are_named(key, rng, one_sentence):
    state = _published(_lgtsm(), rng)
    state[key] = torch.zeros(1)
    _refused(lambda: rename_published(state, _lgtsm().trunk), one_sentence, key)


def test_kernels_are_left_over_for_a_fixed_shift(rng, one_sentence):
    state = _published(_lgtsm(), rng)
    _refused(lambda: rename_published(state, _gtsm().trunk), one_sentence, "learnableTSM")


def test_specification_of_another_width_is_refused(rng, one_sentence):
    state = _published(_lgtsm(), rng)
    _refused(lambda: rename_published(state, _lgtsm(8).trunk), one_sentence, "of shape")


def _three_dimensional(state):
    return {k: v.unsqueeze(2) if v.dim() == 4 else v for k, v in state.items()}


def _three_dimensional_without_gates(state):
    return {
        k: v.unsqueeze(2).repeat(1, 1, 3, 1, 1) if v.dim() == 4 else v
        for k, v in state.items()
        if "gatingConv" not in k
    }


def _with_skips(state):
    stem = "generator.coarse_net.upsample_module.deconv1.conv.featureConv.layer.weight"
    return state | {stem: torch.cat([state[stem]] * 2, 1)}


def _without_prefix(state):
    return {key.split("_module.")[-1]: value for key, value in state.items()}


def _more_inputs(state):
    key = f"{CONV1}.layer.weight"
    return state | {key: torch.cat([state[key]] * 2, 1)}


@pytest.mark.parametrize(
    "change",
    [
        _three_dimensional,
        _three_dimensional_without_gates,
        _with_skips,
        _without_prefix,
        _more_inputs,
        lambda state: {},
        lambda state: {"videoCN.conv1.conv.weight": torch.zeros(16, 4, 5, 5, 5)},
    ],
)
def test_other_families_are_refused(change, rng, one_sentence):
    state = dict(_published(_lgtsm(), rng))
    _refused(lambda: infer_trunk(change(state)), one_sentence, "Expected")
