"""Samples of the workflows come into the input folder, and nothing of the user's is touched."""

from __future__ import annotations

import importlib

import pytest

from tests.nodes.host import ROOT, listed_nodes

SAMPLES = sorted(path.name for path in (ROOT / "workflows" / "samples").iterdir())


@pytest.fixture
def place(tmp_path):
    """Return the pack's function."""
    with listed_nodes(tmp_path) as nodes:
        package = nodes[0].__module__.rpartition(".")[0]
        yield importlib.import_module(f"{package}.samples").place_samples


def test_missing_samples_are_placed_and_others_left_alone(place, tmp_path):
    folder = tmp_path / "input"
    folder.mkdir()
    (folder / SAMPLES[0]).write_bytes(b"mine")
    place()
    assert sorted(path.name for path in folder.iterdir()) == SAMPLES
    assert (folder / SAMPLES[0]).read_bytes() == b"mine"


def test_a_folder_that_is_not_there_costs_nothing(place, tmp_path):
    place()
    assert not (tmp_path / "input").exists()


def test_samples_are_small():
    sizes = [path.stat().st_size for path in (ROOT / "workflows" / "samples").iterdir()]
    assert sum(sizes) < 400_000
