"""Equality with figures that the authors' original code gave; tolerances of the golden README."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.testing import assert_close

from lgtsm.weights.published.trunk import (
    family_of,
    infer_trunk,
    key_map,
    modern_names,
    rename_published,
)

CONTAINERS = (
    "lgtsm_firstoff_nf4",
    "lgtsm_w5g4_nf4",
    "lgtsm_nf8",
    "gtsm_nf8",
    "tsm_vanilla_nf8",
    "gated3d_nf4",
    "gated3d_skip_nf4",
    "gated3d_skip_oldkeys_nf2",
)
NAMES = (*CONTAINERS, "lgtsm_nf64", "gated3d_nf64_skip")
# The golden README says 2e-5. The golden run itself, in float32, is 3.1e-5 from a float64 run of the
# same weights for gated3d_nf4 (1.5e-5 or less for all others), so how close we come depends on the processor.
ATOL, ROUNDED_ATOL = 2e-5, {"gated3d_nf4": 5e-5}
# Guided values reach 13. The golden README's 2e-5 + 1e-5|x| is below the golden run's own rounding:
# a float64 run of the same weights differs from it by 6.2e-5 (ours in float32 by 5.5e-5).
GUIDED_ATOL = 8e-5
GUIDED_RTOL = 1e-5


def _clip(arrays, prefix=""):
    frames = torch.from_numpy(arrays[f"{prefix}video_u8"]).float() / 255
    holes = 1 - torch.from_numpy(arrays[f"{prefix}mask_u8"]).float()  # golden masks: 1 = known
    return frames, holes


def _close(actual, expected, name=""):
    atol = ROUNDED_ATOL.get(name, ATOL)
    assert_close(actual, torch.from_numpy(np.asarray(expected)), atol=atol, rtol=0)


@pytest.mark.parametrize("name", NAMES)
@torch.no_grad()
def test_raw_output_and_composite_equal_the_original(name, golden_case):
    network, arrays = golden_case(name)
    frames, holes = _clip(arrays)
    raw = network(frames, holes)
    _close(raw, arrays["raw"], name)
    _close(raw * holes + frames * (1 - holes), arrays["outputs"], name)


@pytest.mark.parametrize("prefix", ["b2_", "t1_"])
@pytest.mark.parametrize("name", CONTAINERS)
@torch.no_grad()
def test_batches_and_single_frames_equal_the_original(name, prefix, golden_case):
    network, arrays = golden_case(name)
    _close(network(*_clip(arrays, prefix)), arrays[f"{prefix}raw"])


@pytest.mark.parametrize("prefix", ["a_", "b_"])
@torch.no_grad()
def test_both_outputs_of_combcn_equal_the_original(prefix, golden_case):
    network, arrays = golden_case("combcn")
    frames, holes = _clip(arrays, prefix)
    both = network.forward_all(frames, holes)
    _close(both["raw"], arrays[f"{prefix}raw"])
    _close(both["incomplete"].transpose(1, 2), arrays[f"{prefix}imcomplete_video"])
    if prefix == "a_":
        _close(both["raw"] * holes + frames * (1 - holes), arrays["a_outputs"])


@torch.no_grad()
def test_guidance_equals_the_original(golden_case):
    network, arrays = golden_case("lgtsm_nf8")
    guidance = torch.from_numpy(arrays["guidance_u8"]).float()
    expected = torch.from_numpy(arrays["raw_guided"])
    raw = network(*_clip(arrays), guidance)
    assert_close(raw, expected, atol=GUIDED_ATOL, rtol=GUIDED_RTOL)
    assert (raw - expected).abs().mean() < 5e-6  # a handful of values need the wide tolerance


@pytest.mark.parametrize("name", CONTAINERS)
@torch.no_grad()
def test_every_layer_equals_the_original(name, golden_case):
    network, arrays = golden_case(name)
    frames, holes = _clip(arrays)
    seen = []
    encoded = network.encode(frames, holes)
    network.trunk(encoded, observe=lambda name, x: seen.append((name, x.clone())))
    assert [name for name, _ in seen] == [n.split(".")[1] for n in arrays["layer_names"]]
    for i, (layer, features) in enumerate(seen):
        block = features.unflatten(0, frames.shape[:2]).transpose(1, 2)  # (B,C,L,h,w)
        assert tuple(block.shape) == tuple(arrays["layer_shapes"][i]), layer
        values = block.double()
        figures = [values.mean(), values.std(), values.abs().mean()]
        expected = [
            arrays["layer_mean"][i],
            arrays["layer_std"][i],
            arrays["layer_abs_sum"][i] / values.numel(),
        ]
        assert_close(torch.stack(figures), torch.tensor(expected), atol=ATOL, rtol=0, msg=layer)
        first = block.flatten()[:16]
        _close(first, arrays["layer_first16"][i])


def test_gradients_equal_the_original(golden_case, shared_golden):
    network, arrays = golden_case("lgtsm_nf8")
    expected = np.load(shared_golden / "io" / "lgtsm_nf8_grads.npz")
    frames, holes = _clip(arrays)
    outputs = network(frames, holes) * holes + frames * (1 - holes)
    loss = (outputs - frames).abs().mean()
    loss.backward()
    assert loss.item() == pytest.approx(float(expected["loss"]), rel=1e-5)

    gradients = {}
    parameters = dict(network.named_parameters())
    for name, parts in key_map(network.spec.trunk).items():
        rows = parameters[name].grad if len(parts) > 1 else [parameters[name].grad]
        for names, grad in zip(parts, rows, strict=True):
            gradients |= dict.fromkeys(names, grad)
    assert len(expected["names"]) == 102
    for name, norm in zip(expected["names"], expected["l2"], strict=True):
        assert gradients[name].norm().item() == pytest.approx(norm, rel=1e-4), name
    for layer, group, key in (("conv1", 0, "g_conv1_pre"), ("conv5", 1, "g_conv5_post")):
        grad = parameters[f"trunk.{layer}.shift.kernels"].grad[group]
        assert_close(grad, torch.from_numpy(expected[key]), rtol=1e-4, atol=1e-7)


@pytest.mark.parametrize("name", CONTAINERS)
def test_whole_containers_rename_without_rest(name, checkpoint):
    state = modern_names(checkpoint(name))
    trunk = infer_trunk(state)
    expected = {  # base width, shift width, groups, first layer shifted
        "lgtsm_nf8": (8, 3, 2, True),
        "lgtsm_firstoff_nf4": (4, 3, 2, False),
        "lgtsm_w5g4_nf4": (4, 5, 4, True),
        "gtsm_nf8": (8, 3, 2, True),
        "tsm_vanilla_nf8": (8, 3, 2, True),
        "gated3d_nf4": (4, 3, 2, True),
        "gated3d_skip_nf4": (4, 3, 2, True),
        "gated3d_skip_oldkeys_nf2": (2, 3, 2, True),
    }
    shift = trunk.shift
    assert family_of(trunk) == name.split("_")[0] + ("_skips" if "skip" in name else "")
    found = (trunk.width, shift.width, shift.groups, shift.first_layer)
    assert found == expected[name]
    assert len(rename_published(state, trunk)) == len(key_map(trunk))


@pytest.mark.parametrize(
    "name", ["lgtsm_firstoff_nf4", "lgtsm_w5g4_nf4", "gated3d_skip_oldkeys_nf2"]
)
def test_stored_tensors_are_those_of_the_container(name, golden, checkpoint):
    state = checkpoint(name)
    for key, value in load_file(golden / f"{name}.safetensors").items():
        assert torch.equal(value, state[key]), key


@pytest.mark.parametrize(
    ("name", "ours", "probe"),
    [
        ("lgtsm_nf64", "conv1", "conv1_feature"),
        ("combcn", "video_conv1", "conv1_weight"),
        ("combcn", "frame_conv15", "comb15_weight"),
    ],
)
def test_formula_gives_the_written_check_values(name, ours, probe, golden_case):
    network, arrays = golden_case(name)
    first = network.state_dict()[f"trunk.{ours}.feature.weight"].flatten()[:8]
    assert_close(first, torch.from_numpy(arrays[f"probe_{probe}_first8"]), rtol=0, atol=1e-8)
