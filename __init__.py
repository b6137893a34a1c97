"""Entry of the repository as a ComfyUI pack.

Nothing is imported before ComfyUI asks, so that tests and tools can import the repository without
ComfyUI and listing the pack costs nothing.
"""

WEB_DIRECTORY = "./web"


async def comfy_entrypoint() -> object:
    """Return the extension with the nodes; ComfyUI calls this once at start."""
    from .nodes.extension import LGTSMExtension

    return LGTSMExtension()
