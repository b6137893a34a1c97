"""Who may import whom, compared with a table; imports inside functions count too."""

from __future__ import annotations

import ast
import graphlib
import sys
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

TREES = ("lgtsm", "train", "nodes")
FLOOR = frozenset(
    {
        "errors",
        "knobs",
        "mask_options",
        "neighbour_options",
        "options",
        "track_options",
        "report",
        "resident_memory",
        "box",
        "whole_file",
        "clip_tensors",
        "file_names",
    }
    | {"models.spec"}
)
BELOW_API = FLOOR | {"tensor_digest", "models", "fills", "align", "synthesis", "copying", "masks"}
BELOW_API |= {"metrics", "video", "weights", "scene", "engine", "tracking"}
BELOW_API |= {"completion", "evaluate.bench", "evaluate.metrics", "evaluate.tracking"}

OURS = {
    "errors": frozenset(),
    "knobs": frozenset({"errors"}),
    "neighbour_options": frozenset({"errors", "knobs"}),
    "mask_options": frozenset({"knobs"}),
    "options": frozenset({"errors", "knobs", "mask_options", "neighbour_options"}),
    "track_options": frozenset({"errors", "knobs"}),
    "report": frozenset({"resident_memory"}),
    "resident_memory": frozenset(),
    "interruption": frozenset(),
    "box": frozenset(),
    "whole_file": frozenset(),
    "torchvision_networks": frozenset({"errors"}),
    "tensor_digest": frozenset(),
    "clip_tensors": frozenset(),
    "file_names": frozenset({"errors"}),
    "models.spec": frozenset({"errors"}),
    "fills": frozenset(),
    "align": frozenset({"errors", "fills", "torchvision_networks"}),
    "synthesis": frozenset({"errors", "options", "box", "fills"}),
    "copying": frozenset({"errors", "options", "neighbour_options", "box", "clip_tensors", "fills"})
    | {"align", "synthesis", "models.spec"},
    "models": frozenset({"errors", "fills", "copying", "box", "models.spec"}),
    "masks": frozenset({"errors", "knobs", "mask_options", "options", "box"}),
    "metrics": frozenset({"errors", "knobs", "options", "box"}),
    "video": frozenset({"errors", "options", "box", "whole_file"}),
    "weights": frozenset({"errors", "options", "neighbour_options", "whole_file", "tensor_digest"})
    | {"synthesis", "models", "models.spec"},
    "scene": frozenset({"errors", "options"}),
    "engine": FLOOR | {"models", "fills", "align", "synthesis", "copying", "masks"},
    "tracking": frozenset(
        {"errors", "box", "options", "track_options", "clip_tensors", "tensor_digest"}
        | {"fills", "align", "masks", "engine"}
    ),
    "completion": frozenset({"errors", "options", "clip_tensors"})
    | {"fills", "align", "masks", "copying", "engine"},
    "file_completion": FLOOR | {"engine", "masks", "video", "completion", "mask_source"},
    "file_tracking": FLOOR | {"engine", "masks", "video", "tracking"},
    "tracked_folder": frozenset({"errors", "whole_file", "tracking"}),
    "file_check": FLOOR | {"engine", "masks", "metrics", "video"},
    "file_comparison": FLOOR | {"engine", "masks", "video"},
    "evaluate": frozenset(),
    "evaluate.metrics": frozenset({"errors", "metrics", "torchvision_networks"}),
    "evaluate.bench": frozenset(
        {"errors", "options", "report", "resident_memory", "box", "models", "models.spec"}
    )
    | {"engine", "weights", "scene", "video"},
    "evaluate.tracking": frozenset({"errors", "tracking"}),
    "journal": frozenset({"errors", "options", "box", "whole_file", "tensor_digest", "engine"}),
    "mask_source": FLOOR | {"engine", "masks", "video"},
    "film_names": FLOOR | {"video"},
    "prompt_names": frozenset({"errors", "tracking", "video"}),
    "plate_names": FLOOR | {"copying", "video", "key_frame_folder"},
    "sinks": FLOOR | {"engine", "masks", "video"},
    "job": BELOW_API | {"journal", "mask_source", "sinks"},
    "key_masks": frozenset({"errors", "mask_options", "masks", "video"}),
    "clip_inputs": FLOOR | {"copying", "engine", "masks"},
    "api": BELOW_API | {"journal", "job", "clip_inputs"},
    "key_frame_set": FLOOR | {"copying", "engine", "masks", "clip_inputs"},
    "key_frame_folder": FLOOR | {"copying", "engine", "masks", "video", "job", "key_frame_set"},
    "plate": FLOOR | {"copying", "engine"},
    "unseen_share": FLOOR | {"engine"},
    "batch": FLOOR
    | {"engine", "masks", "video", "weights", "journal", "job", "film_names", "plate_names"}
    | {"prompt_names", "file_tracking", "tracked_folder", "tracking"}
    | {"file_completion", "completion"},
    "timeline": FLOOR | {"video", "film_names", "prompt_names", "batch"},
    "studio": FLOOR
    | {
        "scene",
        "masks",
        "video",
        "engine",
        "tracking",
        "file_tracking",
        "tracked_folder",
        "journal",
        "job",
    }
    | {"film_names", "prompt_names", "key_frame_folder", "file_check", "batch"}
    | {"completion", "file_completion"},
    "demo": BELOW_API | {"journal", "job", "api"},
    "evaluate.score": (BELOW_API - {"evaluate.bench", "engine", "weights", "models"}) | {"api"},
    "cli": BELOW_API
    | {"interruption", "journal", "mask_source", "job", "api", "plate", "demo", "evaluate.score"}
    | {"key_frame_folder", "key_masks", "film_names", "plate_names", "batch", "timeline"}
    | {"prompt_names", "file_tracking", "file_completion", "tracked_folder", "file_check"}
    | {"studio", "unseen_share"},
    "__main__": frozenset({"cli"}),
    "nodes": BELOW_API
    | {"journal", "job", "api", "plate", "demo", "key_frame_set", "key_frame_folder"}
    | {"file_comparison", "file_completion", "file_tracking", "tracked_folder"},
    "train": BELOW_API | {"interruption", "torchvision_networks"},
}
"""Unit -> units of ours it may import; `models.spec` stands for itself, it is torch-free."""

