"""Weights of torchvision are checked before they are opened, and no code in them runs."""

import hashlib
import os
import sys
import types

import pytest
import torch
from torch import nn

from lgtsm.align.raft_flow import load_raft
from lgtsm.errors import DeviceError, WeightsError
from train.losses.perceptual import load_perceptual


class Planted:
    """Makes a folder where it is unpickled."""

    def __init__(self, folder):
        self.folder = str(folder)

    def __reduce__(self):
        return os.mkdir, (self.folder,)


@pytest.fixture
def publish(monkeypatch, tmp_path):
    """publish(content, cached=..., honest=...) -> path in the cache; a torchvision of our own."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "home"))
    cache = tmp_path / "home" / "hub" / "checkpoints"
    cache.mkdir(parents=True)

    def make(content, *, cached=True, honest=True):
        site = tmp_path / "net.pth"
        torch.save(content, site)
        digest = hashlib.sha256(site.read_bytes()).hexdigest()[:8] if honest else "0" * 8
        site = site.rename(tmp_path / f"net-{digest}.pth")
        if cached:
            (cache / site.name).write_bytes(site.read_bytes())
            site.unlink()
        models = types.ModuleType("torchvision.models")
        models.get_model = lambda name, weights: nn.Linear(3, 2)
        default = types.SimpleNamespace(DEFAULT=types.SimpleNamespace(url=site.as_uri()))
        models.get_model_weights = lambda name: default
        package = types.ModuleType("torchvision")
        package.models = models
        monkeypatch.setitem(sys.modules, "torchvision", package)
        monkeypatch.setitem(sys.modules, "torchvision.models", models)
        return cache / site.name

    return make


USES = {
    "raft": lambda: load_raft(torch.device("cpu")),
    "perceptual": lambda: load_perceptual("torchvision"),
}
every_use = pytest.mark.parametrize("use", USES.values(), ids=USES)


@every_use
@pytest.mark.parametrize("honest", [False, True], ids=["other hash", "hash of the pickle"])
def test_a_planted_pickle_does_not_run(use, honest, publish, tmp_path, one_sentence):
    path = publish({"weight": Planted(tmp_path / "ran")}, honest=honest)
    with pytest.raises(
        WeightsError, match="nothing in it was run" if honest else "not opened"
    ) as e:
        use()
    one_sentence(e.value)
    assert str(path) in str(e.value)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("cached", [True, False])
def test_published_weights_are_loaded(cached, publish):
    from lgtsm.torchvision_networks import load_torchvision

    state = nn.Linear(3, 2).state_dict()
    path, before = publish(state, cached=cached), torch.get_rng_state()
    network = load_torchvision("any")
    assert all(torch.equal(value, network.state_dict()[key]) for key, value in state.items())
    assert path.is_file()
    assert torch.equal(before, torch.get_rng_state())


def test_a_download_of_another_hash_is_not_kept(publish, one_sentence):
    path = publish(nn.Linear(3, 2).state_dict(), cached=False, honest=False)
    with pytest.raises(WeightsError, match="invalid hash") as error:
        USES["raft"]()
    one_sentence(error.value)
    assert list(path.parent.iterdir()) == []


@every_use
def test_a_torchvision_of_another_torch_is_one_sentence(use, monkeypatch, one_sentence):
    class Finder:
        def find_spec(self, name, path=None, target=None):
            if name.startswith("torchvision"):
                raise RuntimeError("operator torchvision::nms does not exist\nmore")

    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
    with pytest.raises(DeviceError, match="torchvision that fits torch") as error:
        use()
    one_sentence(error.value)
