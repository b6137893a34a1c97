"""Names of files on a hub: `owner/name[@revision][:file]`; nothing is contacted."""

from __future__ import annotations

import re
from dataclasses import dataclass

from .catalogue import DEFAULT_FILE, OnHub

MAIN = "main"
"""Revision of a hub file, unless named."""
SAFETENSORS = ".safetensors"
_LONGEST_NAME = 500
_PATH_ENDINGS = (SAFETENSORS, ".onnx", ".ckpt", ".pt", ".pth", ".bin")
"""Unlikely ends of a repository's name: `folder/net.pth` is a mistyped path."""
_FORM = re.compile(
    r"(?P<repo>\w[\w.-]{0,95}/\w[\w.-]{0,95})(?<![.-])"
    r"(?:@(?P<revision>\w[\w./-]*))?"
    r"(?::(?P<file>\w[\w./-]*))?",
    re.ASCII,
)


@dataclass(frozen=True, kw_only=True)
class HubFile:
    """One file on a hub, written `owner/name[@revision][:file]`.

    revision: branch, tag or commit; a branch is resolved once, later the cached commit is used.
    """

    repo: str
    revision: str = MAIN
    file: str = DEFAULT_FILE

    def __str__(self) -> str:
        revision = "" if self.revision == MAIN else f"@{self.revision}"
        return self.repo + revision + ("" if self.file == DEFAULT_FILE else f":{self.file}")

    @classmethod
    def of_row(cls, row: OnHub) -> HubFile:
        """Return the location of a row of the catalogue."""
        return cls(repo=row.repo, revision=row.revision, file=row.file)


def parse_hub_file(text: str, ending: str = SAFETENSORS) -> HubFile | None:
    """Parse `owner/name[@revision][:file]`; None if the text has another form.

    Args:
        text: the text.
        ending: of the file's name; only for .safetensors the file may be left out.
    """
    match = _FORM.fullmatch(text)
    if match is None or ".." in text or match["repo"].endswith((*_PATH_ENDINGS, ".git")):
        return None
    file = match["file"] or DEFAULT_FILE
    if not (file.endswith(ending) and len(file) > len(ending)):
        return None
    if "--" in match["repo"] or len(text) > _LONGEST_NAME:  # no hub has such names
        return None
    return HubFile(
        repo=match["repo"],
        revision=match["revision"] or MAIN,
        file=file,
    )
