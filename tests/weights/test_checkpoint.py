"""Published files are read completely or refused; no code in them runs."""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import sys
import types
import warnings
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from lgtsm.errors import WeightsError
from lgtsm.weights.published.checkpoint import read_checkpoint
from lgtsm.weights.published.convert import convert

NAME = "generator.coarse_net.downsample_module.conv1.featureConv.layer.weight"
CONFIG = {"arch": {"args": {"opts": {"conv_by": "2dtsm"}}}}

every_pickle = pytest.mark.parametrize("kind", ["zip", "legacy"])
every_kind = pytest.mark.parametrize("kind", ["zip", "legacy", "safetensors"])


@pytest.fixture
def logger(monkeypatch):
    """An object that pickles as the original trainer's logger."""
    module = types.ModuleType("utils.logger")

    class Logger:
        pass

    Logger.__module__, Logger.__qualname__ = "utils.logger", "Logger"
    module.Logger = Logger
    monkeypatch.setitem(sys.modules, "utils", types.ModuleType("utils"))
    monkeypatch.setitem(sys.modules, "utils.logger", module)
    made = Logger()
    made.entries = {1: {"loss": 0.5, "test_p_dist": np.float32(0.125), "more": np.float64(3)}}
    return made


@pytest.fixture
def state():
    value = torch.arange(3000.0)
    return OrderedDict({NAME: value, "conv1.weight_orig": value, "conv1.bias": torch.ones(2)})


@pytest.fixture
def box(logger, state):
    """What the original trainer saves."""
    moments = {"state": {0: {"step": 3, "exp_avg": torch.zeros(2)}}, "param_groups": [{}]}
    return {
        "arch": "DataParallel",
        "epoch": 99,
        "logger": logger,
        "state_dict": state,
        "optimizer_g": moments,
        "optimizer_d_s": None,
        "optimizer_d_t": moments,
        "monitor_best": np.float32(0.125),
        "config": CONFIG,
    }


