"""The inputs that both inpainting nodes have, and the options they stand for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from comfy_api.latest import io

from ..lgtsm.options import InpaintOptions, Mode, Motion
from .schema import LgtsmModelType, choice

GROW_PX = 4
"""Masks of segmenters are tight, and a halo is the commonest complaint; as the command line."""


def fill_inputs() -> list[io.Input]:
    """Return the inputs; their order is frozen, later ones go to the end of the node."""
    return [
        choice(
            "mode",
            Mode,
            Mode.COPY_FILL,
            "What may fill: copy+fill takes real pixels from other frames where they fit and lets "
            "the network do the rest; copy uses no network; fill is the network alone.",
        ),
        io.Int.Input(
            "grow",
            default=GROW_PX,
            min=0,
            max=256,
            step=1,
            tooltip="Enlarge the mask by this many pixels on every side, to cover soft edges.",
        ),
        io.Int.Input(
            "feather",
            default=2,
            min=0,
            max=64,
            step=1,
            tooltip="Width in pixels of the soft edge inside the mask; outside nothing changes.",
        ),
        io.Int.Input(
            "source_frames",
            default=8,
            min=0,
            max=32,
            step=1,
            tooltip="How many other frames may lend pixels to one frame; 0 copies nothing.",
            advanced=True,
        ),
        io.Int.Input(
            "reach",
            default=48,
            min=0,
            max=192,
            step=1,
            tooltip="How far before and after, in frames, they may lie. More of them take more "
            "memory.",
            advanced=True,
        ),
        io.Boolean.Input(
            "detect_cuts",
            default=True,
            tooltip="Find hard cuts and never take pixels across one.",
            advanced=True,
        ),
        io.Int.Input(
            "max_side",
            default=960,
            min=64,
            max=8192,
            step=16,
            tooltip="Longest side in pixels that is worked at; larger frames are filled at this "
            "size and composited at their own. Raise it where memory allows.",
            advanced=True,
        ),
        io.Int.Input(
            "chunk",
            default=0,
            min=0,
            max=64,
            step=1,
            tooltip="Frames computed together; 0 chooses by frame size. Lower it to save memory.",
            advanced=True,
        ),
        LgtsmModelType.Input(
            "model", optional=True, tooltip="Leave empty to use the built-in model."
        ),
        choice(
            "motion",
            Motion,
            Motion.AUTO,
            "How other frames are aligned before pixels are copied: none for a fixed camera, "
            "planar for panning and zooming, flow for parallax, auto for the best of all.",
        ),
    ]


def fill_options(options: InpaintOptions, settings: Mapping[str, Any]) -> InpaintOptions:
    """Return options with what the user chose; device and precision come with the model."""
    run = replace(options.run, max_side=settings["max_side"], chunk=settings["chunk"])
    return replace(
        options,
        mode=Mode(settings["mode"]),
        motion=Motion(settings["motion"]),
        feather=settings["feather"],
        source_frames=settings["source_frames"],
        reach=settings["reach"],
        cuts=None if settings["detect_cuts"] else (),
        run=run,
    )
