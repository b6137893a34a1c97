"""Rules of the house that no linter knows."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import lgtsm

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 350
BANNED = {"utils", "util", "misc", "helpers", "helper", "common"}
TEXT = {".py", ".md", ".toml", ".txt", ".json", ".yml", ".yaml", ".cfg", ".sh", ""}

SOURCES = sorted(
    path
    for folder in ("lgtsm", "train", "nodes", "editors", "tests")
    for path in (ROOT / folder).rglob("*.py")
)
LIBRARY = [path for path in SOURCES if path.relative_to(ROOT).parts[0] != "tests"]


def _name(path):
    return path.relative_to(ROOT).as_posix()


def test_files_are_short():
    lengths = {_name(p): len(p.read_text(encoding="utf-8").splitlines()) for p in SOURCES}
    assert {name: n for name, n in lengths.items() if n > LONGEST} == {}


def test_files_are_named_after_an_idea():
    parts = {_name(p): {*p.relative_to(ROOT).with_suffix("").parts} for p in SOURCES}
    assert [name for name, words in parts.items() if words & BANNED] == []


def test_no_module_is_named_like_a_standard_one():
    own = {"__init__", "__main__"}
    names = [_name(p) for p in LIBRARY if p.stem in sys.stdlib_module_names - own]
    assert names == []


def test_package_files_hold_a_docstring_alone():
    exempt = {"lgtsm/__init__.py", "train/recipes/__init__.py", "nodes/__init__.py"}
    exempt.add("editors/blender/lgtsm/__init__.py")  # Blender calls its register()
    for path in LIBRARY:
        if path.name == "__init__.py" and _name(path) not in exempt:
            body = ast.parse(path.read_text(encoding="utf-8")).body
            assert [type(node) for node in body] == [ast.Expr], _name(path)


def test_only_the_command_lines_print():
    def prints(path):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        calls = (node.func for node in ast.walk(tree) if isinstance(node, ast.Call))
        return any(isinstance(func, ast.Name) and func.id == "print" for func in calls)

    allowed = re.compile(r"lgtsm/cli/.*|train/__main__\.py|editors/blender/make_zip\.py")
    assert [_name(p) for p in LIBRARY if prints(p) and not allowed.fullmatch(_name(p))] == []


def test_public_names_are_sorted_and_have_a_home():
    assert list(lgtsm.__all__) == sorted(lgtsm.__all__)
    assert set(lgtsm.__all__) == set(lgtsm._HOMES)
    assert set(dir(lgtsm)) == {*lgtsm.__all__, "__version__"}


@pytest.mark.parametrize("name", lgtsm.__all__)
def test_public_names_resolve(name):
    assert getattr(lgtsm, name).__name__ == name


def test_unknown_names_are_attribute_errors():
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = lgtsm.no_such_name


def test_tracked_text_names_no_folder_of_one_machine():
    if not (ROOT / ".git").exists() or shutil.which("git") is None:
        pytest.skip("needs a git checkout")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    folders = "|".join(("work", "tmp", "root", "home"))
    machine = re.compile(rf"(?<![\w.)}}\]/*-])/(?:{folders})\b")
    found = []
    for raw in listed.stdout.split(b"\0"):
        path = ROOT / raw.decode()
        if raw and path.is_file() and path.suffix in TEXT:
            lines = path.read_text(encoding="utf-8").splitlines()
            found += [f"{_name(path)}:{i}" for i, x in enumerate(lines, 1) if machine.search(x)]
    assert found == []
