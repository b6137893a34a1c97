"""Builds the site from what the repository holds already: mkdocs calls these functions by name.

Pages that live elsewhere (results, contributing, help pages of nodes) are added where they are read from;
nothing is copied by hand. Links keep the form that works in the repository, and are turned here.
"""

from __future__ import annotations

import json
import posixpath
import re
from pathlib import Path

import tomllib
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).resolve().parents[1]
UNSET = "PUBLISHER"
"""Stands in pyproject.toml for the account of the owner."""
_PAGES = {
    "RESULTS.md": "results.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "workflows/README.md": "workflows.md",
    "lgtsm/weights/data/NOTICE.md": "notice.md",
}
"""Path in the repository -> path in the site, of pages outside docs."""
_HOME = {"README.md": "index.md"}
_CODE = re.compile(r"(^```.*?^```|`[^`\n]*`)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(([^)\s]+)\)")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Take the repository's address from pyproject.toml, and list the nodes."""
    urls = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["urls"]
    if UNSET not in urls["Repository"]:
        config.repo_url = urls["Repository"]
    for section in config.nav or []:
        for parts in section.values():
            for part in parts if isinstance(parts, list) else ():
                if isinstance(part, dict) and part.get("Nodes") == []:
                    part["Nodes"] = [{d["display_name"]: f"nodes/{n}.md"} for n, d in _nodes()]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages and pictures that lie outside docs."""
    for source, target in _PAGES.items():
        files.append(File.generated(config, target, abs_src_path=str(ROOT / source)))
    for name, texts in _nodes():
        page = (ROOT / "web" / "docs" / f"{name}.md").read_text(encoding="utf-8")
        content = page.rstrip() + "\n" + _table("Inputs", texts) + _table("Outputs", texts)
        files.append(File.generated(config, f"nodes/{name}.md", content=content))
    for shown in sorted((ROOT / "workflows").glob("*.j*")):
        target = f"thumbnails/{shown.name}"
        files.append(File.generated(config, target, abs_src_path=str(shown)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Turn links of the repository into links of the site."""
    del files
    if page.file.src_uri == "api.md":
        markdown += _public_names()
    homes = {target: source for source, target in _PAGES.items()}
    here = page.file.src_uri
    source = homes.get(here, f"docs/{here}")
    if here.startswith("nodes/"):
        source = f"web/docs/{posixpath.basename(here)}"

    def turned(match: re.Match[str]) -> str:
        mark, text, link = match.groups()
        name, _, anchor = link.partition("#")
        if not name or re.match(r"[a-z]+:", name):
            return match[0]
        path = posixpath.normpath(posixpath.join(posixpath.dirname(source), name))
        target = _in_site(path)
        if target is None:
            if not config.repo_url:
                return text
            return f"{mark}[{text}]({config.repo_url.rstrip('/')}/blob/main/{path})"
        relative = posixpath.relpath(target, posixpath.dirname(here) or ".")
        return f"{mark}[{text}]({relative}{'#' + anchor if anchor else ''})"

    parts = _CODE.split(markdown)
    return "".join(p if i % 2 else _LINK.sub(turned, p) for i, p in enumerate(parts))


def _in_site(path: str) -> str | None:
    """Return where a path of the repository is in the site, None where it is not."""
    if path in _PAGES or path in _HOME:
        return (_PAGES | _HOME)[path]
    if path.startswith("web/docs/"):
        return f"nodes/{posixpath.basename(path)}"
    if path.startswith("workflows/") and path.endswith((".jpg", ".json")):
        return f"thumbnails/{posixpath.basename(path)}"  # docs/workflows has the same names
    shown = (".md", ".jpg", ".png", ".webp")
    if path.startswith("docs/") and path.endswith(shown) and not path.startswith("docs/results/"):
        return path.removeprefix("docs/")
    return None


def _nodes() -> list[tuple[str, dict]]:
    """Return (id, English texts) of every node, by the name that is shown."""
    texts = json.loads((ROOT / "locales" / "en" / "nodeDefs.json").read_text(encoding="utf-8"))
    return sorted(texts.items(), key=lambda item: item[1]["display_name"])


def _table(title: str, texts: dict) -> str:
    """Return the inputs or outputs of a node as a table."""
    rows = [f"| `{part['name']}` | {part['tooltip']} |" for part in texts[title.lower()].values()]
    if not rows:
        return ""
    return "\n".join(["", f"## {title} in full", "", "| name | what |", "|---|---|", *rows, ""])


def _public_names() -> str:
    """Return where each public name is defined; mkdocstrings turns it into its docstring."""
    import lgtsm

    return "".join(f"\n::: lgtsm{lgtsm._HOMES[name]}.{name}\n" for name in lgtsm.__all__)
