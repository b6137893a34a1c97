"""LoadLGTSM: a model for the inpainting nodes."""

from __future__ import annotations

import json

from comfy_api.latest import io

from ..lgtsm.options import DType
from ..lgtsm.weights.header import read_card
from ..lgtsm.weights.load import find_weights, load_model
from .loaded import wrap
from .model_files import choices, find, stamp
from .schema import LgtsmModelType, choice, schema

_AUTO, _CPU = "auto", "cpu"


class LoadLGTSM(io.ComfyNode):
    """Load a network; it is cached and offloaded by ComfyUI's model management."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Return ids, inputs and outputs; lists the model folder."""
        models = choices()
        return schema(
            node_id="LoadLGTSM",
            display_name="Load LGTSM Model",
            description=(
                "Loads a video inpainting network: the built-in one, a file in models/lgtsm, or "
                "one from a Hugging Face repository, fetched once and checked. The inpainting "
                "nodes use the built-in one by themselves, so this node is only needed for others "
                "or for another precision."
            ),
            search_aliases=["lgtsm", "video inpainting model", "refine"],
            inputs=[
                io.Combo.Input(
                    "model",
                    options=models,
                    default=models[0],
                    tooltip="The built-in model, a .safetensors file in models/lgtsm, or one that "
                    "is downloaded once when the node runs.",
                ),
                io.String.Input(
                    "repo",
                    default="",
                    tooltip="A Hugging Face repository as owner/name or "
                    "owner/name@revision:file.safetensors; wins over the list when it is not "
                    "empty. Downloaded once into models/lgtsm when the node runs.",
                ),
                choice(
                    "precision",
                    DType,
                    DType.AUTO,
                    "Arithmetic of the network. Auto takes what the weight file was tested with; "
                    "fp32 is the reference.",
                ),
                io.Combo.Input(
                    "device",
                    options=[_AUTO, _CPU],
                    default=_AUTO,
                    tooltip="Auto follows ComfyUI; cpu leaves the graphics card to other models.",
                    advanced=True,
                ),
            ],
            outputs=[
                LgtsmModelType.Output(
                    "lgtsm_model", display_name="model", tooltip="The model, for LGTSM Inpaint."
                ),
                io.String.Output(
                    "info", tooltip="Name, size, licence and training of the model, as JSON."
                ),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, model: str, repo: str, precision: str, device: str) -> str:
        """Run again when the file has changed."""
        return f"{stamp(model, repo)} {precision} {device}"

    @classmethod
    def execute(cls, model: str, repo: str, precision: str, device: str) -> io.NodeOutput:
        """Fetch where that was chosen, load, and hand over to the model management."""
        wanted = find(model, repo)
        name, path = find_weights(wanted)
        card = read_card(path)
        network = load_model(wanted)
        info = {
            "name": name,
            "family": card.spec.family,
            "parameters": sum(value.numel() for value in network.parameters()),
            "licence": card.licence,
            "half_precisions": list(card.dtypes),
            "provenance": card.provenance,
        }
        loaded = wrap(network, dtype=DType(precision), on_cpu=device == _CPU)
        return io.NodeOutput(loaded, json.dumps(info, indent=2))
