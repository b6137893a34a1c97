"""Nodes of the tests alone: tensors in and out of a graph without any encoder between."""

import torch
from comfy_api.latest import ComfyExtension, io


class ProbeLoad(io.ComfyNode):
    """Read {"images", "mask"} from a file of torch tensors."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="ProbeLoad",
            inputs=[io.String.Input("path")],
            outputs=[io.Image.Output("images"), io.Mask.Output("mask")],
        )

    @classmethod
    def execute(cls, path):
        stored = torch.load(path, weights_only=True)  # noqa: TID251  tensors of the tests
        return io.NodeOutput(stored["images"], stored["mask"])


class ProbeSave(io.ComfyNode):
    """Write whatever arrives to a file."""

    @classmethod
    def define_schema(cls):
        return io.Schema(
            node_id="ProbeSave",
            inputs=[
                io.String.Input("path"),
                io.AnyType.Input("value"),
                io.AnyType.Input("second", optional=True),
                io.AnyType.Input("third", optional=True),
            ],
            outputs=[],
            is_output_node=True,
        )

    @classmethod
    def execute(cls, path, value, second=None, third=None):
        values = [v.clone() if torch.is_tensor(v) else v for v in (value, second, third)]
        torch.save(values, path)
        return io.NodeOutput()


class ProbeExtension(ComfyExtension):
    async def get_node_list(self):
        return [ProbeLoad, ProbeSave]


async def comfy_entrypoint():
    return ProbeExtension()
