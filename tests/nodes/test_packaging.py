"""What the registry of node packs checks, offline."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
import zipfile

import pytest
import tomllib
from PIL import Image

from tests.comfyui.serving import archive_files
from tests.nodes.host import ROOT

LIMIT_BYTES = 6_000_000
BANNED_CALLS = {"eval", "exec", "print", "compile"}
BANNED_MODULES = {"pickle", "marshal", "shelve", "subprocess", "ctypes"}


@pytest.fixture(scope="module")
def files() -> list[str]:
    """Return the names in a release archive."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout to tell what belongs to the archive")
    return archive_files()


@pytest.fixture(scope="module")
def project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_archive_holds_the_pack_and_nothing_else(files):
    folders = {name.split("/")[0] for name in files if "/" in name}
    assert folders == {"lgtsm", "nodes", "workflows", "web", "locales", "docs"}
    for needed in (
        "__init__.py",
        "pyproject.toml",
        "requirements.txt",
        "LICENSE",
        "NOTICE",
        "README.md",
        "lgtsm/weights/data/refine-small.safetensors",
        "lgtsm/weights/data/NOTICE.md",
        "web/docs/LGTSMInpaint/zh.md",
        "workflows/samples/lgtsm_sample_clip.mp4",
    ):
        assert needed in files
    assert not [name for name in files if "__pycache__" in name or name.endswith(".pyc")]


def test_archive_is_small(files):
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in files:
            archive.write(ROOT / name, name)
    assert packed.tell() < LIMIT_BYTES


def test_metadata_is_what_the_registry_asks_for(project):
    from lgtsm import __version__

    assert project["project"]["version"] == __version__
    assert project["project"]["name"] == "lgtsm"
    assert project["project"]["urls"]["Repository"].startswith("https://")
    comfy = project["tool"]["comfy"]
    assert comfy["PublisherId"]
    assert comfy["DisplayName"]
    assert comfy["requires-comfyui"] == ">=0.16.3"
    # help pages come from WEB_DIRECTORY; both would serve them twice
    assert "web" not in comfy
    assert comfy["Icon"].endswith("docs/icon.png")
    with Image.open(ROOT / "docs" / "icon.png") as icon:
        assert icon.size[0] == icon.size[1] <= 400


def test_the_pack_installs_nothing():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert all(line.startswith("#") for line in lines)


def test_code_of_the_archive_has_nothing_the_registry_flags(files):
    names = [name for name in files if name.endswith(".py")]
    assert len(names) > 50
    for name in names:
        for node in ast.walk(ast.parse((ROOT / name).read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in BANNED_CALLS, name
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert (node.value.id, node.attr) != ("sys", "path"), name
            modules = []
            if isinstance(node, ast.Import):
                modules = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom) and node.module:
                modules = [node.module]
            assert not {module.split(".")[0] for module in modules} & BANNED_MODULES, name


def test_ruff_finds_nothing_the_registry_checks_for(files):
    names = [name for name in files if name.endswith(".py")]
    rules = "S102,S301,S307,S602,S603,S604,S605,S606,S607,E702"
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select", rules, *names]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_every_workflow_has_a_small_picture():
    for path in (ROOT / "workflows").glob("*.json"):
        with Image.open(path.with_suffix(".jpg")) as picture:
            assert picture.size == (480, 270)
        assert path.with_suffix(".jpg").stat().st_size < 100_000
