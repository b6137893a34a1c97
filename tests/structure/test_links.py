"""Links of the documents lead to files and headings that are there, in the pack's archive as well."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.comfyui.serving import archive_files

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    path
    for pattern in ("*.md", "*/README.md", "docs/**/*.md", "web/docs/**/*.md", "lgtsm/**/*.md")
    for path in ROOT.glob(pattern)
)
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)


def _text(page):
    return _CODE.sub("", page.read_text(encoding="utf-8"))


def _anchors(page):
    """Return the anchors of a page's headings, as GitHub names them."""
    text = re.sub(
        r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL
    )
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    words = (re.sub(r"[^\w\- ]", "", heading.strip().lower()) for heading in headings)
    return {word.replace(" ", "-") for word in words}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    lost = []
    for link in _LINK.findall(_text(page)):
        name, _, anchor = unquote(link).partition("#")
        if re.match(r"[a-z]+:", name):
            continue
        target = (page.parent / name).resolve() if name else page
        if not target.exists() or (anchor and anchor not in _anchors(target)):
            lost.append(link)
    assert lost == []


def test_links_lead_somewhere_in_the_archive_of_the_pack():
    if not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout to tell what belongs to the archive")
    files = set(archive_files())
    lost = []
    for name in (name for name in files if name.endswith(".md")):
        page = ROOT / name
        for link in _LINK.findall(_text(page)):
            target = unquote(link).partition("#")[0]
            if target and not re.match(r"[a-z]+:", target):
                found = (page.parent / target).resolve().relative_to(ROOT).as_posix()
                if found not in files:
                    lost.append((name, link))
    assert lost == []
