"""Discriminators: published sizes and scores, reach in time, spectral norm that is one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch.testing import assert_close

from lgtsm.errors import ShapeError
from lgtsm.models.discriminator import DISCRIMINATORS, Discriminator, DiscriminatorSpec
from lgtsm.models.spec import ShiftSpec

ATOL = 2e-5  # of the golden README
CHECKPOINTS = {
    "lgtsm_nf8": "tsmgan",
    "gtsm_nf8": "tsmgan_fixed",
    "gated3d_nf4": "tpatchgan",
    "gated3d_skip_oldkeys_nf2": "tpatchgan",
}
PREFIX = "temporal_discriminator."
NORM = "parametrizations.weight"
# published name behind a layer's -> ours; the first two run in the 2-D ones, the others in the 3-D
PUBLISHED = {
    "layer.weight": "feature.weight",
    "layer.bias": "feature.bias",
    "weight": "feature.weight",
    "bias": "feature.bias",
    "weight_orig": f"feature.{NORM}.original",
    "weight_u": f"feature.{NORM}.0._u",
    "weight_v": f"feature.{NORM}.0._v",
}
every_kind = pytest.mark.parametrize("kind", DISCRIMINATORS)


@pytest.fixture
def tiny(rng):
    """tiny(kind, width=2) -> Discriminator in eval mode with random weights."""

    def make(kind, width=2):
        network = Discriminator(replace(DISCRIMINATORS[kind], width=width)).eval()
        with torch.no_grad():
            for value in network.parameters():
                value.copy_(torch.randn(value.shape, generator=rng) / value[0].numel() ** 0.5)
        return network

    return make


def _clip(rng, length, size=(64, 96)):
    frames = torch.rand(1, length, 3, *size, generator=rng)
    return frames, (torch.rand(1, length, 1, *size, generator=rng) < 0.3).float()


def _published(name, state):
    """Return the discriminator of a published state dict; `.conv.` stands in old layouts."""
    kind, ours, kernels = CHECKPOINTS[name], {}, {}
    # sorted: "pre_shift" has to come before "post_shift", as our groups do
    for key, value in sorted(state.items(), reverse=True):
        if key.startswith(PREFIX):
            layer, _, rest = key.removeprefix(PREFIX).partition(".")
            rest = rest.removeprefix("featureConv.").removeprefix("conv.")
            if "learnableTSM" in rest:
                kernels.setdefault(f"{layer}.shift.kernels", []).append(value.flatten())
            elif kind == "tpatchgan" or rest.startswith("layer."):
                ours[f"{layer}.{PUBLISHED[rest]}"] = value
    spec = replace(DISCRIMINATORS[kind], width=len(ours["conv1.feature.bias"]))
    network = Discriminator(spec)
    network.load_state_dict(ours | {key: torch.stack(rows) for key, rows in kernels.items()})
    return network.eval()


def _check_golden(name, state, arrays):
    network = _published(name, state)
    frames = torch.from_numpy(arrays["video_u8"]).float() / 255
    logits = network(frames, 1 - torch.from_numpy(arrays["mask_u8"]).float())
    assert_close(logits, torch.from_numpy(arrays["logits"]), atol=ATOL, rtol=0)
    assert_close(logits.sigmoid(), torch.from_numpy(arrays["scores"]), atol=ATOL, rtol=0)


@pytest.mark.parametrize("name", CHECKPOINTS)
@torch.no_grad()
def test_logits_and_scores_equal_the_original(name, checkpoint, shared_golden):
    _check_golden(name, checkpoint(name), np.load(shared_golden / "io" / f"{name}_disc.npz"))


@torch.no_grad()
def test_stored_discriminator_of_the_old_layout_equals_the_original(golden):
    name = "gated3d_skip_oldkeys_nf2"
    arrays = np.load(golden / f"{name}_disc.npz")
    _check_golden(name, load_file(golden / f"{name}.safetensors"), arrays)


@pytest.mark.parametrize(
    ("spec", "count"),
    [
        (DISCRIMINATORS["tsmgan"], 5_948_452),
        (DISCRIMINATORS["tsmgan_fixed"], 5_948_416),
        (DISCRIMINATORS["tpatchgan"], 17_842_816),
        (replace(DISCRIMINATORS["tsmgan_fixed"], width=128), 23_775_232),
        (DiscriminatorSpec(shift=ShiftSpec(first_layer=False)), 5_948_446),
        (DiscriminatorSpec(shift=ShiftSpec(width=5)), 5_948_476),
        (DiscriminatorSpec(shift=ShiftSpec(groups=4)), 5_948_488),
        (replace(DISCRIMINATORS["tpatchgan"], width=128), 71_320_832),
    ],
)
def test_parameter_counts_are_the_published_ones(spec, count):
    with torch.device("meta"):
        assert sum(p.numel() for p in Discriminator(spec).parameters()) == count


@every_kind
@torch.no_grad()
def test_every_channel_of_the_last_layer_is_a_score(kind, tiny, rng):
    network = tiny(kind)
    assert network(*_clip(rng, 3, (180, 320))).shape == (1, 3, 8, 3, 5)
    assert network(*_clip(rng, 1, (128, 128))).shape == (1, 1, 8, 2, 2)


@every_kind
@torch.no_grad()
def test_scores_depend_on_six_frames_each_way(kind, tiny, rng):
    network = tiny(kind, width=4).double()
    frames, holes = (x.double() for x in _clip(rng, 15))
    before = network(frames, holes)
    frames[:, 7] = torch.rand(frames[:, 7].shape, generator=rng, dtype=torch.float64)
    change = (network(frames, holes) - before).abs().amax((0, 2, 3, 4)).nonzero().flatten()
    assert (int(change[0]), int(change[-1])) == (1, 13)


@every_kind
def test_gradients_reach_every_parameter_and_the_frames(kind, tiny, rng):
    network = tiny(kind, width=4).train()
    frames, holes = _clip(rng, 3)
    frames.requires_grad_(True)
    network(frames, holes).sigmoid().square().mean().backward()
    assert frames.grad.abs().sum() > 0
    assert [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


def test_spectral_norm_converges_to_one_in_training_and_rests_in_evaluation(tiny, rng):
    network = tiny("tpatchgan", width=4)
    clip = _clip(rng, 2)
    network.train()
    for _ in range(150):
        network(*clip)
    for name in ("conv1", "conv2", "conv3", "conv4", "conv5"):
        weight = network.get_submodule(name).feature.weight.detach().flatten(1)
        assert torch.linalg.matrix_norm(weight, 2).item() == pytest.approx(1, abs=2e-2), name
    last = network.conv6.feature
    assert not hasattr(last, "parametrizations")
    network.eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    network(*clip)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_clips_and_holes_that_do_not_fit_are_refused(tiny, rng, one_sentence):
    frames, holes = _clip(rng, 2)
    for pair in ((frames, frames), (frames[0], holes[0]), (frames, holes[:, :1])):
        with pytest.raises(ShapeError) as caught:
            tiny("tsmgan")(*pair)
        one_sentence(caught.value)
