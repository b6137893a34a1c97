"""Published checkpoints become weight files; nothing in them runs, nothing half-written stays."""

from __future__ import annotations

import hashlib
from collections import OrderedDict

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch.testing import assert_close

from lgtsm.errors import WeightsError
from lgtsm.models.spec import FAMILIES, NetworkSpec, ShiftKind, ShiftSpec, TrunkSpec
from lgtsm.weights.header import read_card
from lgtsm.weights.load import load_model
from lgtsm.weights.published.convert import convert
from lgtsm.weights.published.trunk import key_map

ATOL = 2e-5  # of the golden README
DOWN = "generator.coarse_net.downsample_module"
CONV1 = f"{DOWN}.conv1.featureConv"
CONV5 = f"{DOWN}.conv5.featureConv"
DECONV1 = "generator.coarse_net.upsample_module.deconv1.conv.featureConv"


def _published(network):
    """Return a network's tensors under the published names, aliases and dead vectors included."""
    ours, state = network.state_dict(), OrderedDict()
    for name, parts in key_map(network.spec.trunk).items():
        rows = ours[name] if name.endswith("kernels") else [ours[name]]
        for names, value in zip(parts, rows, strict=True):
            value = value.reshape(1, 1, -1, 1, 1) if name.endswith("kernels") else value
            state |= dict.fromkeys({names[0], names[-1]}, value)
            if names[-1].endswith("weight_orig"):
                state[names[-1].replace("weight_orig", "weight_u")] = torch.randn(3)
    return state


def _with_discriminator(state):
    key = "temporal_discriminator.conv1.featureConv"
    zeros = {f"{key}.layer.weight": torch.zeros(4, 5, 5, 5), f"{key}.layer.bias": torch.zeros(4)}
    return state | zeros


def _checkpoint(state, conv_by="2dtsm", **config):
    """Return the entries of the original trainer's checkpoint that are read."""
    config |= {"arch": {"args": {"opts": {"conv_by": conv_by}}}}
    return {"arch": "DataParallel", "epoch": 99, "state_dict": state, "config": config}


@pytest.fixture
def files(tmp_path):
    """(source, target) in a folder of their own."""
    return tmp_path / "old.pth", tmp_path / "new.safetensors"


def _save(box, path, kind="zip"):
    if kind == "safetensors":
        save_file({key: value.clone().contiguous() for key, value in box.items()}, path)
    else:
        torch.save(box, path, _use_new_zipfile_serialization=kind == "zip")


def _same(network, path):
    loaded = load_model(path).state_dict()
    state = network.state_dict()
    assert loaded.keys() == state.keys()
    assert all(torch.equal(value, state[key]) for key, value in loaded.items())


def _refused(files, one_sentence, match, source=None, **options):
    """Check the sentence, and that the folder is unchanged."""
    source, target = source or files[0], files[1]
    before = {path: path.read_bytes() for path in source.parent.iterdir() if path.is_file()}
    with pytest.raises(WeightsError, match=match) as caught:
        convert(source, target, **options)
    one_sentence(caught.value)
    after = {path: path.read_bytes() for path in source.parent.iterdir() if path.is_file()}
    assert after == before


def _spec(family="lgtsm", width=4, **shift):
    return NetworkSpec(family=family, trunk=TrunkSpec(width=width, shift=ShiftSpec(**shift)))


SPECS = {
    "lgtsm": _spec(),
    "lgtsm first off": _spec(first_layer=False),
    "lgtsm four groups": _spec(width=8, groups=4),
    "gtsm": _spec("gtsm", kind=ShiftKind.FIXED),
}


