"""`lgtsm convert`: what it prints, and that failures end in one sentence and leave nothing."""

from __future__ import annotations

import os

import pytest
import torch

from lgtsm.models.spec import FAMILIES, NetworkSpec, ShiftKind, ShiftSpec, TrunkSpec
from lgtsm.weights.load import load_model
from lgtsm.weights.published.combcn import published_name
from lgtsm.weights.published.trunk import key_map

LEARNED = ShiftSpec(width=5, first_layer=False)
FIXED = ShiftSpec(kind=ShiftKind.FIXED)


@pytest.fixture
def checkpoint(random_network, tmp_path):
    """checkpoint(family, shift, **more) -> path of a published file with random weights."""

    def make(family="lgtsm", shift=LEARNED, **more):
        spec = NetworkSpec(family=family, trunk=TrunkSpec(width=4, shift=shift))
        ours, state = random_network(spec).state_dict(), {}
        for name, parts in key_map(spec.trunk).items():
            stacked = name.endswith("kernels")
            for row, names in enumerate(parts):
                value = ours[name][row].reshape(1, 1, -1, 1, 1) if stacked else ours[name]
                state[names[0]] = value
        path = tmp_path / "old.pth"
        torch.save({"state_dict": state | more.pop("extra", {}), **more}, path)
        return path

    return make


def _published(network):
    """Return a network's tensors under published names, spectral norm folded already."""
    ours = network.state_dict()
    if network.spec.family == "combcn":
        return {published_name(name): value for name, value in ours.items()}
    state = {}
    for name, parts in key_map(network.spec.trunk).items():
        rows = ours[name].unsqueeze(1) if name.endswith("kernels") else [ours[name]]
        for names, value in zip(parts, rows, strict=True):
            value = value.reshape(1, 1, -1, 1, 1) if name.endswith("kernels") else value
            state[names[min(1, len(names) - 1)]] = value
    return state


SAID = {
    "lgtsm": "LGTSM, width 4, learned shift",
    "gtsm": "GTSM, width 4, fixed shift",
    "tsm": "vanilla TSM, width 4, fixed shift",
    "gated3d": "3DGated without skips, width 4, kernels over 3 frames",
    "gated3d_skips": "3DGated with skips, width 4, kernels over 3 frames",
    "combcn": "CombCN, width 4, a 3-D body at half size and a 2-D one",
}


def test_every_published_family_has_its_words():
    assert set(FAMILIES) - set(SAID) == {"lgtsm_causal", "refine"}


@pytest.mark.parametrize("family", SAID)
def test_published_file_to_filled_film(
    family, lgtsm, random_network, make_film, make_mask, read_film, tmp_path, leftovers
):
    """From a checkpoint to a model file to a film, all by commands."""
    old, new = tmp_path / "old.pth", tmp_path / f"{family}.safetensors"
    network = random_network(family)
    torch.save({"state_dict": _published(network), "epoch": 7}, old)
    code, stdout, _ = lgtsm("convert", old, new)
    assert code == 0
    assert SAID[family] in stdout
    code, stdout, _ = lgtsm("models", new)
    count = sum(value.numel() for value in network.parameters())
    assert code == 0
    assert f"{count:,}" in stdout

    film, mask, out = make_film(num=7), make_mask(), tmp_path / "out.mkv"
    code, _, stderr = lgtsm(
        "inpaint", film, "--mask", mask, "-o", out, "--model", new, "--lossless", "--quiet",
        "--mode", "fill", "--mask-used", tmp_path / "used",
    )  # fmt: skip
    assert (code, stderr) == (0, "")
    before, after = read_film(film, "gray"), read_film(out, "gray")
    hole = read_film(tmp_path / "used" / "000000.png")[0, :, :, 0] > 0
    assert after.shape == before.shape
    assert (after[:, ~hole] == before[:, ~hole]).all()
    assert (after[:, hole] != before[:, hole]).any()
    assert leftovers() == []


def test_container_is_described_in_three_lines(lgtsm, checkpoint, tmp_path):
    discriminator = {"temporal_discriminator.conv1.featureConv.layer.bias": torch.zeros(4)}
    config = {"global_config": {"LearnableTSM_kargs": {"shift_ratio": 0.5}}}
    old, new = (
        checkpoint(epoch=99, config=config, extra=discriminator),
        tmp_path / "new.safetensors",
    )
    code, stdout, stderr = lgtsm("convert", old, new)
    assert (code, stderr) == (0, "")
    count = sum(p.numel() for p in load_model(new).parameters())
    assert stdout.splitlines() == [
        f"{new}: LGTSM, width 4, learned shift of width 5 in 2 groups, first layer not shifted, "
        f"{count:,} parameters",
        "epoch 99, zip file, discriminator (1 tensors) left out; licence research-only",
        "recognised by: shift kernels (learnableTSM) in the file; shift ratio 0.5 from its "
        "configuration",
    ]


def test_plain_state_dict_says_what_is_not_known(lgtsm, checkpoint, tmp_path):
    new = tmp_path / "new.safetensors"
    code, stdout, _ = lgtsm("convert", checkpoint("gtsm", FIXED), new)
    assert code == 0
    assert "GTSM, width 4, fixed shift of width 3 in 2 groups, first layer shifted" in stdout
    assert "epoch not stated, zip file, no discriminator; licence research-only" in stdout
    assert "assumed" in stdout


def test_plain_network_has_no_shift(lgtsm, checkpoint, tmp_path):
    config = {"arch": {"args": {"opts": {"conv_by": "2d"}}}}
    old = checkpoint("gtsm", FIXED, config=config)
    code, stdout, _ = lgtsm("convert", old, tmp_path / "new.safetensors")
    assert code == 0
    assert "plain gated 2-D, width 4, no temporal shift" in stdout


def test_card_of_the_new_file(lgtsm, checkpoint, tmp_path):
    new = tmp_path / "new.safetensors"
    lgtsm("convert", checkpoint(epoch=135), new)
    code, stdout, _ = lgtsm("models", new)
    assert code == 0
    assert "research-only" in stdout
    assert "135" in stdout


class _Attack:
    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


def test_failures_are_one_sentence(lgtsm, leftovers, checkpoint, tmp_path):
    new, trace = tmp_path / "new.safetensors", tmp_path / "trace"
    old = checkpoint()
    evil = tmp_path / "evil.pth"
    torch.save({"state_dict": _Attack(trace)}, evil)
    (tmp_path / "taken.safetensors").write_bytes(b"mine")
    for arguments, says in (
        ((evil, new), "was not run"),
        ((tmp_path / "no.pth", new), "no.pth"),
        ((old, tmp_path / "taken.safetensors"), "--force"),
        ((old, old), ".safetensors"),
        ((old, tmp_path / "no" / new.name), "existing folder"),
    ):
        code, stdout, stderr = lgtsm("convert", *arguments)
        assert (code, stdout) == (1, "")
        assert len(stderr.splitlines()) == 1
        assert stderr.startswith("lgtsm: Expected ")
        assert stderr.endswith(".\n")
        assert says in stderr
    assert not trace.exists()
    assert not new.exists()
    assert leftovers() == []
    assert (tmp_path / "taken.safetensors").read_bytes() == b"mine"


def test_force_replaces(lgtsm, checkpoint, tmp_path):
    new = tmp_path / "new.safetensors"
    new.write_bytes(b"old")
    assert lgtsm("convert", checkpoint(), new, "--force")[0] == 0
    load_model(new)
