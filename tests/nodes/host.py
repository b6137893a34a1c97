"""As much of ComfyUI's interface as listing the nodes takes, and the pack loaded as it loads packs.

The stand-in knows only the keywords of an old server (October 2025), so that a schema that relies
on a newer one fails here. What the nodes do is tested in a real server, see tests/comfyui.
"""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace

ROOT = Path(__file__).resolve().parents[2]
_NAME = "a_pack_of_nodes"


@dataclass
class _Schema:
    node_id: str
    display_name: str = None
    category: str = "sd"
    inputs: list = field(default_factory=list)
    outputs: list = field(default_factory=list)
    hidden: list = field(default_factory=list)
    search_aliases: list = field(default_factory=list)
    description: str = ""
    is_input_list: bool = False
    is_output_node: bool = False
    is_deprecated: bool = False
    is_experimental: bool = False
    is_api_node: bool = False
    not_idempotent: bool = False
    enable_expand: bool = False


_COMMON = {"display_name", "optional", "tooltip", "lazy", "extra_dict", "default", "socketless"}
_MORE = {
    "Int": {"min", "max", "step", "control_after_generate", "display_mode", "force_input"},
    "Float": {"min", "max", "step", "round", "display_mode", "force_input"},
    "Combo": {"options", "control_after_generate", "upload", "image_folder", "remote"},
    "String": {"multiline", "placeholder", "dynamic_prompts", "force_input"},
    "Boolean": {"label_on", "label_off", "force_input"},
}


def _kind(name: str) -> SimpleNamespace:
    known = _COMMON | {"advanced"} | _MORE.get(name, set())

    def make_input(id: str, **settings: object) -> SimpleNamespace:  # noqa: A002  the host's word
        unknown = settings.keys() - known
        if unknown:
            raise TypeError(f"{name}.Input got unexpected {sorted(unknown)}")
        values = {"tooltip": None, "optional": False, "default": None, **settings}
        return SimpleNamespace(id=id, kind=name, **values)

    words = [inspect.Parameter("id", inspect.Parameter.POSITIONAL_OR_KEYWORD)]
    words += [inspect.Parameter(word, inspect.Parameter.KEYWORD_ONLY) for word in sorted(known)]
    make_input.__signature__ = inspect.Signature(words)  # what the pack asks before it calls

    def make_output(
        id: str,  # noqa: A002
        display_name: str | None = None,
        tooltip: str | None = None,
        is_output_list: bool = False,
    ) -> SimpleNamespace:
        return SimpleNamespace(id=id, kind=name, display_name=display_name, tooltip=tooltip)

    return SimpleNamespace(Input=make_input, Output=make_output)


def _modules(models: Path) -> dict[str, ModuleType]:
    io = SimpleNamespace(
        Schema=_Schema,
        ComfyNode=type("ComfyNode", (), {}),
        NodeOutput=lambda *values, ui=None: SimpleNamespace(values=values, ui=ui),
        Input=object,
        Custom=_kind,
        Hidden=SimpleNamespace(unique_id="UNIQUE_ID"),
    )
    for name in ("Image", "Mask", "Video", "Int", "Float", "Combo", "String", "Boolean"):
        setattr(io, name, _kind(name))
    latest = ModuleType("comfy_api.latest")
    latest.io, latest.ui = io, SimpleNamespace()
    latest.ComfyExtension = type("ComfyExtension", (), {})
    latest.InputImpl = SimpleNamespace()
    folders: dict[str, Path] = {}
    paths = ModuleType("folder_paths")
    paths.models_dir = str(models)
    paths.get_input_directory = lambda: str(models / "input")
    paths.add_model_folder_path = lambda name, path, is_default=False: folders.update({name: path})
    paths.get_filename_list = lambda name: sorted(
        p.name for p in Path(folders[name]).glob("*") if p.is_file()
    )
    paths.get_full_path = lambda name, file: next(
        # as the host's: whatever is asked for stays inside the folders
        (str(p) for p in (Path(f) / file.lstrip("/") for f in [folders[name]]) if p.is_file()),
        None,
    )
    comfy = ModuleType("comfy")
    parts = {f"comfy.{n}": ModuleType(f"comfy.{n}") for n in ("utils", "model_patcher")}
    parts["comfy.model_management"] = ModuleType("comfy.model_management")
    for name, part in parts.items():
        setattr(comfy, name.partition(".")[2], part)
    return {
        "comfy_api": ModuleType("comfy_api"),
        "comfy_api.latest": latest,
        "folder_paths": paths,
        "comfy": comfy,
        **parts,
    }


def load_root() -> ModuleType:
    """Load the repository's root file as a pack, by path."""
    spec = importlib.util.spec_from_file_location(
        _NAME, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[_NAME] = module
    spec.loader.exec_module(module)
    return module


@contextmanager
def listed_nodes(models: Path) -> Iterator[list[type]]:
    """Yield the pack's node classes; every module it brought is forgotten afterwards."""
    before = dict(sys.modules)
    sys.modules.update(_modules(models))
    try:
        extension = asyncio.run(load_root().comfy_entrypoint())
        yield asyncio.run(extension.get_node_list())
    finally:
        for name in sys.modules.keys() - before.keys():
            if name.split(".")[0] in (_NAME, "comfy", "comfy_api", "folder_paths"):
                del sys.modules[name]