@pytest.mark.parametrize("kind", ["zip", "legacy"])
@pytest.mark.parametrize("name", SPECS)
def test_checkpoints_of_the_original_trainer(name, kind, random_network, files):
    network = random_network(SPECS[name])
    _save(_checkpoint(_with_discriminator(_published(network))), files[0], kind)
    found = convert(*files)
    _same(network, files[1])
    card = read_card(files[1])
    assert card == found.card
    assert (card.spec, card.licence, card.dtypes) == (SPECS[name], "research-only", ())
    assert card.provenance == {
        "published_family": card.spec.family.upper(),
        "published_terms": "research use only",
        "decided_by": found.decided_by,
        "epoch": 99,
        "source_sha256": hashlib.sha256(files[0].read_bytes()).hexdigest(),
    }
    assert found.num_parameters == sum(p.numel() for p in network.parameters())
    assert (found.kind, found.num_left_out) == (kind, 2)
    assert sorted(files[1].parent.iterdir()) == [files[1], files[0]]


@pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])
def test_plain_state_dicts(kind, random_network, files):
    network = random_network("lgtsm")
    _save(_published(network), files[0], kind)
    found = convert(*files)
    _same(network, files[1])
    assert (found.kind, found.card.provenance["epoch"], found.num_left_out) == (kind, None, 0)


def test_state_dict_alone_in_a_dict(random_network, files):
    network = random_network("gtsm")
    _save({"state_dict": _published(network)}, files[0])
    assert "assumed" in convert(*files).decided_by
    _same(network, files[1])


def test_one_of_two_names_and_other_precisions_are_enough(random_network, files):
    network = random_network("lgtsm")
    state = {k: v.double() for k, v in _published(network).items() if ".layer." not in k}
    _save(state, files[0])
    convert(*files)
    _same(network, files[1])


def test_configuration_tells_plain_from_gtsm(random_network, files):
    plain = random_network(_spec("gtsm", kind=ShiftKind.NONE))
    for conv_by, family in (("2d", "plain gated 2-D"), ("2dtsm", "GTSM"), (None, "GTSM")):
        _save(_checkpoint(_published(plain), conv_by), files[0])
        found = convert(*files, force=True)
        assert found.family == found.card.provenance["published_family"] == family
        shift = load_model(files[1]).spec.trunk.shift.kind
        assert shift is (ShiftKind.NONE if conv_by == "2d" else ShiftKind.FIXED)
    assert load_model(files[1]).spec.family == "gtsm"


def test_keys_win_over_a_configuration_that_forgets_the_shift(random_network, files):
    _save(_checkpoint(_published(random_network("lgtsm")), "2d"), files[0])
    assert convert(*files).family == "LGTSM"


def test_contradicting_configuration_is_refused(random_network, files, one_sentence):
    _save(_checkpoint(_published(random_network("gtsm")), "3d\n"), files[0])
    _refused(files, one_sentence, "conv_by")


def _ratio(value):
    return {"global_config": {"LearnableTSM_kargs": {"shift_ratio": value}}}


def test_shift_ratio_comes_from_the_configuration(random_network, files, one_sentence):
    network = random_network(_spec(width=8, ratio=0.25))
    _save(_checkpoint(_published(network), **_ratio(0.25)), files[0])
    convert(*files)
    assert load_model(files[1]).spec.trunk.shift.ratio == 0.25
    for bad in ("half", True, 1.5, float("nan"), 10**400):
        _save(_checkpoint(_published(network), **_ratio(bad)), files[0])
        _refused(files, one_sentence, "shift_ratio", force=True)


def _skips(state):
    keys = (f"{DECONV1}.layer.weight", f"{DECONV1}.weight_orig")
    return state | {key: torch.cat([state[key]] * 2, 1) for key in keys}


def test_gated_skips_were_never_published(random_network, files, one_sentence):
    _save(_checkpoint(_skips(_published(random_network("gtsm")))), files[0])
    _refused(files, one_sentence, "skips")


def _change(key, value):
    return lambda state: {name: value(v) if name == key else v for name, v in state.items()}


DAMAGES = {
    "found neither": lambda s: {k: v for k, v in s.items() if not k.startswith(f"{CONV5}.")},
    r"got 1 tensors\s+more": lambda s: s | {f"{CONV5}.norm_layer.weight": torch.zeros(2)},
    "of shape": _change(f"{CONV5}.layer.weight", lambda v: v[:1]),
    "finite floating-point": _change(f"{CONV5}.layer.weight", lambda v: v.int()),
    "finite": _change(f"{CONV5}.layer.bias", lambda v: v / 0),
    "finite .* conv1": _change(f"{CONV1}.layer.bias", lambda v: v.double() * 1e300),
    "got none": lambda s: {k: v for k, v in s.items() if not k.startswith(f"{CONV1}.")},
    "width 4": lambda s: {k: v[:, :, :2].repeat(1, 1, 2, 1, 1) if "TSM" in k else v for k, v in s.items()},
}  # fmt: skip


