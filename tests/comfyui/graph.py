"""What a workflow is made of; `make_workflows.py` lets the real front end turn it into a file.

A node is (key, type, (x, y), widgets, links); a link is (input, key of the source, its output).
"""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Node:
    """One node: `links` name an input, the key of another node and one of its outputs."""

    key: str
    type: str
    at: tuple[int, int]
    widgets: dict[str, object] = field(default_factory=dict)
    links: tuple[tuple[str, str, str], ...] = ()
    title: str = ""
    size: tuple[int, int] | None = None


@dataclass(frozen=True)
class Graph:
    """One workflow; `files` are what it reads from the input folder, `needs` what nobody ships."""

    name: str
    nodes: tuple[Node, ...]
    files: tuple[str, ...] = ()
    needs: str = ""


def note(text: str, size: tuple[int, int] = (460, 300)) -> Node:
    return Node("note", "MarkdownNote", (40, 40), {"": text}, size=size)


def clip(at: tuple[int, int], file: str = "clip.mp4") -> tuple[Node, Node]:
    x, y = at
    return (
        Node("clip", "LoadVideo", at, {"file": file}, title="Your clip", size=(300, 300)),
        Node(
            "parts",
            "GetVideoComponents",
            (x, y + 360),
            {},
            (("video", "clip", "VIDEO"),),
        ),
    )


def film(
    at: tuple[int, int],
    images: tuple[str, str],
    fps: tuple[str, str],
    audio: tuple[str, str] | None = None,
    prefix: str = "video/lgtsm",
) -> tuple[Node, Node]:
    x, y = at
    links = (("images", *images), ("fps", *fps))
    return (
        Node("film", "CreateVideo", at, {}, links + ((("audio", *audio),) if audio else ())),
        Node(
            "save",
            "SaveVideo",
            (x, y + 200),
            {"filename_prefix": prefix},
            (("video", "film", "VIDEO"),),
            size=(400, 440),
        ),
    )
