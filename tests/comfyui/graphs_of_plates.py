"""Workflows with a clean plate and with a painted frame, on the demo scene."""

from __future__ import annotations

from tests.comfyui.graph import Graph, Node, film, note

LOCKED_OFF = Graph(
    "lgtsm_locked_off",
    (
        note(
            "## Locked-off camera: one clean plate for the whole shot\n\n"
            "*LGTSM Clean Plate* copies what the mask hides in one frame from all the others; "
            "`missing` is what no frame shows (paint it, if there is any). *LGTSM Inpaint* takes "
            "the plate as `reference`, matched to every frame's exposure; `motion` is `none`, since "
            "the camera stands still.\n\nPut *Load Video* in the place of the scene for your own "
            "clip."
        ),
        Node(
            "scene",
            "LGTSMDemoScene",
            (40, 400),
            {"frames": 24, "width": 320, "height": 180},
            size=(320, 260),
        ),
        Node(
            "plate",
            "LGTSMCleanPlate",
            (540, 40),
            {"frame": 12, "motion": "none"},
            (("images", "scene", "images"), ("mask", "scene", "mask")),
            size=(340, 280),
        ),
        Node(
            "shown",
            "PreviewImage",
            (540, 380),
            {},
            (("images", "plate", "plate"),),
            size=(340, 280),
        ),
        Node(
            "fill",
            "LGTSMInpaint",
            (940, 40),
            {"motion": "none"},
            (
                ("images", "scene", "images"),
                ("mask", "scene", "mask"),
                ("reference", "plate", "plate"),
            ),
            size=(360, 420),
        ),
        Node(
            "check",
            "LGTSMCheckResult",
            (940, 520),
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
        *film((1340, 440), ("fill", "images"), ("scene", "fps")),
    ),
)


PAINTED = Graph(
    "lgtsm_painted_reference",
    (
        note(
            "## A painted frame, carried through a moving shot\n\n"
            "The camera pans. One frame is clean: here frame 12 of the scene's truth stands for the "
            "frame that you painted (put *Load Image* in its place). `plate_frames` says which "
            "frame it is; that frame gets exactly these pixels, the others get them along the "
            "camera's motion, matched in exposure, before anything else is considered."
        ),
        Node(
            "scene",
            "LGTSMDemoScene",
            (40, 400),
            {"camera": "planar", "frames": 24, "width": 320, "height": 180},
            size=(320, 260),
        ),
        Node(
            "painted",
            "ImageFromBatch",
            (540, 40),
            {"batch_index": 12, "length": 1},
            (("image", "scene", "truth"),),
            title="Your painted frame",
            size=(300, 120),
        ),
        Node(
            "fill",
            "LGTSMInpaint",
            (940, 40),
            {"plate_frames": "12"},
            (
                ("images", "scene", "images"),
                ("mask", "scene", "mask"),
                ("reference", "painted", "IMAGE"),
            ),
            size=(360, 420),
        ),
        Node(
            "check",
            "LGTSMCheckResult",
            (940, 520),
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
        *film((1340, 440), ("fill", "images"), ("scene", "fps")),
    ),
)
