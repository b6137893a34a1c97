"""Networks that help to fill, in a real server: loaded, connected, refused at the wrong input."""

from __future__ import annotations

import json

import pytest

from lgtsm.models.neighbour_spec import GuidedSpec
from lgtsm.weights.header import Card
from lgtsm.weights.save import save_model
from tests.comfyui.conftest import FILL
from tests.models.neighbours.published_state import formula_network

SPEC = GuidedSpec(num_blocks=1, num_cross=1, side=2, fourier=False)


@pytest.fixture
def prompt(server):
    """prompt(input) -> prompt that connects a carrier to an input of LGTSMInpaint."""
    path = server.base / "models" / "lgtsm" / "carrier.safetensors"
    save_model(formula_network(SPEC), path, Card(spec=SPEC, licence="MIT"))

    def make(name):
        settings = {"model": path.name, "repo": "", "dtype": "auto", "device": "auto"}
        scene = {"camera": "locked", "frames": 4, "width": 64, "height": 48, "seed": 7}
        inputs = FILL | {"images": ["2", 0], "mask": ["2", 1], name: ["1", 0], "mode": "copy"}
        if name == "model":
            inputs["mode"] = "fill"
        return {
            "1": {"class_type": "LoadLGTSM", "inputs": settings},
            "2": {"class_type": "LGTSMDemoScene", "inputs": scene},
            "3": {"class_type": "LGTSMInpaint", "inputs": inputs},
            "4": {"class_type": "PreviewAny", "inputs": {"source": ["1", 1]}},
            "5": {"class_type": "PreviewAny", "inputs": {"source": ["3", 3]}},
        }

    return make


def test_a_carrier_says_where_it_belongs_and_works_there(server, prompt):
    run = server.run(prompt("carrier"))
    assert run.status == "success", run.error
    info = json.loads(run.text("4"))
    assert (info["family"], info["role"]) == ("guided", "carrier")
    assert info["connect_to"] == "carrier of the inpainting nodes"
    assert info["parameters"] == sum(x.numel() for x in formula_network(SPEC).parameters())
    assert json.loads(run.text("5"))["frames"] == 4


@pytest.mark.parametrize("name", ["model", "aligner"])
def test_a_carrier_at_another_input_is_one_sentence(name, server, prompt):
    run = server.run(prompt(name))
    assert run.status == "error"
    assert "connect it to carrier." in run.error
