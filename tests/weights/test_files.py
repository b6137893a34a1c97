"""Weight files: what is saved comes back, and nothing else gets in."""

from __future__ import annotations

import json
import pickle
import struct
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

import lgtsm
from lgtsm.errors import WeightsError
from lgtsm.models.spec import FAMILIES
from lgtsm.weights.catalogue import CATALOGUE, DEFAULT
from lgtsm.weights.header import Card, check_safetensors, read_card
from lgtsm.weights.load import find_weights, load_model
from lgtsm.weights.save import save_model

CARD = Card(
    spec=FAMILIES["refine"],
    licence="Apache-2.0",
    provenance={"seed": 3, "figures": [31.5, None], "sources": "drawn \u00e9"},
    dtypes=("bf16", "fp16"),
)


def _card(network):
    return replace(CARD, spec=network.spec)


@pytest.fixture
def file(tiny_network, tmp_path):
    path = tmp_path / "tiny.safetensors"
    save_model(tiny_network, path, _card(tiny_network))
    return path


def _rewrite(path, change=lambda tensors: None, **metadata):
    """Write the file again with other tensors or header values; None drops a value."""
    with safe_open(path, "pt") as file:
        header = file.metadata() | metadata
    tensors = load_file(path)
    change(tensors)
    header = {key: value for key, value in header.items() if value is not None}
    save_file(tensors, path, metadata=header)


def _refused(path, one_sentence, match=None):
    with pytest.raises(WeightsError, match=match) as caught:
        load_model(path)
    one_sentence(caught.value)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_survives_the_file_exactly(family, random_network, tmp_path):
    network = random_network(family)
    path = tmp_path / "new folder" / "net.safetensors"
    save_model(network, path, _card(network))
    loaded = load_model(path)
    assert loaded.spec == network.spec
    assert type(loaded) is type(network)
    assert (loaded.name, loaded.passed_dtypes) == ("net.safetensors", ("bf16", "fp16"))
    assert not loaded.training
    assert not any(p.requires_grad for p in loaded.parameters())
    state = network.state_dict()
    assert loaded.state_dict().keys() == state.keys()
    assert all(torch.equal(value, state[key]) for key, value in loaded.state_dict().items())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_files_are_right_within_their_rounding(dtype, tiny_network, tmp_path):
    path = tmp_path / "half.safetensors"
    save_model(tiny_network, path, _card(tiny_network), dtype=dtype)
    state = tiny_network.state_dict()
    for key, value in load_model(path).state_dict().items():
        assert value.dtype == torch.float32
        assert torch.equal(value, state[key].to(dtype).float()), key


def test_loaded_network_gives_the_same_pictures(tiny_network, file, toy_clip, toy_holes):
    loaded = load_model(str(file))
    with torch.no_grad():
        a, b = (net(toy_clip[None, :3], toy_holes[None, :3]) for net in (tiny_network, loaded))
    assert torch.equal(a, b)


def test_card_survives_the_header(file, tiny_network):
    assert read_card(file) == _card(tiny_network)


def test_saving_replaces_and_leaves_nothing_beside_the_file(file, tiny_network):
    file.write_bytes(b"old")
    save_model(tiny_network, file, _card(tiny_network))
    load_model(file)
    assert list(file.parent.iterdir()) == [file]


def test_failed_saving_leaves_the_old_file_and_no_partial_one(file, tiny_network):
    before = file.read_bytes()
    with pytest.raises(TypeError):
        save_model(tiny_network, file, replace(_card(tiny_network), provenance={"seed": object()}))
    assert file.read_bytes() == before
    taken = file.parent / "folder.safetensors"
    (taken / "inside").mkdir(parents=True)
    with pytest.raises(OSError, match=r"folder\.safetensors"):
        save_model(tiny_network, taken, _card(tiny_network))
    assert sorted(path.name for path in file.parent.iterdir()) == [taken.name, file.name]


def test_saved_file_is_readable_like_any_other(file, tmp_path):
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    assert file.stat().st_mode == plain.stat().st_mode


def test_missing_file_is_named(tmp_path, one_sentence):
    _refused(tmp_path / "none.safetensors", one_sentence, "none.safetensors")
    _refused("no-such-model", one_sentence, DEFAULT)
    with pytest.raises(WeightsError, match="found none") as caught:
        check_safetensors(tmp_path)
    one_sentence(caught.value)


def test_default_is_in_the_catalogue():
    assert find_weights() == find_weights(DEFAULT) == (DEFAULT, CATALOGUE[DEFAULT].path)
    assert all(row.family in FAMILIES for row in CATALOGUE.values())


