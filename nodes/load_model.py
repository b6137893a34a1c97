"""LoadLGTSM: load a model for the inpainting nodes."""

from __future__ import annotations

import json

from comfy_api.latest import io

from ..lgtsm.models.neighbour_spec import Role
from ..lgtsm.models.spec import NetworkSpec
from ..lgtsm.options import DType, RunOptions
from ..lgtsm.weights.header import read_card
from ..lgtsm.weights.load import find_weights, load_model
from ..lgtsm.weights.neighbours import load_aligner, load_carrier
from .loaded import LoadedModel, wrap
from .model_files import choices, find, stamp
from .schema import LgtsmModelType, option, schema

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
                "one from a Hugging Face repository, downloaded once and verified. The inpainting "
                "nodes use the built-in one by default, so this node is only needed for another "
                "network, dtype or device."
            ),
            search_aliases=["lgtsm", "video inpainting model", "refine"],
            inputs=[
                io.Combo.Input(
                    "model",
                    options=models,
                    default=models[0],
                    tooltip="The built-in model, a .safetensors file of this package in "
                    "models/lgtsm (lgtsm convert makes one of a published .pth), or one that is "
                    "downloaded once when the node runs.",
                ),
                io.String.Input(
                    "repo",
                    default="",
                    tooltip="A Hugging Face repository as owner/name or "
                    "owner/name@revision:file.safetensors; takes precedence over the list unless "
                    "empty. Downloaded once into models/lgtsm when the node runs.",
                ),
                option(RunOptions, "dtype"),
                io.Combo.Input(
                    "device",
                    options=[_AUTO, _CPU],
                    default=_AUTO,
                    tooltip="Device to compute on: auto follows ComfyUI; cpu leaves the graphics card to "
                    "other models.",
                    advanced=True,
                ),
            ],
            outputs=[
                LgtsmModelType.Output(
                    "lgtsm_model",
                    display_name="model",
                    tooltip="The model, for LGTSM Inpaint; info says for which of its inputs.",
                ),
                io.String.Output(
                    "info", tooltip="Name, role, size, licence and training of the model, as JSON."
                ),
            ],
        )

    @classmethod
    def fingerprint_inputs(cls, model: str, repo: str, dtype: str, device: str) -> str:
        """Change when the file changes, so that the node runs again."""
        return f"{stamp(model, repo)} {dtype} {device}"

    @classmethod
    def execute(cls, model: str, repo: str, dtype: str, device: str) -> io.NodeOutput:
        """Download if needed, load, and register with the model management."""
        wanted = find(model, repo)
        name, path = find_weights(wanted)
        card = read_card(path)
        spec = card.spec
        if isinstance(spec, NetworkSpec):
            network = load_model(wanted)
            loaded = wrap(network, dtype=DType(dtype), on_cpu=device == _CPU)
            role = "network"
        else:
            load = load_aligner if spec.role is Role.ALIGNER else load_carrier
            network, loaded = load(path), LoadedModel(None, DType(dtype), path, spec)
            role = spec.role.value
        info = {
            "name": name,
            "family": spec.family,
            "role": role,
            "connect_to": f"{'model' if role == 'network' else role} of the inpainting nodes",
            "parameters": sum(value.numel() for value in network.parameters()),
            "licence": card.licence,
            "half_precisions": list(card.dtypes),
            "provenance": card.provenance,
        }
        return io.NodeOutput(loaded, json.dumps(info, indent=2))
