"""What a value of LoadLGTSM may stand for, whoever wrote it."""

from __future__ import annotations

import importlib
from pathlib import PureWindowsPath

import pytest
import torch
from safetensors.torch import save_file

from lgtsm.weights.catalogue import DEFAULT
from lgtsm.weights.header import Card
from lgtsm.weights.save import save_model
from tests.nodes.host import listed_nodes


@pytest.fixture
def files(tmp_path):
    """Return the pack's module of model files."""
    with listed_nodes(tmp_path / "models") as nodes:
        package = nodes[0].__module__.rpartition(".")[0]
        yield importlib.import_module(f"{package}.model_files")


def test_only_names_of_the_catalogue_are_built_in(files, tmp_path):
    secret = tmp_path / "secret.safetensors"
    secret.write_bytes(b"x")
    assert files.find(f"{DEFAULT} (built-in)", "") == DEFAULT
    with pytest.raises(Exception, match="found none"):
        files.find(f"{secret} (built-in)", "")


def test_a_strangers_pull_request_is_no_revision(files):
    with pytest.raises(Exception, match="pull request refs/pr/7"):
        files.find(f"{DEFAULT} (built-in)", "owner/name@refs/pr/7")


def test_a_workflow_means_the_same_file_on_every_system(files, monkeypatch):
    listed = [r"sub\net.safetensors", "a.safetensors"]  # as the host lists them on Windows
    monkeypatch.setattr(files.folder_paths, "get_filename_list", lambda name: listed)
    monkeypatch.setattr(files, "Path", PureWindowsPath)
    monkeypatch.setattr(files, "_opens", lambda file: True)
    assert files.choices()[1:] == ["sub/net.safetensors", "a.safetensors"]


def test_only_files_that_can_open_are_offered(files, tmp_path, tiny_network):
    folder = tmp_path / "models" / "lgtsm"
    folder.mkdir(parents=True)
    for name in ("old.pth", "other.ckpt", "notes.txt"):
        (folder / name).write_bytes(b"\x80\x04.")
    (folder / "damaged.safetensors").write_bytes(b"x")
    save_file({"a": torch.zeros(1)}, folder / "another.safetensors")
    card = Card(spec=tiny_network.spec, licence="Apache-2.0")
    save_model(tiny_network, folder / "ours.safetensors", card)
    assert files.choices() == [f"{DEFAULT} (built-in)", "ours.safetensors"]
    for name in ("old.pth", "other.ckpt"):
        with pytest.raises(Exception, match=f"lgtsm convert {name}"):
            files.find(name, "")


def test_only_onnx_files_of_the_folder_may_synthesise(files, tmp_path, one_sentence):
    folder = tmp_path / "models" / "lgtsm"
    folder.mkdir(parents=True)
    for name in ("lama.onnx", "other.onnx", "old.pth", "notes.txt"):
        (folder / name).write_bytes(b"x")
    outside = tmp_path / "models" / "secret.onnx"
    outside.write_bytes(b"x")
    assert files.synthesisers() == ["built-in", "lama.onnx", "other.onnx"]
    assert files.find_synthesiser("built-in") is None
    assert files.find_synthesiser("other.onnx") == str(folder / "other.onnx")
    for name in (str(outside), "../secret.onnx", "a/b:x.onnx", "pypatchmatch", "old.pth", ""):
        with pytest.raises(Exception, match="models/lgtsm") as caught:
            files.find_synthesiser(name)
        one_sentence(caught.value)
    (folder / "lama.onnx.sha256").write_text("0" * 64)
    with pytest.raises(Exception, match="SHA-256"):
        files.find_synthesiser("lama.onnx")
