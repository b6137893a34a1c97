"""The shipped workflows as data; `make_workflows.py` lets the real front end turn them into files.

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


def _note(text: str, size: tuple[int, int] = (460, 300)) -> Node:
    return Node("note", "MarkdownNote", (40, 40), {"": text}, size=size)


def _clip(at: tuple[int, int], file: str = "clip.mp4") -> tuple[Node, Node]:
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


def _film(
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


FIRST_RUN = Graph(
    "lgtsm_first_run",
    (
        _note(
            "## First run: no file needed\n\n"
            "Press **Run**. *LGTSM Demo Scene* renders a clip of a passing vehicle with its mask "
            "and the truth behind it; *LGTSM Inpaint* takes the vehicle out; *LGTSM Check Result* "
            "checks that nothing outside `mask_used` changed and compares the fill with the truth "
            "(`psnr_to_truth`, in dB).\n\n"
            "Change `camera` to `planar` or `parallax` for harder clips, or `seed` for another "
            "scene. The saved video carries this graph: drop it on the canvas to get it back."
        ),
        Node(
            "scene",
            "LGTSMDemoScene",
            (40, 400),
            {"frames": 24, "width": 320, "height": 180},
            size=(320, 260),
        ),
        Node(
            "mask",
            "MaskVideo",
            (540, 40),
            {},
            (("images", "scene", "images"), ("mask", "scene", "mask")),
            size=(360, 620),
        ),
        Node(
            "fill",
            "LGTSMInpaint",
            (940, 40),
            {},
            (("images", "scene", "images"), ("mask", "mask", "mask")),
            size=(360, 360),
        ),
        Node(
            "check",
            "LGTSMCheckResult",
            (940, 460),
            {},
            (
                ("before", "scene", "images"),
                ("after", "fill", "images"),
                ("mask", "fill", "mask_used"),
                ("truth", "scene", "truth"),
            ),
            size=(360, 280),
        ),
        Node(
            "verdict",
            "PreviewAny",
            (1340, 40),
            {},
            (("source", "check", "report"),),
            title="Verdict",
            size=(400, 340),
        ),
        *_film((1340, 440), ("fill", "images"), ("scene", "fps")),
    ),
)

MASK_VIDEO = Graph(
    "lgtsm_remove_with_mask_video",
    (
        _note(
            "## Remove an object with a mask video\n\n"
            "1. *Your clip*: choose a video.\n"
            "2. *Your mask*: a black and white video of the same length; white is removed.\n"
            "3. Press **Run**.\n\n"
            "*Mask Video* shows where the mask lies and reports its coverage. Shadows and "
            "reflections belong into the mask. Size, length, sound and everything outside the mask "
            "stay as they are.\n\n"
            "All frames are held in memory here: for more than some hundred frames take the "
            "workflow *long clip streamed*."
        ),
        *_clip((40, 400)),
        Node(
            "masks",
            "LoadVideo",
            (380, 400),
            {"file": "mask.mp4"},
            title="Your mask",
            size=(300, 300),
        ),
        Node(
            "maskparts",
            "GetVideoComponents",
            (380, 760),
            {},
            (("video", "masks", "VIDEO"),),
        ),
        Node(
            "grey",
            "ImageToMask",
            (720, 760),
            {"channel": "red"},
            (("image", "maskparts", "images"),),
        ),
        Node(
            "mask",
            "MaskVideo",
            (720, 40),
            {},
            (("images", "parts", "images"), ("mask", "grey", "MASK")),
            size=(360, 620),
        ),
        Node(
            "fill",
            "LGTSMInpaint",
            (1120, 40),
            {},
            (("images", "parts", "images"), ("mask", "mask", "mask")),
            size=(360, 360),
        ),
        Node(
            "report",
            "PreviewAny",
            (1120, 460),
            {},
            (("source", "fill", "report"),),
            title="Report",
            size=(360, 400),
        ),
        *_film((1520, 40), ("fill", "images"), ("parts", "fps"), ("parts", "audio")),
    ),
    files=("clip.mp4", "mask.mp4"),
)

LOGO = Graph(
    "lgtsm_static_logo",
    (
        _note(
            "## Remove a static logo with one painted mask\n\n"
            "1. *Your clip*: choose a video of any length.\n"
            "2. *A frame, painted*: load any one frame of it (of the same size), right-click the "
            "node, **Open in Mask Editor**, paint over the logo, save.\n"
            "3. Press **Run**. The clip is read and written frame by frame; sound and frame times "
            "are kept.\n\n"
            "Instead of a mask you can type boxes, one a line: `x,y,width,height`. Then disconnect "
            "`mask`."
        ),
        Node(
            "clip", "LoadVideo", (40, 400), {"file": "clip.mp4"}, title="Your clip", size=(300, 300)
        ),
        Node(
            "paint",
            "LoadImage",
            (380, 400),
            {"image": "logo.png"},
            title="A frame, painted",
            size=(300, 400),
        ),
        Node(
            "fill",
            "LGTSMInpaintVideo",
            (720, 40),
            {"motion": "none"},
            (("video", "clip", "VIDEO"), ("mask", "paint", "MASK")),
            size=(400, 540),
        ),
        Node(
            "save",
            "SaveVideo",
            (1160, 40),
            {"filename_prefix": "video/lgtsm_logo"},
            (("video", "fill", "video"),),
            size=(400, 440),
        ),
        Node(
            "report",
            "PreviewAny",
            (1160, 540),
            {},
            (("source", "fill", "report"),),
            title="Report",
            size=(400, 300),
        ),
    ),
    files=("clip.mp4", "logo.png"),
)

STREAMED = Graph(
    "lgtsm_long_clip_streamed",
    (
        _note(
            "## A clip of any length, in constant memory\n\n"
            "1. *Your clip* and *Your mask*: two videos of the same length; white is removed.\n"
            "2. Press **Run**.\n\n"
            "Nothing is loaded as a whole: one minute of 1080p as IMAGE would be 45 GB. *Save "
            "Video* with format and codec on `auto` copies the result without encoding it again. "
            "An interrupted run goes on where it stopped when you press **Run** again.\n\n"
            "With `lossless` the result stays in `output/lgtsm` as Matroska, exact outside the "
            "mask."
        ),
        Node(
            "clip", "LoadVideo", (40, 400), {"file": "clip.mp4"}, title="Your clip", size=(300, 300)
        ),
        Node(
            "masks",
            "LoadVideo",
            (380, 400),
            {"file": "mask.mp4"},
            title="Your mask",
            size=(300, 300),
        ),
        Node(
            "fill",
            "LGTSMInpaintVideo",
            (720, 40),
            {},
            (("video", "clip", "VIDEO"), ("mask_video", "masks", "VIDEO")),
            size=(400, 540),
        ),
        Node(
            "save",
            "SaveVideo",
            (1160, 40),
            {"filename_prefix": "video/lgtsm_long"},
            (("video", "fill", "video"),),
            size=(400, 440),
        ),
        Node(
            "report",
            "PreviewAny",
            (1160, 540),
            {},
            (("source", "fill", "report"),),
            title="Report",
            size=(400, 300),
        ),
    ),
    files=("clip.mp4", "mask.mp4"),
)

SELF_TEST = Graph(
    "lgtsm_free_form_self_test",
    (
        _note(
            "## Self-test with free-form masks\n\n"
            "Draws masks over a clip whose pixels are known, fills them and measures the error. "
            "Press **Run**; the graph stops with an error if anything outside the mask changed.\n\n"
            "Try other presets, or `custom` with another `kind` and `coverage`. The same seed draws "
            "the same masks everywhere, on the command line too: `lgtsm masks`."
        ),
        Node(
            "scene",
            "LGTSMDemoScene",
            (40, 400),
            {"frames": 16, "width": 320, "height": 180},
            size=(320, 260),
        ),
        Node(
            "draw",
            "GenerateFreeFormMasks",
            (540, 40),
            {"preset": "object_like_small", "num_strokes": 3},
            (("like", "scene", "truth"),),
            size=(340, 400),
        ),
        Node(
            "mask",
            "MaskVideo",
            (540, 500),
            {"preview_as": "checker"},
            (("images", "scene", "truth"), ("mask", "draw", "mask")),
            size=(340, 560),
        ),
        Node(
            "fill",
            "LGTSMInpaint",
            (920, 40),
            {"grow": 0},
            (("images", "scene", "truth"), ("mask", "mask", "mask")),
            size=(360, 360),
        ),
        Node(
            "check",
            "LGTSMCheckResult",
            (920, 460),
            {"stop_on_failure": True},
            (
                ("before", "scene", "truth"),
                ("after", "fill", "images"),
                ("mask", "fill", "mask_used"),
                ("truth", "scene", "truth"),
            ),
            size=(360, 280),
        ),
        Node(
            "verdict",
            "PreviewAny",
            (1320, 40),
            {},
            (("source", "check", "report"),),
            title="Verdict",
            size=(400, 340),
        ),
        Node(
            "changes",
            "PreviewImage",
            (1320, 440),
            {},
            (("images", "check", "changes"),),
            title="Changes",
            size=(400, 340),
        ),
    ),
)

HAND_OVER = Graph(
    "lgtsm_hand_over",
    (
        _note(
            "## Fill from real pixels, hand the rest to another model\n\n"
            "*LGTSM Inpaint* in mode `copy` fills the whole mask with real pixels of other frames "
            "and a smooth fill where there are none. *The hard part* marks where you want another "
            "model to invent something instead; here it is a drawn box, paint your own.\n\n"
            "Connect the frames and the mask of the last node to a diffusion inpainting graph. "
            "Then check its result with *LGTSM Check Result*: `before` is the original, `mask` is "
            "`mask_used`."
        ),
        Node(
            "scene",
            "LGTSMDemoScene",
            (40, 400),
            {"frames": 16, "width": 320, "height": 180},
            size=(320, 260),
        ),
        Node(
            "hard",
            "GenerateFreeFormMasks",
            (540, 40),
            {"kind": "box", "coverage": 0.1, "motion": 0, "seed": 9},
            (("like", "scene", "images"),),
            title="The hard part",
            size=(340, 400),
        ),
        Node(
            "fill",
            "LGTSMInpaint",
            (540, 500),
            {"mode": "copy"},
            (("images", "scene", "images"), ("mask", "scene", "mask")),
            size=(340, 360),
        ),
        Node(
            "left",
            "MaskComposite",
            (920, 40),
            {"operation": "multiply"},
            (("destination", "fill", "mask_used"), ("source", "hard", "mask")),
            title="Left for another model",
            size=(340, 160),
        ),
        Node(
            "shown",
            "MaskVideo",
            (920, 260),
            {"preview_as": "checker"},
            (("images", "fill", "images"), ("mask", "left", "MASK")),
            title="Frames and mask to hand over",
            size=(340, 600),
        ),
        Node(
            "preview",
            "PreviewImage",
            (1300, 40),
            {},
            (("images", "shown", "preview"),),
            size=(420, 420),
        ),
    ),
)

SAM3 = Graph(
    "lgtsm_object_mask_sam3",
    (
        _note(
            "## Name the object: masks by SAM 3\n\n"
            "Needs a ComfyUI with the core SAM 3 nodes and its weights: put "
            "`sam3.1_multiplex_fp16.safetensors` (repository `Comfy-Org/sam3.1` on Hugging Face) "
            "into `models/checkpoints`; look at their licence there.\n\n"
            "1. *Your clip*: choose a video.\n"
            "2. *What to remove*: say it in a word or two.\n"
            "3. Press **Run**.\n\n"
            "This graph was validated, but not run with those weights by the makers of this pack."
        ),
        *_clip((40, 400)),
        Node(
            "sam",
            "CheckpointLoaderSimple",
            (380, 400),
            {"ckpt_name": "sam3.1_multiplex_fp16.safetensors"},
            size=(320, 120),
        ),
        Node(
            "word",
            "CLIPTextEncode",
            (380, 570),
            {"text": "person"},
            (("clip", "sam", "CLIP"),),
            title="What to remove",
            size=(320, 120),
        ),
        Node(
            "track",
            "SAM3_VideoTrack",
            (380, 740),
            {},
            (
                ("images", "parts", "images"),
                ("model", "sam", "MODEL"),
                ("conditioning", "word", "CONDITIONING"),
            ),
            size=(320, 180),
        ),
        Node(
            "object",
            "SAM3_TrackToMask",
            (380, 970),
            {},
            (("track_data", "track", "track_data"),),
            size=(320, 80),
        ),
        Node(
            "mask",
            "MaskVideo",
            (740, 40),
            {"temporal_gap": 2},
            (("images", "parts", "images"), ("mask", "object", "masks")),
            size=(360, 620),
        ),
        Node(
            "fill",
            "LGTSMInpaint",
            (1140, 40),
            {"grow": 8},
            (("images", "parts", "images"), ("mask", "mask", "mask")),
            size=(360, 360),
        ),
        *_film((1540, 40), ("fill", "images"), ("parts", "fps"), ("parts", "audio")),
    ),
    files=("clip.mp4",),
    needs="sam3.1_multiplex_fp16.safetensors",
)

GRAPHS = {
    graph.name: graph
    for graph in (FIRST_RUN, MASK_VIDEO, LOGO, STREAMED, SELF_TEST, HAND_OVER, SAM3)
}
