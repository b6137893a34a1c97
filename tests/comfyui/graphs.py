"""All shipped workflows: first on the demo scene, then on the user's own files.

Links run from left to right above the nodes between: what many nodes read stands at the top. The lower right
corner is left to the front end's minimap.
"""

from __future__ import annotations

from tests.comfyui.graph import (
    Graph,
    check,
    clip,
    fill,
    fill_video,
    film,
    mask_video,
    masks,
    node,
    note,
    parts,
    save,
    scene,
)
from tests.comfyui.key_frame_graphs import BUILT_IN, BY_A_MODEL
from tests.comfyui.track_graphs import PAINT_ONE_FRAME

_SCENE_MASK = {"images": "scene.images", "mask": "scene.mask"}
_FOUND_MASK = {"images": "parts.images", "mask": "mask.mask"}
_CHECKED = (1270, 900), (1650, 540)
_COMPARED = (
    node(
        "compared",
        "LGTSMCompare",
        (1270, 40),
        (300, 300),
        before="scene.images",
        after="fill.images",
    ),
    *film((1650, 40), (1950, 40), "compared.images"),
)
"""Before and after in one film."""

FIRST_RUN = Graph(
    "lgtsm_01_first_run_no_file_needed",
    (
        note(
            "## First run: no file needed\n\n"
            "Press **Run**. *LGTSM Demo Scene* renders a clip of a passing vehicle with its mask "
            "and the ground truth behind it; *LGTSM Inpaint* removes the vehicle; *LGTSM Check "
            "Result* checks that nothing outside `mask_used` changed and compares the fill with "
            "the truth, in dB.\n\n"
            "Change `camera` to `planar` or `parallax` for harder clips, or `seed` for another "
            "scene. The saved video carries this graph: drop it on the canvas to get it back."
        ),
        scene(24),
        mask_video((400, 540), (300, 580), **_SCENE_MASK),
        fill((880, 120), (300, 360), images="scene.images", mask="mask.mask"),
        *check(*_CHECKED),
        *_COMPARED,
    ),
)

LOCKED_OFF = Graph(
    "lgtsm_07_locked_off_clean_plate",
    (
        note(
            "## Locked-off camera: one clean plate for the whole shot\n\n"
            "*LGTSM Clean Plate* copies what the mask hides in one frame from all the others; "
            "`missing` marks what no frame shows (paint it, if there is any). *LGTSM Inpaint* "
            "receives the picture as `plate` and matches it to the exposure of every frame; "
            "`motion` is `none`, since the camera stands still.\n\n"
            "Replace the scene by *Load Video* for your own clip."
        ),
        scene(24),
        node(
            "plate",
            "LGTSMCleanPlate",
            (400, 540),
            (300, 280),
            {"frame": 12, "motion": "none"},
            **_SCENE_MASK,
        ),
        node("shown", "PreviewImage", (790, 1010), (300, 280), images="plate.plate"),
        fill((880, 120), (300, 420), {"motion": "none"}, **_SCENE_MASK, plate="plate.plate"),
        *check(*_CHECKED),
        *_COMPARED,
    ),
)

PAINTED = Graph(
    "lgtsm_06_painted_frame_moving_camera",
    (
        note(
            "## A painted frame, carried through a moving shot\n\n"
            "The camera pans. One frame is clean: frame 12 of the scene's ground truth stands for "
            "the frame that you painted (replace it by *Load Image*). `plate_frames` is its frame "
            "number; that frame receives exactly these pixels, the others receive them along the "
            "motion of the camera, matched in exposure. They take precedence over all other fills."
        ),
        scene(24, camera="planar"),
        node(
            "painted",
            "ImageFromBatch",
            (400, 540),
            (300, 120),
            {"batch_index": 12, "length": 1},
            "Your painted frame",
            image="scene.truth",
        ),
        fill((880, 120), (300, 420), {"plate_frames": "12"}, **_SCENE_MASK, plate="painted.IMAGE"),
        *check(*_CHECKED),
        *_COMPARED,
    ),
)