THIRD = {
    "errors": frozenset(),
    "knobs": frozenset(),
    "mask_options": frozenset(),
    "neighbour_options": frozenset(),
    "options": frozenset(),
    "track_options": frozenset(),
    "resident_memory": frozenset(),
    "report": frozenset({"torch"}),  # only where CUDA is asked for its memory
    "interruption": frozenset(),
    "box": frozenset({"torch"}),
    "whole_file": frozenset(),
    "torchvision_networks": frozenset({"torch"}),
    "tensor_digest": frozenset({"torch"}),
    "clip_tensors": frozenset({"torch"}),
    "file_names": frozenset(),
    "models.spec": frozenset(),
    "fills": frozenset({"torch", "numpy", "scipy"}),
    "align": frozenset({"torch", "numpy", "einops"}),
    "synthesis": frozenset({"torch"}),
    "copying": frozenset({"torch", "numpy", "safetensors", "einops"}),
    "models": frozenset({"torch", "einops", "numpy"}),  # numpy: draws as published
    "masks": frozenset({"torch", "numpy", "PIL", "scipy"}),
    "metrics": frozenset({"torch", "numpy", "kornia", "safetensors"}),
    "video": frozenset({"av", "numpy", "torch", "PIL"}),
    "weights": frozenset({"torch", "safetensors"}),
    "scene": frozenset({"numpy", "torch", "PIL"}),
    "engine": frozenset({"torch"}),
    "tracking": frozenset({"torch", "numpy", "kornia"}),
    "completion": frozenset({"torch", "numpy"}),
    "file_completion": frozenset({"torch"}),
    "file_tracking": frozenset({"torch"}),
    "tracked_folder": frozenset(),
    "file_check": frozenset({"torch"}),
    "file_comparison": frozenset(),
    "evaluate": frozenset(),
    "evaluate.metrics": frozenset({"torch", "numpy", "kornia", "einops", "safetensors", "scipy"}),
    "evaluate.tracking": frozenset({"torch", "scipy"}),
    "evaluate.bench": frozenset({"torch", "numpy"}),
    "journal": frozenset({"torch", "safetensors", "filelock"}),
    "mask_source": frozenset({"torch"}),
    "film_names": frozenset(),
    "prompt_names": frozenset(),
    "plate_names": frozenset(),
    "sinks": frozenset({"torch"}),
    "key_masks": frozenset({"torch"}),
    "job": frozenset({"torch"}),
    "clip_inputs": frozenset({"torch"}),
    "api": frozenset({"torch"}),
    "key_frame_set": frozenset({"torch"}),
    "key_frame_folder": frozenset({"torch"}),
    "plate": frozenset({"torch"}),
    "unseen_share": frozenset({"torch"}),
    "batch": frozenset({"torch", "filelock"}),
    # starlette and uvicorn are extras: only call.py is imported without them
    "studio": frozenset({"torch", "numpy", "PIL", "filelock", "starlette", "uvicorn"}),
    "timeline": frozenset({"opentimelineio"}),  # an extra: only call.py is imported without it
    "demo": frozenset({"torch"}),
    "evaluate.score": frozenset({"torch", "numpy", "PIL"}),
    "cli": frozenset({"tqdm", "torch"}),
    "__main__": frozenset(),
    "nodes": frozenset({"torch", "einops", "comfy_api", "comfy", "folder_paths"}),
    # av: only to prepare data, imported on use
    "train": frozenset({"torch", "numpy", "einops", "tqdm", "safetensors", "PIL", "av"}),
}
"""Unit -> packages from elsewhere that it may import."""

