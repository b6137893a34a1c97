"""The messages that the troubleshooting page explains are those of the code."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
MESSAGES = re.findall(r'^### "(.+)"$', PAGE, re.MULTILINE)


def _texts() -> str:
    """Return all strings of the code; what an f-string fills in is an ellipsis."""
    found = []
    for folder in ("lgtsm", "nodes"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    parts = (p.value if isinstance(p, ast.Constant) else "…" for p in node.values)
                    found.append("".join(parts))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.append(node.value)
    return "\n".join(found)


@pytest.fixture(scope="module")
def texts() -> str:
    return _texts()


def test_there_are_messages():
    assert len(MESSAGES) > 20


@pytest.mark.parametrize("message", MESSAGES)
def test_message_is_one_of_the_code(message, texts):
    # one … of the page may stand for several values, with an x or a comma between them
    pattern = ".{1,40}?".join(re.escape(part) for part in message.split("…"))
    assert re.search(pattern, texts), message