class _Attack:
    """Creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def _raw_pickle(path, attack, protocol=2):
    path.write_bytes(pickle.dumps(attack, protocol=protocol))


def _zip_pickle(path, attack):
    torch.save({"state_dict": attack}, path)


def _legacy_pickle(path, attack):
    torch.save({"state_dict": attack}, path, _use_new_zipfile_serialization=False)


def _old_protocol(path, attack):
    _raw_pickle(path, attack, 0)


@pytest.mark.parametrize("write", [_raw_pickle, _old_protocol, _zip_pickle, _legacy_pickle])
def test_pickles_are_refused_and_never_run(write, tmp_path, one_sentence):
    path, trace = tmp_path / "net.safetensors", tmp_path / "trace"
    write(path, _Attack(trace))
    _refused(path, one_sentence)
    assert not trace.exists()
    if write is _raw_pickle:  # the attack is real
        pickle.loads(path.read_bytes())
        assert trace.exists()


@pytest.mark.parametrize("kept", [0, 1, 7, 8, 9, 60, 2000, -1, -5000])
def test_truncated_files_are_refused(kept, file, one_sentence):
    file.write_bytes(file.read_bytes()[:kept])
    _refused(file, one_sentence)


@pytest.mark.parametrize("length", [0, 10, 10**8, 2**40, 2**63 - 1, 2**64 - 1])
def test_false_header_lengths_are_refused_without_reading_on(length, file, one_sentence):
    file.write_bytes(struct.pack("<Q", length) + file.read_bytes()[8:])
    _refused(file, one_sentence)


def _with_header(path, header):
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(raw)) + raw)


@pytest.mark.parametrize(
    "header",
    [
        b"{not json",
        b"{" + b"\xff" * 20,
        b'{"__metadata__":' + b"[" * 100_000,
        {},
        {"__metadata__": None},
        {"__metadata__": []},
        {"__metadata__": {"lgtsm.config": 3}},
        {"__metadata__": {"lgtsm.config": "[]"}},
        {"__metadata__": {"lgtsm.config": "{"}},
        {"__metadata__": {"lgtsm.config": json.dumps(CARD.spec.to_config())}},
        {"__metadata__": CARD.to_metadata() | {"lgtsm.dtypes": 4}},
        {"__metadata__": CARD.to_metadata()},
        {"__metadata__": CARD.to_metadata(), "x": {"dtype": "F32"}},
    ],
)
def test_broken_headers_are_refused(header, tmp_path, one_sentence):
    path = tmp_path / "net.safetensors"
    _with_header(path, header)
    _refused(path, one_sentence)


def test_files_of_other_programs_are_refused(tmp_path, one_sentence):
    path = tmp_path / "other.safetensors"
    save_file({"weight": torch.zeros(3)}, path)
    _refused(path, one_sentence, "without its configuration")


def test_family_that_contradicts_the_configuration_is_refused(file, one_sentence):
    _rewrite(file, **{"lgtsm.family": "lgtsm"})
    _refused(file, one_sentence, "agree")


def test_unknown_family_is_refused(file, one_sentence):
    config = FAMILIES["refine"].to_config() | {"family": "next-year"}
    _rewrite(file, **{"lgtsm.config": json.dumps(config), "lgtsm.family": "next-year"})
    _refused(file, one_sentence, "next-year")


def test_configuration_of_absurd_size_is_refused_without_building_it(file, one_sentence):
    config = FAMILIES["refine"].to_config()
    config["trunk"]["width"] = 4096
    _rewrite(file, **{"lgtsm.config": json.dumps(config)})
    _refused(file, one_sentence, "does not fit")


HEAD = "trunk.conv11.feature.weight"


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors: tensors.pop(HEAD),
        lambda tensors: tensors.update(extra=torch.zeros(1)),
        lambda tensors: tensors.update({HEAD: tensors[HEAD].flatten()}),
        lambda tensors: tensors.clear(),
    ],
    ids=["missing", "extra", "shape", "none"],
)
def test_tensors_that_do_not_fit_the_header_are_refused(change, file, one_sentence):
    _rewrite(file, change)
    _refused(file, one_sentence, "does not fit")


def _flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_a_flipped_bit_of_a_weight_is_refused(dtype, file, tiny_network, one_sentence):
    save_model(tiny_network, file, _card(tiny_network), dtype=dtype)
    _flip(file, -dtype.itemsize)  # the lowest bit of the last weight
    _refused(file, one_sentence, "damaged or changed")


def test_weights_that_changed_places_or_meaning_are_refused(file, one_sentence):
    trunk = "trunk.conv2.feature.weight", "trunk.conv2.gate.weight"

    def swap(tensors):
        tensors.update({trunk[0]: tensors[trunk[1]], trunk[1]: tensors[trunk[0]]})

    _rewrite(file, swap)
    _refused(file, one_sentence, "damaged or changed")
    _rewrite(file, swap)
    load_model(file)
    config = read_card(file).spec.to_config()
    config["trunk"]["shift"]["ratio"] = 0.25
    _rewrite(file, **{"lgtsm.config": json.dumps(config)})
    _refused(file, one_sentence, "damaged or changed")


def test_a_file_without_a_checksum_loads_with_a_note(file, caplog, toy_clip, toy_holes):
    _rewrite(file, **{"lgtsm.sha256": None})
    note = "tiny.safetensors holds no checksum of its weights, damage to it goes unnoticed."
    assert load_model(file).notes == (note,)
    assert note in caplog.text
    report = lgtsm.inpaint_clip(toy_clip[:2], toy_holes[:2], model=file).report
    assert note in report.notes


def test_built_in_weights_need_no_note(caplog):
    # the catalogue holds the hash of the whole file
    assert load_model().notes == load_model(DEFAULT).notes == ()
    assert caplog.text == ""


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(value, file, one_sentence):
    _rewrite(file, lambda tensors: tensors[HEAD].view(-1)[0:1].fill_(value))
    _refused(file, one_sentence, HEAD)


def test_integer_weights_are_refused(file, one_sentence):
    _rewrite(file, lambda tensors: tensors.update({HEAD: tensors[HEAD].int()}))
    _refused(file, one_sentence, HEAD)