SELF_TEST = Graph(
    "lgtsm_12_self_test_drawn_masks",
    (
        note(
            "## Self-test with free-form masks\n\n"
            "Draws masks over a clip whose pixels are known, fills them and measures the error. "
            "Press **Run**; the graph stops with an error if anything outside the mask changed.\n\n"
            "Try other presets, or `custom` with another `kind` and `coverage`. The same seed draws "
            "the same masks everywhere, on the command line (`lgtsm masks draw`) too if `num_strokes` "
            "and `border` are 0."
        ),
        scene(16),
        node(
            "draw",
            "GenerateFreeFormMasks",
            (460, 580),
            (340, 400),
            {"preset": "object_like_small", "num_strokes": 3},
            like="scene.truth",
        ),
        mask_video(
            (840, 420),
            (340, 560),
            {"preview_as": "checker"},
            images="scene.truth",
            mask="draw.mask",
        ),
        fill((1240, 320), (360, 360), {"grow": 0}, images="scene.truth", mask="mask.mask"),
        *check((1660, 160), (2040, 440), "truth", stop_on_failure=True),
        node(
            "changes",
            "PreviewImage",
            (2040, 40),
            (400, 340),
            title="Changes",
            images="check.changes",
        ),
    ),
)

HAND_OVER = Graph(
    "lgtsm_11_hand_over_to_another_model",
    (
        note(
            "## Fill from real pixels, hand the rest to another model\n\n"
            "*LGTSM Inpaint* in mode `copy` fills the whole mask with real pixels of other frames, "
            "and smoothly where there are none. *The hard part* marks where another model should "
            "invent something instead; here it is a drawn box, paint your own.\n\n"
            "Connect the frames and the mask of the last node to a diffusion inpainting graph. "
            "Then check its result with *LGTSM Check Result*: `before` is the original, `mask` is "
            "`mask_used`."
        ),
        scene(16),
        node(
            "hard",
            "GenerateFreeFormMasks",
            (460, 800),
            (340, 400),
            {"kind": "box", "coverage": 0.1, "speed": 0, "seed": 9},
            "The hard part",
            like="scene.images",
        ),
        fill((460, 220), (340, 360), {"mode": "copy"}, **_SCENE_MASK),
        node(
            "left",
            "MaskComposite",
            (860, 500),
            (340, 160),
            {"operation": "multiply"},
            "Left for another model",
            destination="fill.mask_used",
            source="hard.mask",
        ),
        node(
            "shown",
            "MaskVideo",
            (1260, 220),
            (340, 600),
            {"preview_as": "checker"},
            "Frames and mask to hand over",
            images="fill.images",
            mask="left.MASK",
        ),
        node("preview", "PreviewImage", (1660, 40), (420, 420), images="shown.preview"),
    ),
)

MASK_VIDEO = Graph(
    "lgtsm_03_remove_object_with_mask_video",
    (
        note(
            "## Remove an object with a mask video\n\n"
            "**Run** shows it on a sample. For your own film:\n\n"
            "1. *Your clip*: choose a video in place of the sample.\n"
            "2. *Your mask*: a black and white video of the same length; white is removed.\n"
            "3. Press **Run**.\n\n"
            "*Mask Video* shows the mask over the frames and reports its coverage. Include shadows "
            "and reflections in the mask. Size, length and sound stay; nothing outside the mask "
            "changes before *Save Video* encodes the film again.\n\n"
            "All frames are held in memory here: for more than a few hundred frames use the "
            "workflow *long clip streamed*.",
            (440, 700),
        ),
        clip(),
        masks((40, 400)),
        parts("parts", (400, 40), "clip"),
        parts("maskparts", (400, 480), "masks"),
        node("grey", "ImageToMask", (660, 480), None, {"channel": "red"}, image="maskparts.images"),
        mask_video((960, 360), (340, 620), images="parts.images", mask="grey.MASK"),
        fill((1360, 240), (340, 360), **_FOUND_MASK),
        *film((1760, 40), (2080, 40), fps="parts.fps", audio="parts.audio"),
    ),
)

