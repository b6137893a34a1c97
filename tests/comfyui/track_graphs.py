"""The workflow of tracking: one painted frame becomes the mask of the whole clip."""

from __future__ import annotations

from lgtsm.mask_options import TRACKED_GROW_PERCENT
from tests.comfyui.graph import Graph, clip, fill_video, node, note, report, save
from tests.comfyui.samples import PAINTED

PAINT_ONE_FRAME = Graph(
    "lgtsm_02_paint_one_frame_track_remove",
    (
        note(
            "## Paint one frame, track, remove\n\n"
            "**Run** shows it on a sample. For your own clip:\n\n"
            "1. *Your clip*: choose a video of any length (above 100 MB: copy it into ComfyUI's `input` folder).\n"
            "2. *LGTSM Video Frame*: set `frame` to one in which the object is large and whole: two seconds into "
            "a video of 24 frames a second is 48. Select the node and run it alone, by the play button above it; "
            "the frame is saved.\n"
            "3. *The object, painted*: press **R** to refresh the lists, choose that frame, right-click the node, "
            "open its **mask editor** (near the end of the menu), paint over the object and its shadow up to their outline, save.\n"
            "4. *LGTSM Track Mask Video*: write the number of the frame into `painted_frames`. If you did not paint "
            "the shadow, set `complete` to `shadow`.\n"
            "5. Press **Run**. On two CPU cores expect a few seconds a frame.\n\n"
            "No model and no graphics card are needed. *LGTSM Track Mask Video* shows the mask. *Paint next* names "
            "the frames to look at first; if the result is good there, you are done.\n\n"
            "A pale ghost of the object is left? Set `grow_percent`, the last of *LGTSM Inpaint Video*, to 5. "
            "A piece of it? Paint that frame in a second *Load Image*, join both masks by *Batch Masks*, and write both "
            "numbers in the same order, such as `8, 40`."
        ),
        clip(),
        node(
            "frame",
            "LGTSMVideoFrame",
            (440, 700),
            (300, 360),
            {"frame": PAINTED},
            video="clip.VIDEO",
        ),
        node(
            "paint",
            "LoadImage",
            (440, 240),
            (300, 400),
            {"image": "lgtsm_sample_painted.png"},
            "The object, painted",
        ),
        node(
            "track",
            "LGTSMTrackMaskVideo",
            (820, 180),
            (320, 450),
            {"painted_frames": str(PAINTED)},
            video="clip.VIDEO",
            painted="paint.MASK",
        ),
        fill_video(
            (1220, 40),
            (400, 540),
            {"grow_percent": TRACKED_GROW_PERCENT},
            video="clip.VIDEO",
            mask_video="track.mask_video",
        ),
        save((1700, 40), "fill.video", "video/lgtsm_clean"),
        report((1220, 760), (400, 160), "track.repaint", "Paint next"),
    ),
)
