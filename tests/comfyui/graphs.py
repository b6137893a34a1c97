"""All shipped workflows: first on the demo scene, then on the user's own files."""

from __future__ import annotations

from tests.comfyui.graph import (
    CLIP,
    MASKS,
    Graph,
    check,
    fill,
    fill_video,
    film,
    mask_video,
    node,
    note,
    parts,
    report,
    save,
    scene,
)

_SCENE_MASK = {"images": "scene.images", "mask": "scene.mask"}
_FOUND_MASK = {"images": "parts.images", "mask": "mask.mask"}

FIRST_RUN = Graph(
    "lgtsm_first_run",
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
        mask_video((540, 40), (360, 620), **_SCENE_MASK),
        fill((940, 40), (360, 360), images="scene.images", mask="mask.mask"),
        *check((940, 460)),
        *film((1340, 440), fps="scene.fps"),
    ),
)

LOCKED_OFF = Graph(
    "lgtsm_locked_off",
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
            (540, 40),
            (340, 280),
            {"frame": 12, "motion": "none"},
            **_SCENE_MASK,
        ),
        node("shown", "PreviewImage", (540, 380), (340, 280), images="plate.plate"),
        fill((940, 40), (360, 420), {"motion": "none"}, **_SCENE_MASK, plate="plate.plate"),
        *check((940, 520)),
        *film((1340, 440), fps="scene.fps"),
    ),
)

PAINTED = Graph(
    "lgtsm_painted_plate",
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
            (540, 40),
            (300, 120),
            {"batch_index": 12, "length": 1},
            "Your painted frame",
            image="scene.truth",
        ),
        fill((940, 40), (360, 420), {"plate_frames": "12"}, **_SCENE_MASK, plate="painted.IMAGE"),
        *check((940, 520)),
        *film((1340, 440), fps="scene.fps"),
    ),
)

SELF_TEST = Graph(
    "lgtsm_free_form_self_test",
    (
        note(
            "## Self-test with free-form masks\n\n"
            "Draws masks over a clip whose pixels are known, fills them and measures the error. "
            "Press **Run**; the graph stops with an error if anything outside the mask changed.\n\n"
            "Try other presets, or `custom` with another `kind` and `coverage`. The same seed draws "
            "the same masks everywhere, on the command line (`lgtsm masks`) too if `num_strokes` "
            "and `border` are 0."
        ),
        scene(16),
        node(
            "draw",
            "GenerateFreeFormMasks",
            (540, 40),
            (340, 400),
            {"preset": "object_like_small", "num_strokes": 3},
            like="scene.truth",
        ),
        mask_video(
            (540, 500),
            (340, 560),
            {"preview_as": "checker"},
            images="scene.truth",
            mask="draw.mask",
        ),
        fill((920, 40), (360, 360), {"grow": 0}, images="scene.truth", mask="mask.mask"),
        *check((920, 460), "truth", stop_on_failure=True),
        node(
            "changes",
            "PreviewImage",
            (1320, 440),
            (400, 340),
            title="Changes",
            images="check.changes",
        ),
    ),
)

HAND_OVER = Graph(
    "lgtsm_hand_over",
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
            (540, 40),
            (340, 400),
            {"kind": "box", "coverage": 0.1, "speed": 0, "seed": 9},
            "The hard part",
            like="scene.images",
        ),
        fill((540, 500), (340, 360), {"mode": "copy"}, **_SCENE_MASK),
        node(
            "left",
            "MaskComposite",
            (920, 40),
            (340, 160),
            {"operation": "multiply"},
            "Left for another model",
            destination="fill.mask_used",
            source="hard.mask",
        ),
        node(
            "shown",
            "MaskVideo",
            (920, 260),
            (340, 600),
            {"preview_as": "checker"},
            "Frames and mask to hand over",
            images="fill.images",
            mask="left.MASK",
        ),
        node("preview", "PreviewImage", (1300, 40), (420, 420), images="shown.preview"),
    ),
)

