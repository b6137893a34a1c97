"""Workflows for the user's own files."""

from __future__ import annotations

from tests.comfyui.graph import Graph, Node, clip, film, note

MASK_VIDEO = Graph(
    "lgtsm_remove_with_mask_video",
    (
        note(
            "## Remove an object with a mask video\n\n"
            "1. *Your clip*: choose a video.\n"
            "2. *Your mask*: a black and white video of the same length; white is removed.\n"
            "3. Press **Run**.\n\n"
            "*Mask Video* shows where the mask lies and reports its coverage. Shadows and "
            "reflections belong into the mask. Size, length and sound stay; nothing outside the mask "
            "changes before *Save Video* encodes the film again.\n\n"
            "All frames are held in memory here: for more than some hundred frames take the "
            "workflow *long clip streamed*."
        ),
        *clip((40, 400)),
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
        *film((1520, 40), ("fill", "images"), ("parts", "fps"), ("parts", "audio")),
    ),
    files=("clip.mp4", "mask.mp4"),
)


LOGO = Graph(
    "lgtsm_static_logo",
    (
        note(
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
            {},
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
        note(
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


SAM3 = Graph(
    "lgtsm_object_mask_sam3",
    (
        note(
            "## Name the object: masks by SAM 3\n\n"
            "Needs a ComfyUI with the core SAM 3 nodes and its weights: put "
            "`sam3.1_multiplex_fp16.safetensors` (repository `Comfy-Org/sam3.1` on Hugging Face) "
            "into `models/checkpoints`; look at their licence there.\n\n"
            "1. *Your clip*: choose a video.\n"
            "2. *What to remove*: say it in a word or two.\n"
            "3. Press **Run**.\n\n"
            "This graph was validated, but not run with those weights by the makers of this pack."
        ),
        *clip((40, 400)),
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
        *film((1540, 40), ("fill", "images"), ("parts", "fps"), ("parts", "audio")),
    ),
    files=("clip.mp4",),
    needs="sam3.1_multiplex_fp16.safetensors",
)
