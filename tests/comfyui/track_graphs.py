"""The workflow of tracking: one painted frame becomes the mask of the whole clip."""

from __future__ import annotations

from lgtsm.mask_options import TRACKED_GROW_PERCENT
from tests.comfyui.graph import Graph, clip, fill_video, node, note, report, save
from tests.comfyui.samples import PAINTED

PAINT_ONE_FRAME = Graph(
    "lgtsm_02_paint_one_frame_track_remove",
    (
        note(
            "# Zoom in to read (mouse wheel)\n\n"
            "## Paint one frame, track, remove\n\n"
            "**Run** shows it on a sample. For your own clip:\n\n"
            "1. *Your clip*: choose a video of any length (above 100 MB: copy it into ComfyUI's `input` folder).\n"
            "2. *LGTSM Video Frame*: set `frame` to one in which the object is large and whole: one second into "
            "a video of 24 frames a second is 24. Select the node and run it alone, by the play button above it (if a "
            "tooltip hides it, move the mouse away); the frame is saved.\n"
            "3. *The object, painted*: press **R** to refresh the lists, choose that frame, right-click the node, "
            "open its **mask editor** (near the end of the menu), paint over the object and its shadow up to their outline, save. Where something "
            "stands in front of the object, leave that out.\n"
            "4. *LGTSM Track Mask Video*: write the number of the frame into `painted_frames`. If you did not paint "
            "the shadow, set `complete` to `shadow`.\n"
            "5. Press **Run**. On two CPU cores expect some seconds a frame.\n\n"
            "No model and no graphics card are needed. *LGTSM Before and After Video* plays your clip with the mask in red "
            "and the numbers of the frames, and the result beside it: there you see what the mask missed, and in which frame.\n\n"
            "**A pale ghost of the object is left?** Set `grow_percent`, the last of *LGTSM Inpaint Video*, to 5.\n\n"
            "**A piece of it is left, or the mask covers more than it?** Paint a frame in which you see that: select *A second "
            "frame, painted* and *Batch Masks*, press **Ctrl+B** to switch both on, paint that frame as before, and write both "
            "numbers: first that of *The object, painted*. For a third, copy *A second frame, painted* (Ctrl+C, Ctrl+V) and connect "
            "it to *Batch Masks*. Expect several rounds. *Paint next* suggests frames, but not every frame that is wrong."
        ),
        clip(),
        node(
            "frame",
            "LGTSMVideoFrame",
            (440, 125),
            (300, 320),
            {"frame": PAINTED},
            video="clip.VIDEO",
        ),
        node(
            "paint",
            "LoadImage",
            (440, 530),
            (300, 320),
            {"image": "lgtsm_sample_painted.png"},
            "The object, painted",
        ),
        node(
            "second",
            "LoadImage",
            (440, 885),
            (300, 320),
            {"image": "lgtsm_sample_painted.png"},
            "A second frame, painted",
            bypassed=True,
        ),
        node(
            "both",
            "BatchMasksNode",
            (790, 630),
            (220, 100),
            bypassed=True,
            **{"masks.mask0": "paint.MASK", "masks.mask1": "second.MASK"},
        ),
        node(
            "track",
            "LGTSMTrackMaskVideo",
            (1060, 90),
            (320, 450),
            {"painted_frames": str(PAINTED)},
            video="clip.VIDEO",
            painted="both.MASK",
        ),
        fill_video(
            (1460, 40),
            (400, 560),
            {"grow_percent": TRACKED_GROW_PERCENT},
            video="clip.VIDEO",
            mask_video="track.mask_video",
        ),
        save((1990, 40), "fill.video", "video/lgtsm_clean"),
        node("around", "Reroute", (1800, -20), **{"": "clip.VIDEO"}),  # no link behind a node
        node(
            "compare",
            "LGTSMCompareVideo",
            (1990, 560),
            (560, 400),
            {"compare_as": "mask"},
            before="around.",
            after="fill.video",
            mask_video="fill.mask_used",
        ),
        report((1460, 780), (400, 160), "track.advice", "Paint next"),
    ),
)
