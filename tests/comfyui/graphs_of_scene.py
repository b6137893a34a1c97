"""Workflows that need no file: the demo scene is rendered."""

from __future__ import annotations

from tests.comfyui.graph import Graph, Node, film, note

FIRST_RUN = Graph(
    "lgtsm_first_run",
    (
        note(
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
        *film((1340, 440), ("fill", "images"), ("scene", "fps")),
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
            "the same masks everywhere, with `num_strokes` 0 and `border` 0 on the command line too: `lgtsm masks`."
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
        note(
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
