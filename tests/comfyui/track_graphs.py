"""The workflow of tracking: one painted frame becomes the mask of the whole clip."""

from __future__ import annotations

from tests.comfyui.graph import Graph, fill, film, node, note, report, scene

PAINT_ONE_FRAME = Graph(
    "lgtsm_12_paint_one_frame_track_remove",
    (
        note(
            "## Paint one frame, track, remove\n\n"
            "*LGTSM Track Mask* follows what is painted in one frame through the clip, without any model "
            "and without a graphics card; *LGTSM Inpaint* removes it. Here the mask of frame 12 of the "
            "scene stands for what you paint.\n\n"
            "For your own clip: *LGTSM Video Frame* saves a frame, paint it in the mask editor of *Load "
            "Image*, connect its mask to `painted` and write the number of the frame into "
            "`painted_frames`. The node says which frame to paint next where it is unsure; put several "
            "masks into one batch and write their numbers as `12, 40`.",
            (40, 340),
        ),
        scene(24, camera="planar"),
        node("drawn", "MaskToImage", (480, 400), (220, 60), mask="scene.mask"),
        node(
            "one",
            "ImageFromBatch",
            (740, 400),
            (240, 120),
            {"batch_index": 12, "length": 1},
            "Your painted frame",
            image="drawn.IMAGE",
        ),
        node(
            "painted", "ImageToMask", (1020, 400), (220, 80), {"channel": "red"}, image="one.IMAGE"
        ),
        node(
            "track",
            "LGTSMTrackMask",
            (1290, 320),
            (320, 380),
            {"painted_frames": "12"},
            images="scene.images",
            painted="painted.MASK",
        ),
        fill((1660, 40), (300, 360), images="scene.images", mask="track.mask"),
        *film((2020, 40), (2380, 40)),
        report((2020, 560), (300, 240)),
    ),
)
