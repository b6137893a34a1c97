"""What a workflow is made of; `make_workflows.py` lets the real front end turn it into a file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial


@dataclass(frozen=True)
class Node:
    """One node: `links` name an input, the key of another node and one of its outputs."""

    key: str
    type: str
    at: tuple[int, int]
    widgets: dict[str, object]
    links: tuple[tuple[str, str, str], ...] = ()
    title: str = ""
    size: tuple[int, int] | None = None


@dataclass(frozen=True)
class Graph:
    """One workflow; `files` are read from the input folder, `needs` is a file that nobody ships."""

    name: str
    nodes: tuple[Node, ...]
    files: tuple[str, ...] = ()
    needs: str = ""


def node(
    key: str,
    kind: str,
    at: tuple[int, int],
    size: tuple[int, int] | None = None,
    widgets: dict[str, object] | None = None,
    title: str = "",
    **links: str,
) -> Node:
    """Return a node; a link is written as input="KEY.OUTPUT"."""
    ends = tuple((name, *source.split(".")) for name, source in links.items())
    return Node(key, kind, at, widgets or {}, ends, title, size)


fill = partial(node, "fill", "LGTSMInpaint")
fill_video = partial(node, "fill", "LGTSMInpaintVideo")
mask_video = partial(node, "mask", "MaskVideo")


def note(text: str) -> Node:
    return node("note", "MarkdownNote", (40, 40), (460, 300), {"": text})


CLIP = node("clip", "LoadVideo", (40, 400), (300, 300), {"file": "clip.mp4"}, "Your clip")
MASKS = node("masks", "LoadVideo", (380, 400), (300, 300), {"file": "mask.mp4"}, "Your mask")


def parts(key: str, at: tuple[int, int], video: str) -> Node:
    return node(key, "GetVideoComponents", at, video=f"{video}.VIDEO")


def scene(frames: int, **widgets: object) -> Node:
    values = {**widgets, "frames": frames, "width": 320, "height": 180}
    return node("scene", "LGTSMDemoScene", (40, 400), (320, 260), values)


def check(at: tuple[int, int], before: str = "images", **widgets: object) -> tuple[Node, Node]:
    """Return a check of the fill on the demo scene, and its verdict beside it."""
    links = {"after": "fill.images", "mask": "fill.mask_used", "truth": "scene.truth"}
    return (
        node(
            "check", "LGTSMCheckResult", at, (360, 280), widgets, before=f"scene.{before}", **links
        ),
        report((at[0] + 400, 40), (400, 340), "check", "Verdict"),
    )


def report(
    at: tuple[int, int], size: tuple[int, int], source: str = "fill", title: str = "Report"
) -> Node:
    key = title.lower()
    return node(key, "PreviewAny", at, size, title=title, source=f"{source}.report")


def save(at: tuple[int, int], video: str, prefix: str = "video/lgtsm") -> Node:
    return node("save", "SaveVideo", at, (400, 440), {"filename_prefix": prefix}, video=video)


def film(at: tuple[int, int], **links: str) -> tuple[Node, Node]:
    """Return the video of the repaired frames, and the node that saves it."""
    made = node("film", "CreateVideo", at, images="fill.images", **links)
    return made, save((at[0], at[1] + 200), "film.VIDEO")