LOGO = Graph(
    "lgtsm_04_remove_logo_or_watermark",
    (
        note(
            "## Remove a logo or watermark with one painted mask\n\n"
            "**Run** shows it on a sample. For your own film:\n\n"
            "1. *Your clip*: choose a video of any length in place of the sample.\n"
            "2. *LGTSM Video Frame*: set `frame` to one in which the logo is easy to see. Select the node and run it "
            "alone, by the play button above it; the frame is saved.\n"
            "3. *A frame, painted*: press **R**, choose that frame, right-click the node, open "
            "its **mask editor**, paint over the logo, save.\n"
            "4. Press **Run**. The clip is read and written frame by frame; sound and frame times "
            "are kept.\n\n"
            "Instead of a mask you can type boxes, one per line: `x,y,width,height`. Disconnect "
            "`mask` in that case."
        ),
        clip("lgtsm_sample_logo.mp4"),
        node("frame", "LGTSMVideoFrame", (440, 700), (340, 360), video="clip.VIDEO"),
        node(
            "paint",
            "LoadImage",
            (440, 240),
            (300, 400),
            {"image": "lgtsm_sample_logo.png"},
            "A frame, painted",
        ),
        fill_video((800, 140), (400, 580), video="clip.VIDEO", mask="paint.MASK"),
        save((1260, 40), "fill.video", "video/lgtsm_logo"),
    ),
)

STREAMED = Graph(
    "lgtsm_05_long_clip_streamed",
    (
        note(
            "## A clip of any length, in constant memory\n\n"
            "**Run** shows it on a sample. For your own film choose two videos of the same length as "
            "*Your clip* and *Your mask* (white is removed), and press **Run**.\n\n"
            "The clip is never loaded as a whole: one minute of 1080p as IMAGE would be 45 GB. "
            "*Save Video* with format and codec on `auto` copies the result without encoding it "
            "again. An interrupted run continues where it stopped when you press **Run** again.\n\n"
            "With `lossless` the result stays in `output/lgtsm` as Matroska, exact outside the "
            "mask."
        ),
        clip(),
        masks((440, 360)),
        fill_video((800, 140), (400, 540), video="clip.VIDEO", mask_video="masks.VIDEO"),
        save((1260, 40), "fill.video", "video/lgtsm_long"),
    ),
)

SAM3 = Graph(
    "lgtsm_10_name_the_object_sam3",
    (
        note(
            "## Name the object: masks by SAM 3\n\n"
            "Needs a ComfyUI with the core SAM 3 nodes and its weights: put "
            "`sam3.1_multiplex_fp16.safetensors` (repository `Comfy-Org/sam3.1` on Hugging Face) "
            "into `models/checkpoints`; check their licence there.\n\n"
            "1. *Your clip*: choose a video.\n"
            "2. *What to remove*: name it in a word or two.\n"
            "3. Press **Run**.\n\n"
            "This graph was validated, but not run with those weights by the makers of this pack."
        ),
        clip(),
        parts("parts", (400, 40), "clip"),
        node(
            "sam",
            "CheckpointLoaderSimple",
            (400, 480),
            (260, 120),
            {"ckpt_name": "sam3.1_multiplex_fp16.safetensors"},
        ),
        node(
            "word",
            "CLIPTextEncode",
            (720, 640),
            (260, 120),
            {"text": "person"},
            "What to remove",
            clip="sam.CLIP",
        ),
        node(
            "track",
            "SAM3_VideoTrack",
            (1040, 480),
            (260, 180),
            images="parts.images",
            model="sam.MODEL",
            conditioning="word.CONDITIONING",
        ),
        node("object", "SAM3_TrackToMask", (1360, 480), (240, 80), track_data="track.track_data"),
        mask_video(
            (1660, 360), (300, 580), {"temporal_gap": 2}, images="parts.images", mask="object.masks"
        ),
        fill((2020, 240), (300, 360), {"grow": 8}, **_FOUND_MASK),
        *film((2380, 40), (2710, 40), fps="parts.fps", audio="parts.audio"),
    ),
    needs="sam3.1_multiplex_fp16.safetensors",
)

GRAPHS: dict[str, Graph] = {
    graph.name: graph
    for graph in (
        FIRST_RUN,
        MASK_VIDEO,
        LOGO,
        STREAMED,
        LOCKED_OFF,
        PAINTED,
        SAM3,
        HAND_OVER,
        SELF_TEST,
        BUILT_IN,
        BY_A_MODEL,
        PAINT_ONE_FRAME,
    )
}
