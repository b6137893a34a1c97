"""Published neighbour networks: found, converted, loaded for their role, refused for another."""

from __future__ import annotations

import json
import sys
from types import ModuleType

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from lgtsm.errors import WeightsError
from lgtsm.models.neighbour_spec import CpnSpec, DfpnSpec, GuidedSpec
from lgtsm.models.spec import PAINTERS
from lgtsm.weights.load import load_model
from lgtsm.weights.neighbours import load_aligner, load_carrier
from lgtsm.weights.published.convert import convert
from tests.models.neighbours.published_state import formula_network, published_state

GUIDED = GuidedSpec(num_blocks=2, num_cross=1, side=4, fourier=False)
FOURIER = GuidedSpec(num_blocks=1, num_cross=1, side=2)


def _lightning(state, **more):
    """Return what PyTorch Lightning saves."""
    return {"state_dict": state, "epoch": 7, "global_step": 9, "callbacks": {}, **more}


def _vgg_rest(prefix):
    """Return tensors of VGG-16 behind the fourth pooling, and its normalisation."""
    names = ("features.24.weight", "features.28.bias", "classifier.0.weight", "mean")
    return {f"{prefix}{name}": torch.zeros(2) for name in names}


def _file(spec):
    """Return the object in a published file of a family, with all that it holds beside it."""
    state = published_state(spec)
    constants = {"mean": torch.zeros(1, 3, 1, 1, 1), "std": torch.ones(1, 3, 1, 1, 1)}
    if isinstance(spec, DfpnSpec):
        vgg = {k: v for k, v in state.items() if k.startswith("model_vgg.")}
        twice = {f"corr.{k}": v for k, v in vgg.items()}
        rest = _vgg_rest("model_vgg.") | _vgg_rest("corr.model_vgg.")
        return _lightning(state | twice | rest | constants)
    if isinstance(spec, CpnSpec):
        parts = ("A_Encoder", "Decoder") if spec.whole else ("A_Encoder",)
        state |= {f"{part}.mean": torch.zeros(1, 3, 1, 1) for part in parts}
        return {f"module.{key}": value for key, value in state.items()}
    if isinstance(spec, GuidedSpec):
        counters = {
            key.replace("running_var", "num_batches_tracked"): torch.tensor(3)
            for key in state
            if key.endswith("running_var")
        }
        others = ("discriminator.model0.0.weight", "flow.raft.fnet.conv1.weight", "loss.ppl.x")
        return _lightning(state | counters | {key: torch.zeros(1) for key in others})
    others = ("model_aligner.A_Regressor.fc.weight", "model_lpips.net.slice1.0.weight")
    others = {key: torch.zeros(1) for key in others} | _vgg_rest("model_vgg.")
    return _lightning(state | others | constants)


CASES = {
    "dfpn": (DfpnSpec(), "DFPN", "MIT", 2 * 4 + 2, 13_922_927),
    "cpn": (CpnSpec(), "CPN", "research-only", 2, 21_631_385),
    "cpn_aligner": (CpnSpec(whole=False), "CPN", "research-only", 1, 1_740_160 + 14_161_926),
    "chn": (PAINTERS["chn"], "CHN", "MIT", 2 + 4 + 2, 14_690_883),
    "guided": (GUIDED, "guided inpainting", "MIT", 3, None),
    "guided_ffc": (FOURIER, "guided inpainting", "MIT", 3, None),
}


slow = pytest.mark.slow


@pytest.fixture(scope="module")
def guided_state():
    """Return the published tensors of the small guided network; to be copied before a change."""
    return published_state(GUIDED)


@pytest.fixture(scope="module")
def guided_file(guided_state, tmp_path_factory):
    """Return the file that they are converted to."""
    folder = tmp_path_factory.mktemp("guided")
    torch.save(_lightning(guided_state), folder / "old.ckpt")
    convert(folder / "old.ckpt", folder / "new.safetensors")
    return folder / "new.safetensors"


@pytest.fixture(
    scope="module",
    params=[
        "dfpn",
        "guided",
        *(pytest.param(n, marks=slow) for n in list(CASES) if n not in ("dfpn", "guided")),
    ],
)
def converted(request, tmp_path_factory):
    """Return the case, the description of the conversion, and the new file."""
    folder = tmp_path_factory.mktemp("neighbours")
    torch.save(_file(CASES[request.param][0]), folder / "old.ckpt")
    found = convert(folder / "old.ckpt", folder / "new.safetensors")
    return CASES[request.param], found, folder / "new.safetensors"


def test_a_published_file_reproduces_its_network(converted):
    (spec, family, licence, num_left_out, num_parameters), found, path = converted
    assert (found.family, found.card.spec, found.card.licence) == (family, spec, licence)
    assert found.num_left_out == num_left_out
    expected = formula_network(spec)
    if num_parameters is not None:
        frozen = sum(p.numel() for k, p in expected.named_parameters() if k.startswith("vgg."))
        assert found.num_parameters - frozen == num_parameters
    if family == "CHN":
        network = load_model(path)
    else:
        network = (load_carrier if "guided" in family else load_aligner)(path)
    assert not network.training
    state = network.state_dict()
    assert state.keys() == expected.state_dict().keys()
    assert all(torch.equal(state[key], value) for key, value in expected.state_dict().items())