@pytest.fixture
def path(tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    return folder / "old.pth"


def _save(box, path, kind="zip"):
    if kind == "safetensors":
        save_file({key: value.clone() for key, value in box.items()}, path)
    else:
        torch.save(box, path, _use_new_zipfile_serialization=kind == "zip")


def _holds(checkpoint, state):
    assert checkpoint.state.keys() == state.keys()
    assert all(torch.equal(value, state[key]) for key, value in checkpoint.state.items())


def _refused(path, one_sentence, match):
    """Check the sentence, also by way of the conversion, and that no target appears."""
    for call in (read_checkpoint, lambda source: convert(source, path.with_name("n.safetensors"))):
        with pytest.raises(WeightsError, match=match) as caught:
            call(path)
        one_sentence(caught.value)
    assert [p.name for p in path.parent.iterdir() if p != path] == []


@every_pickle
def test_checkpoints_of_the_original_trainer(kind, box, state, path):
    _save(box, path, kind)
    found = read_checkpoint(path)
    _holds(found, state)
    assert (found.kind, found.epoch, found.config) == (kind, 99, CONFIG)
    assert found.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("module", ["numpy.core.multiarray", "numpy._core.multiarray"])
def test_scalars_of_old_and_new_numpy(module, box, state, path):
    _save(box, path, "legacy")
    written = rb"(?<=c)numpy\._?core\.multiarray"
    raw, count = re.subn(written, module.encode(), path.read_bytes())
    assert count
    path.write_bytes(raw)
    _holds(read_checkpoint(path), state)


@every_kind
def test_state_dict_of_its_own(kind, state, path):
    _save(state, path, kind)
    found = read_checkpoint(path)
    _holds(found, state)
    assert (found.kind, found.epoch, found.config) == (kind, None, {})


def test_descriptions_of_another_kind_are_left_out(state, path):
    _save({"state_dict": state, "epoch": "last", "config": [1]}, path)
    found = read_checkpoint(path)
    assert (found.epoch, found.config) == (None, {})


def test_the_suffix_does_not_decide(box, state, path):
    path = path.with_name("old.safetensors")
    _save(box, path)
    _holds(read_checkpoint(path), state)


def test_safetensors_may_begin_like_a_pickle(state, path):
    for padding in range(512):
        save_file({k: v.clone() for k, v in state.items()}, path, metadata={"x": "y" * padding})
        if path.read_bytes()[:1] == b"\x80":
            break
    else:
        pytest.fail("no length began with this byte")
    _holds(read_checkpoint(path), state)


class _Claims:
    """Pickles as a tensor that claims 4 TB of which four bytes are there."""

    def __reduce__(self):
        storage = torch.storage.TypedStorage([1.0], dtype=torch.float32, _internal=True)
        sizes = (10**6, 10**6), (0, 0)
        return torch._utils._rebuild_tensor_v2, (storage, 0, *sizes, False, OrderedDict())


OTHERS = {
    "empty": {},
    "list": [],
    "number": 3,
    "no state": {"state_dict": None},
    "empty state": {"state_dict": {}},
    "no tensor": {"state_dict": {NAME: 1}},
    "no name": {3: torch.zeros(1)},
    "lines": {"two\nlines": torch.zeros(1)},
    "sparse": {NAME: torch.sparse_coo_tensor([[0], [0]], [1.0], (2, 2), check_invariants=True)},
    "meta": {NAME: torch.empty(1, device="meta")},
    "claims": {NAME: _Claims()},
}


@every_pickle
@pytest.mark.parametrize("name", OTHERS)
def test_other_objects_are_refused(name, kind, path, one_sentence):
    _save(OTHERS[name], path, kind)
    _refused(path, one_sentence, "something else in old")


class _Attack:
    """Makes a folder when it is unpickled."""

    def __init__(self, call, *args):
        self.call = (call, args)

    def __reduce__(self):
        return self.call


ATTACKS = {
    "mkdir": lambda trace: _Attack(os.mkdir, str(trace)),
    "eval": lambda trace: _Attack(eval, f"__import__('os').mkdir({str(trace)!r})"),
    "getattr": lambda trace: _Attack(Path.mkdir, trace),
}


@pytest.mark.parametrize("place", ["whole", "state_dict", "tensor", "logger", "key"])
@every_pickle
@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_never_run(name, kind, place, box, path, tmp_path, one_sentence):
    trace = tmp_path / "trace"
    attack = ATTACKS[name](trace)
    if place == "tensor":
        box["state_dict"][NAME] = attack
    else:
        box[attack if place == "key" else place] = attack
    _save(attack if place == "whole" else box, path, kind)
    _refused(path, one_sentence, "was not run")
    assert not trace.exists()


@pytest.mark.parametrize("name", ATTACKS)
def test_attacks_are_real_and_raw_pickles_do_not_run(name, path, tmp_path, one_sentence):
    trace = tmp_path / "trace"
    for protocol in (0, 1, 2, 4):
        path.write_bytes(pickle.dumps(ATTACKS[name](trace), protocol=protocol))
        _refused(path, one_sentence, "Expected")
        assert not trace.exists()
    pickle.loads(path.read_bytes())
    assert trace.is_dir()


def test_nothing_global_is_left_behind(box, path, tmp_path, one_sentence):
    before, filters = set(torch.serialization.get_safe_globals()), list(warnings.filters)
    _save(box, path)
    read_checkpoint(path)
    _save({"state_dict": ATTACKS["mkdir"](tmp_path / "trace")}, path)
    _refused(path, one_sentence, "not run")
    assert set(torch.serialization.get_safe_globals()) == before
    assert list(warnings.filters) == filters


@every_kind
def test_truncated_files_are_refused(kind, box, state, path, one_sentence):
    _save(state if kind == "safetensors" else box, path, kind)
    raw = path.read_bytes()
    for kept in (0, 1, 3, 4, 8, 9, 20, 300, len(raw) // 2, len(raw) - 100, len(raw) - 1):
        path.write_bytes(raw[:kept])
        # cut within a name, a pickle calls for the name's beginning
        _refused(path, one_sentence, "truncated|not run")


@every_kind
def test_damaged_files_are_read_or_refused(kind, box, state, path):
    _save(state if kind == "safetensors" else box, path, kind)
    raw = path.read_bytes()
    draws = np.random.default_rng(5)
    num_refused = 0
    for at in draws.integers(0, 3000, 300):
        damaged = bytearray(raw)
        damaged[at] ^= 1 << draws.integers(0, 8)
        path.write_bytes(damaged)
        try:
            read_checkpoint(path)
        except WeightsError:
            num_refused += 1
    assert num_refused


def test_sources_that_are_none(path, one_sentence):
    with pytest.raises(WeightsError, match="found none"):
        read_checkpoint(path.parent)
    _refused(path, one_sentence, "found none")
    path.write_text("epoch 3")
    _refused(path, one_sentence, "neither")
