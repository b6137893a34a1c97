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
    bypassed: bool = False


@dataclass(frozen=True)
class Graph:
    """One workflow; `needs` is a file that nobody ships."""

    name: str
    nodes: tuple[Node, ...]
    needs: str = ""


def node(
    key: str,
    kind: str,
    at: tuple[int, int],
    size: tuple[int, int] | None = None,
    widgets: dict[str, object] | None = None,
    title: str = "",
    *,
    bypassed: bool = False,
    **links: str,
) -> Node:
    """Return a node; a link is written as input="KEY.OUTPUT"."""
    ends = tuple((name, *source.split(".")) for name, source in links.items())
    return Node(key, kind, at, widgets or {}, ends, title, size, bypassed)


fill = partial(node, "fill", "LGTSMInpaint")
fill_video = partial(node, "fill", "LGTSMInpaintVideo")
mask_video = partial(node, "mask", "MaskVideo")


def note(text: str, at: tuple[int, int] = (40, 440)) -> Node:
    """Return a note, as high as its text needs at some 50 characters a line."""
    lines = sum(1 + len(line) // 50 for line in text.splitlines())
    return node("note", "MarkdownNote", at, (300, 70 + 13 * lines), {"": text})


def clip(sample: str = "lgtsm_sample_clip.mp4") -> Node:
    return node("clip", "LoadVideo", (40, 40), (300, 300), {"file": sample}, "Your clip")


def masks(at: tuple[int, int]) -> Node:
    values = {"file": "lgtsm_sample_mask.mp4"}
    return node("masks", "LoadVideo", at, (300, 300), values, "Your mask")


def parts(key: str, at: tuple[int, int], video: str) -> Node:
    return node(key, "GetVideoComponents", at, video=f"{video}.VIDEO")


def scene(frames: int, **widgets: object) -> Node:
    values = {**widgets, "frames": frames, "width": 320, "height": 180}
    return node("scene", "LGTSMDemoScene", (40, 40), (280, 260), values)


def check(
    at: tuple[int, int],
    verdict_at: tuple[int, int],
    before: str = "images",
    **widgets: object,
) -> tuple[Node, Node]:
    """Return a check of the fill on the demo scene, and its verdict beside it."""
    links = {"after": "fill.images", "mask": "fill.mask_used", "truth": "scene.truth"}
    return (
        node(
            "check", "LGTSMCheckResult", at, (300, 280), widgets, before=f"scene.{before}", **links
        ),
        report(verdict_at, (300, 260), "check", "Verdict"),
    )


def report(
    at: tuple[int, int], size: tuple[int, int], source: str = "fill", title: str = "Report"
) -> Node:
    key = title.lower()
    output = source if "." in source else f"{source}.report"
    return node(key, "PreviewAny", at, size, title=title, source=output)


def save(at: tuple[int, int], video: str, prefix: str = "video/lgtsm") -> Node:
    return node("save", "SaveVideo", at, (340, 440), {"filename_prefix": prefix}, video=video)


def film(
    at: tuple[int, int], saved_at: tuple[int, int], source: str = "fill.images", **links: str
) -> tuple[Node, Node]:
    """Return the video of the repaired frames, at 24 frames a second unless linked, and its saving."""
    rate = {} if "fps" in links else {"fps": 24}
    made = node("film", "CreateVideo", at, None, rate, images=source, **links)
    return made, save(saved_at, "film.VIDEO")