ADAPTERS = {
    "lgtsm/batch/storage.py": frozenset({"fsspec"}),
    "lgtsm/batch/ray_cluster.py": frozenset({"ray"}),
    "lgtsm/cli/publish.py": frozenset({"huggingface_hub"}),
    "lgtsm/weights/hub.py": frozenset({"huggingface_hub"}),
    "lgtsm/align/opencv_flow.py": frozenset({"cv2"}),
    "lgtsm/masks/text/detector.py": frozenset({"rapidocr", "onnxruntime"}),
    "lgtsm/synthesis/onnx_model.py": frozenset({"onnxruntime"}),
    "lgtsm/synthesis/patch_match.py": frozenset({"patchmatch"}),
    "lgtsm/torchvision_networks.py": frozenset({"torchvision"}),
    "lgtsm/tracking/load_tracker.py": frozenset({"transformers"}),
    "lgtsm/models/kernels.py": frozenset({"triton"}),
    "lgtsm/evaluate/metrics/lpips_distance.py": frozenset({"lpips"}),
    "lgtsm/evaluate/metrics/opencv_baselines.py": frozenset({"cv2"}),
    "lgtsm/evaluate/score/plots.py": frozenset({"matplotlib"}),
    "nodes/notices.py": frozenset({"server"}),
}
"""The one file each that may import more."""

FILES = sorted(path.relative_to(ROOT) for folder in TREES for path in (ROOT / folder).rglob("*.py"))
every_file = pytest.mark.parametrize("file", FILES, ids=[path.as_posix() for path in FILES])


SPECS = ("spec", "trunk_spec", "combcn_spec", "chn_spec", "neighbour_spec")
"""Files of models that make up the unit `models.spec`."""


def _unit(module):
    """Return the table's name of a module of ours; None for the package itself."""
    parts = module.split(".")
    if parts[0] != "lgtsm":
        return parts[0]
    if parts[1:2] == ["models"] and parts[2:3] in [[name] for name in SPECS]:
        return "models.spec"
    if parts[1:2] == ["evaluate"] and len(parts) > 2:
        return ".".join(parts[1:3])
    return parts[1] if len(parts) > 1 else None


def _module(file):
    parts = file.with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def _exists(module):
    path = ROOT.joinpath(*module.split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


@cache
def _nodes(file):
    """Return all nodes of a file's syntax tree."""
    return tuple(ast.walk(ast.parse((ROOT / file).read_text(encoding="utf-8"))))


@cache
def _imports(file):
    """Return the full names of all modules that a file imports, and how many dots each had."""
    return tuple(_read_imports(file))


def _read_imports(file):
    package, nodes = file.parts[:-1], _nodes(file)
    if file.as_posix() == "lgtsm/__init__.py":  # its lazy names are imported for type checkers only
        lazy = {n for node in nodes if isinstance(node, ast.If) for n in ast.walk(node)}
        nodes = [node for node in nodes if node not in lazy]
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((alias.name, 0) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            whole = ".".join((*base, *((node.module,) if node.module else ())))
            for alias in node.names:
                inner = f"{whole}.{alias.name}"
                ours = inner.split(".")[0] in TREES
                yield inner if ours and _exists(inner) else whole, node.level


def _edges(file):
    """Return (units of ours, packages from elsewhere) that a file imports."""
    ours, third = set(), set()
    for module, _ in _imports(file):
        top = module.split(".")[0]
        if top in TREES:
            ours.add(_unit(module))
        elif top not in sys.stdlib_module_names:
            third.add(top)
    return ours, third


@every_file
def test_imports_follow_the_table(file):
    unit = _unit(_module(file))
    ours, third = _edges(file)
    if unit is None:  # lgtsm/__init__.py serves its names lazily
        assert not ours
        assert not third
        return
    # `from .. import __version__` reads the package itself, which imports nothing
    assert ours - {unit, None} <= OURS[unit]
    assert third <= THIRD[unit] | ADAPTERS.get(file.as_posix(), frozenset())


@every_file
def test_imports_inside_the_pack_are_relative(file):
    if file.parts[0] == "train":
        return
    assert [m for m, level in _imports(file) if level == 0 and m.split(".")[0] in TREES] == []


@every_file
def test_the_public_names_are_for_users(file):
    """`from lgtsm import inpaint` inside would go round the table; only the version is read."""
    package = file.parts[:-1]
    for node in _nodes(file):
        if isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            if ".".join((*base, *((node.module,) if node.module else ()))) == "lgtsm":
                names = {a.name for a in node.names if not _exists(f"lgtsm.{a.name}")}
                assert names <= {"__version__"}


def test_table_has_no_cycle_and_knows_every_unit():
    list(graphlib.TopologicalSorter(OURS).static_order())
    assert OURS.keys() == THIRD.keys()
    units = {_unit(_module(file)) for file in FILES} - {None}
    assert units <= OURS.keys()


def test_units_do_not_import_in_a_ring():
    graph = {}
    for file in FILES:
        unit = _unit(_module(file))
        graph.setdefault(unit, set()).update(_edges(file)[0] - {unit, None})
    list(graphlib.TopologicalSorter(graph).static_order())


def test_modules_do_not_import_in_a_ring():
    graph = {}
    for file in FILES:
        ours = {m for m, _ in _imports(file) if m.split(".")[0] in TREES}
        # a package's own file holds a docstring, reading it ties no knot
        graph[_module(file)] = {m for m in ours if m != _module(file) and "." in m}
    list(graphlib.TopologicalSorter(graph).static_order())