@pytest.mark.parametrize("match", DAMAGES)
def test_tensors_that_do_not_fit_are_refused(match, random_network, files, one_sentence):
    _save(_checkpoint(DAMAGES[match](_published(random_network("lgtsm")))), files[0])
    _refused(files, one_sentence, match.replace("conv1", r"trunk\.conv1\.feature\.bias"))


def test_targets_in_the_way_are_kept(random_network, files, one_sentence):
    source, target = files
    _save(_checkpoint(_published(random_network("gtsm"))), source)
    target.write_bytes(b"mine")
    _refused(files, one_sentence, "--force")
    assert target.read_bytes() == b"mine"
    convert(*files, force=True)
    load_model(target)


def test_failure_keeps_the_old_target_in_spite_of_force(files, one_sentence):
    files[0].write_bytes(b"PK\x03\x04 nothing")
    files[1].write_bytes(b"mine")
    _refused(files, one_sentence, "damaged", force=True)
    assert files[1].read_bytes() == b"mine"


def test_source_is_never_replaced(random_network, files, one_sentence):
    source = files[1]
    _save(_published(random_network("gtsm")), source, "safetensors")
    _refused(files, one_sentence, "itself", source=source, force=True)
    link = source.with_name("link.safetensors")
    link.hardlink_to(source)
    _refused((None, link), one_sentence, "itself", source=source, force=True)


def test_targets_that_cannot_be_written(random_network, files, one_sentence):
    source, target = files
    _save(_checkpoint(_published(random_network("gtsm"))), source)
    for name in ("new.pth", "new"):
        _refused((source, target.with_name(name)), one_sentence, r"\.safetensors")
    _refused((source, target.parent / "no" / target.name), one_sentence, "existing folder")
    _refused((source, source / target.name), one_sentence, "existing folder")
    _refused((source, target.with_name(f"{'n' * 300}.safetensors")), one_sentence, "write")
    target.mkdir()
    _refused(files, one_sentence, "folder", force=True)


def test_own_files_need_no_conversion(random_network, files, one_sentence):
    _save(_checkpoint(_published(random_network("gtsm"))), files[0])
    convert(*files)
    _refused(
        (None, files[1].with_name("again.safetensors")),
        one_sentence,
        "without conversion",
        files[1],
    )


def _check_golden(arrays, path):
    frames = torch.from_numpy(arrays["video_u8"]).float() / 255
    holes = 1 - torch.from_numpy(arrays["mask_u8"]).float()  # golden masks: 1 = known
    with torch.no_grad():
        raw = load_model(path)(frames, holes)
    assert_close(raw, torch.from_numpy(arrays["raw"]), atol=ATOL, rtol=0)


@pytest.mark.parametrize("name", ["lgtsm_firstoff_nf4", "lgtsm_w5g4_nf4"])
@pytest.mark.parametrize("kind", ["safetensors", "zip", "legacy"])
def test_stored_golden_weights_give_the_original_pictures(name, kind, golden, files):
    _save(load_file(golden / f"{name}.safetensors"), files[0], kind)
    convert(*files)
    _check_golden(np.load(golden / f"{name}.npz"), files[1])


def test_published_size_matches_the_published_count(files):
    """12,135,558 numbers, see the facts; only names and shapes matter, so that zeros will do."""
    from lgtsm.models.build import build

    with torch.device("meta"):
        ours = build(FAMILIES["gtsm"]).state_dict()
    parts = key_map(FAMILIES["gtsm"].trunk)
    save_file({parts[k][0][0]: torch.zeros(v.shape) for k, v in ours.items()}, files[0])
    assert convert(*files).num_parameters == 12_135_558
