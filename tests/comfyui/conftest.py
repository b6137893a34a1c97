"""One server for all tests of the node pack; all skip where no ComfyUI is prepared."""

from __future__ import annotations

import hashlib
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from lgtsm.weights.header import Card
from lgtsm.weights.save import save_model
from tests.comfyui.serving import PACK, Run, Server, prepare_base, serve
from tests.weights.conftest import COMMIT, Hub, Repo

_VARIABLE = "LGTSM_COMFYUI_CACHE"
_HERE = Path(__file__).parent
ROW = "tiny-on-hub"
"""Name of the catalogue's row that only the server of the tests has."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything below this folder."""
    for item in items:
        if item.path.is_relative_to(_HERE):
            item.add_marker(pytest.mark.comfyui)


@pytest.fixture(scope="session")
def cache() -> Path:
    """Return the folder that `setup.sh` has made, or skip."""
    if not os.environ.get(_VARIABLE):
        pytest.skip(
            f"needs a real ComfyUI: run tests/comfyui/setup.sh CACHE and set {_VARIABLE}=CACHE"
        )
    return Path(os.environ[_VARIABLE]).resolve()


@pytest.fixture(scope="session")
def hub() -> Iterator[Hub]:
    """Return a running hub on loopback."""
    hub = Hub()
    yield hub
    hub.stop()


@pytest.fixture(scope="session")
def published(hub: Hub, tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """Return a weight file that lies on the hub as a/tiny: `data`, `sha256`."""
    from dataclasses import replace

    from lgtsm.models.build import build
    from lgtsm.models.spec import FAMILIES

    spec = FAMILIES["refine"]
    spec = replace(spec, trunk=replace(spec.trunk, width=4))
    path = tmp_path_factory.mktemp("published") / "model.safetensors"
    save_model(build(spec).eval(), path, Card(spec=spec, licence="Apache-2.0"))
    data = path.read_bytes()
    hub.repos["a/tiny"] = Repo({"model.safetensors": data})
    hub.repos["a/broken"] = Repo({"model.safetensors": data}, fault="tampered")
    return SimpleNamespace(data=data, sha256=hashlib.sha256(data).hexdigest())


@pytest.fixture(scope="session")
def server(
    cache: Path, hub: Hub, published: SimpleNamespace, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Server]:
    """Return the newest server, with this pack; its catalogue has one row more."""
    base = prepare_base(tmp_path_factory.mktemp("comfyui") / "base")
    _add_row(base / "custom_nodes" / PACK / "lgtsm" / "weights" / "catalogue.py", published.sha256)
    environment = {
        "HF_HUB_OFFLINE": "0",
        "HF_ENDPOINT": hub.endpoint,
        "HF_HOME": str(base / "hf"),
        "NO_PROXY": "*",
    }
    with serve(cache, base, **environment) as server:
        yield server


def _add_row(catalogue: Path, sha256: str) -> None:
    """Publish the weight file of the hub in a copy of the catalogue."""
    text = catalogue.read_text(encoding="utf-8")
    empty = "ON_HUB: MappingProxyType[str, OnHub] = MappingProxyType({})"
    assert empty in text
    row = (
        f"ON_HUB = MappingProxyType({{{ROW!r}: OnHub(name={ROW!r}, repo='a/tiny', "
        f"revision={COMMIT!r}, family='refine', licence='Apache-2.0', sha256={sha256!r})}})"
    )
    catalogue.write_text(text.replace(empty, row), encoding="utf-8")


FILL = {
    "mode": "copy+fill",
    "grow": 4,
    "feather": 2,
    "source_frames": 8,
    "reach": 48,
    "detect_cuts": True,
    "max_side": 960,
    "chunk": 0,
    "motion": "auto",
}
"""Defaults of the inputs that both inpainting nodes have."""


@pytest.fixture
def inpaint(server: Server, tmp_path: Path) -> Callable[..., SimpleNamespace]:
    """inpaint(images (T,H,W,C), mask (N,H,W), **inputs) -> images, layer, mask, report or run."""

    def call(images: Tensor, mask: Tensor, **inputs: object) -> SimpleNamespace:
        # new names: the server answers an unchanged prompt from its cache
        name = uuid.uuid4().hex
        source, target = tmp_path / f"{name}.in", tmp_path / f"{name}.out"
        torch.save({"images": images, "mask": mask}, source)
        run = server.run(
            {
                "1": {"class_type": "ProbeLoad", "inputs": {"path": str(source)}},
                "2": {
                    "class_type": "LGTSMInpaint",
                    "inputs": {"images": ["1", 0], "mask": ["1", 1], **FILL, **inputs},
                },
                "3": {
                    "class_type": "ProbeSave",
                    "inputs": {
                        "path": str(target),
                        "value": ["2", 0],
                        "second": ["2", 1],
                        "third": ["2", 2],
                    },
                },
                "4": {"class_type": "PreviewAny", "inputs": {"source": ["2", 3]}},
            }
        )
        result = SimpleNamespace(run=run, images=None, layer=None, mask=None)
        if run.status == "success":
            result.images, result.layer, result.mask = read_tensors(target)
        return result

    return call


def long_job(folder: Path) -> dict:
    """Return a prompt whose node "2" fills 200 frames, long after its first progress."""
    images = torch.linspace(0, 1, 320 * 180 * 3).reshape(1, 180, 320, 3).repeat(200, 1, 1, 1)
    mask = torch.zeros(1, 180, 320)
    mask[:, 40:140, 60:240] = 1
    torch.save({"images": images, "mask": mask}, folder / "long.pt")
    fill = {"images": ["1", 0], "mask": ["1", 1], **FILL}
    return {
        "1": {"class_type": "ProbeLoad", "inputs": {"path": str(folder / "long.pt")}},
        "2": {"class_type": "LGTSMInpaint", "inputs": fill},
        "3": {
            "class_type": "ProbeSave",
            "inputs": {"path": str(folder / "never.pt"), "value": ["2", 0]},
        },
    }


def cancelled(server: Server, prompt: dict) -> Run:
    """Run a prompt and cancel it at its first progress."""

    def stop(number: str, seen: dict) -> None:
        if seen["type"] == "progress":
            assert server.call("/interrupt", {"prompt_id": number})[0] == 200

    return server.run(prompt, stop)


def read_tensors(path: Path) -> list:
    """Read what ProbeSave wrote."""
    return torch.load(path, weights_only=True)  # noqa: TID251  tensors of our own


def progress_values(run: Run) -> list[int]:
    """Return the values of the progress bar that were sent."""
    return [e["data"]["value"] for e in run.events if e["type"] == "progress"]