def test_a_network_in_another_role_is_refused_in_one_sentence(converted, one_sentence):
    (_, family, *_), _, path = converted
    if family == "CHN":
        for load in (load_aligner, load_carrier):
            with pytest.raises(WeightsError, match="with chn; give that one as --model") as caught:
                load(path)
            one_sentence(caught.value)
        return
    flag = "--carrier-model" if "guided" in family else "--aligner-model"
    with pytest.raises(
        WeightsError, match=f"that fills, got new.safetensors, .*give it as {flag}"
    ) as caught:
        load_model(path)
    one_sentence(caught.value)
    other = load_aligner if "guided" in family else load_carrier
    with pytest.raises(WeightsError, match=f"role of .*got new.safetensors.*{flag}") as caught:
        other(path)
    one_sentence(caught.value)


@pytest.mark.parametrize(
    "converted",
    ["dfpn", pytest.param("cpn", marks=slow), pytest.param("cpn_aligner", marks=slow)],
    indirect=True,
)
def test_an_aligner_of_another_family_is_refused_in_one_sentence(converted, one_sentence):
    (_, family, *_), _, path = converted
    other = "cpn" if family == "DFPN" else "dfpn"
    with pytest.raises(WeightsError, match=f"Expected {other} as the aligner") as caught:
        load_aligner(path, other)
    one_sentence(caught.value)


@pytest.mark.slow
def test_both_meanings_of_corners_convert(tmp_path):
    torch.save(_file(CpnSpec(whole=False)), tmp_path / "weight.pth")
    for corners in (True, False):
        new = tmp_path / f"{corners}.safetensors"
        found = convert(tmp_path / "weight.pth", new, align_corners=corners)
        assert found.card.spec == CpnSpec(whole=False, align_corners=corners)
        assert f"align_corners {corners} as asked for" in found.decided_by
        assert load_aligner(new).align_corners is corners


def test_dfpn_without_its_vgg_is_refused_in_one_sentence(tmp_path, one_sentence):
    state = {k: v for k, v in published_state(DfpnSpec()).items() if "vgg" not in k}
    torch.save(_lightning(state), tmp_path / "old.ckpt")
    with pytest.raises(WeightsError, match="Expected a DFPN with its VGG-16") as caught:
        convert(tmp_path / "old.ckpt", tmp_path / "new.safetensors")
    one_sentence(caught.value)


def test_sizes_of_dfpn_are_read_from_its_tensors(tmp_path):
    spec = DfpnSpec(width=4, side=64)
    torch.save(_lightning(published_state(spec)), tmp_path / "old.ckpt")
    found = convert(tmp_path / "old.ckpt", tmp_path / "new.safetensors")
    assert found.card.spec == spec


@pytest.mark.parametrize("fault", ["missing", "misshapen", "left over"])
def test_incomplete_files_are_refused_in_one_sentence(fault, guided_state, tmp_path, one_sentence):
    state = dict(guided_state)
    key = "generator.model.6.read.to_logits.bias"
    if fault == "missing":
        del state[key]
    elif fault == "misshapen":
        state[key] = torch.zeros(9)
    else:
        state["generator.model.6.gate.weight"] = torch.zeros(1)
    torch.save(_lightning(state), tmp_path / "old.ckpt")
    with pytest.raises(WeightsError, match=r"guided inpainting|Expected generator") as caught:
        convert(tmp_path / "old.ckpt", tmp_path / "new.safetensors")
    one_sentence(caught.value)
    assert not (tmp_path / "new.safetensors").exists()


def test_a_callback_among_the_keys_does_not_stop_the_reader(guided_state, tmp_path):
    module = ModuleType("pytorch_lightning.callbacks.model_checkpoint")
    kind = type("ModelCheckpoint", (), {"__module__": module.__name__})
    module.ModelCheckpoint = kind
    with pytest.MonkeyPatch.context() as patch:
        for name in ("pytorch_lightning", "pytorch_lightning.callbacks", module.__name__):
            patch.setitem(sys.modules, name, module)
        box = _lightning(guided_state, callbacks={kind: {"best_model_score": None}})
        torch.save(box, tmp_path / "old.ckpt")
    found = convert(tmp_path / "old.ckpt", tmp_path / "new.safetensors")
    assert found.card.provenance["epoch"] == 7


@pytest.mark.parametrize(
    "change", [{"side": 0}, {"side": True}, {"num_cross": 3}, {"more": 1}, {"fourier": 1}]
)
def test_changed_headers_are_refused(change, guided_file, tmp_path):
    with safe_open(guided_file, "pt") as file:
        metadata, tensors = file.metadata(), {k: file.get_tensor(k) for k in file.keys()}  # noqa: SIM118
    config = json.loads(metadata["lgtsm.config"]) | change
    metadata["lgtsm.config"] = json.dumps(config)
    save_file(tensors, tmp_path / "changed.safetensors", metadata=metadata)
    with pytest.raises(WeightsError):
        load_carrier(tmp_path / "changed.safetensors")


def test_a_side_that_the_layers_cannot_halve_is_one_sentence(one_sentence):
    with pytest.raises(WeightsError, match="multiples of 32, got 40") as caught:
        DfpnSpec(side=40)
    one_sentence(caught.value)