MASK_VIDEO = Graph(
    "lgtsm_remove_with_mask_video",
    (
        note(
            "## Remove an object with a mask video\n\n"
            "1. *Your clip*: choose a video.\n"
            "2. *Your mask*: a black and white video of the same length; white is removed.\n"
            "3. Press **Run**.\n\n"
            "*Mask Video* shows the mask over the frames and reports its coverage. Include shadows "
            "and reflections in the mask. Size, length and sound stay; nothing outside the mask "
            "changes before *Save Video* encodes the film again.\n\n"
            "All frames are held in memory here: for more than a few hundred frames use the "
            "workflow *long clip streamed*."
        ),
        CLIP,
        parts("parts", (40, 760), "clip"),
        MASKS,
        parts("maskparts", (380, 760), "masks"),
        node("grey", "ImageToMask", (720, 760), None, {"channel": "red"}, image="maskparts.images"),
        mask_video((720, 40), (360, 620), images="parts.images", mask="grey.MASK"),
        fill((1120, 40), (360, 360), **_FOUND_MASK),
        report((1120, 460), (360, 400)),
        *film((1520, 40), fps="parts.fps", audio="parts.audio"),
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
            "Instead of a mask you can type boxes, one per line: `x,y,width,height`. Disconnect "
            "`mask` in that case."
        ),
        CLIP,
        node(
            "paint", "LoadImage", (380, 400), (300, 400), {"image": "logo.png"}, "A frame, painted"
        ),
        fill_video((720, 40), (400, 540), video="clip.VIDEO", mask="paint.MASK"),
        save((1160, 40), "fill.video", "video/lgtsm_logo"),
        report((1160, 540), (400, 300)),
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
            "The clip is never loaded as a whole: one minute of 1080p as IMAGE would be 45 GB. "
            "*Save Video* with format and codec on `auto` copies the result without encoding it "
            "again. An interrupted run continues where it stopped when you press **Run** again.\n\n"
            "With `lossless` the result stays in `output/lgtsm` as Matroska, exact outside the "
            "mask."
        ),
        CLIP,
        MASKS,
        fill_video((720, 40), (400, 540), video="clip.VIDEO", mask_video="masks.VIDEO"),
        save((1160, 40), "fill.video", "video/lgtsm_long"),
        report((1160, 540), (400, 300)),
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
            "into `models/checkpoints`; check their licence there.\n\n"
            "1. *Your clip*: choose a video.\n"
            "2. *What to remove*: name it in a word or two.\n"
            "3. Press **Run**.\n\n"
            "This graph was validated, but not run with those weights by the makers of this pack."
        ),
        CLIP,
        parts("parts", (40, 760), "clip"),
        node(
            "sam",
            "CheckpointLoaderSimple",
            (380, 400),
            (320, 120),
            {"ckpt_name": "sam3.1_multiplex_fp16.safetensors"},
        ),
        node(
            "word",
            "CLIPTextEncode",
            (380, 570),
            (320, 120),
            {"text": "person"},
            "What to remove",
            clip="sam.CLIP",
        ),
        node(
            "track",
            "SAM3_VideoTrack",
            (380, 740),
            (320, 180),
            images="parts.images",
            model="sam.MODEL",
            conditioning="word.CONDITIONING",
        ),
        node("object", "SAM3_TrackToMask", (380, 970), (320, 80), track_data="track.track_data"),
        mask_video(
            (740, 40), (360, 620), {"temporal_gap": 2}, images="parts.images", mask="object.masks"
        ),
        fill((1140, 40), (360, 360), {"grow": 8}, **_FOUND_MASK),
        *film((1540, 40), fps="parts.fps", audio="parts.audio"),
    ),
    files=("clip.mp4",),
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
        SELF_TEST,
        HAND_OVER,
        SAM3,
    )
}
