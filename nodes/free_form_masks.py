"""GenerateFreeFormMasks: mask clips for tests and demonstrations, as `lgtsm masks draw` draws them."""

from __future__ import annotations

from comfy_api.latest import io
from torch import Tensor

from ..lgtsm.masks.coverage import coverage as measure
from ..lgtsm.masks.draw.free_form import SEED_LIMIT, free_form_masks, leave_border
from ..lgtsm.masks.draw.kinds import Kind
from ..lgtsm.masks.draw.raster import draw_masks
from ..lgtsm.masks.draw.stroke_presets import Preset
from .clip_limit import check_clip
from .convert import from_holes, to_frames
from .schema import choice, number, schema

_CUSTOM = "custom"


class GenerateFreeFormMasks(io.ComfyNode):
    """Draw a clip of masks."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Return ids, inputs and outputs."""
        return schema(
            node_id="GenerateFreeFormMasks",
            display_name="Generate Free-Form Masks",
            description=(
                "Draws a clip of masks from a seed: the published free-form strokes, reproduced "
                "exactly, or boxes, logos, letters, scratches, borders, objects and strokes of a "
                "chosen coverage."
            ),
            search_aliases=["random mask", "free-form mask", "stroke mask", "mask generator"],
            inputs=[
                number(io.Int, "width", 432, (1, 16384), "Width of the masks."),
                number(io.Int, "height", 240, (1, 16384), "Height of the masks."),
                number(io.Int, "frames", 16, (1, 100000), "Number of masks."),
                io.Combo.Input(
                    "preset",
                    options=[_CUSTOM, *(preset.value for preset in Preset)],
                    default=_CUSTOM,
                    tooltip="A published preset draws exactly as published and uses num_strokes; "
                    "custom uses kind, coverage and speed.",
                ),
                choice("kind", Kind, Kind.STROKES, "With custom: shape of the masks."),
                number(
                    io.Float,
                    "coverage",
                    0.0,
                    (0.0, 0.9),
                    "With custom: share of the picture to mask, mean over the clip; 0 uses a "
                    "typical share for the kind.",
                    step=0.005,
                    round=0.001,
                ),
                number(
                    io.Float,
                    "speed",
                    1.0,
                    (0.0, 10.0),
                    "With custom: factor on all speeds; 0 is a still mask.",
                    step=0.1,
                ),
                number(
                    io.Int,
                    "num_strokes",
                    0,
                    (0, 100),
                    "With a published preset: strokes in the clip; 0 draws 1 to 19, as published.",
                ),
                number(
                    io.Int,
                    "border",
                    0,
                    (0, 512),
                    "Keep this many pixels at every edge of the picture unmasked.",
                ),
                io.Int.Input(
                    "seed",
                    default=0,
                    min=0,
                    max=SEED_LIMIT - 1,
                    control_after_generate=True,
                    tooltip="The same seed draws the same masks, here and (with num_strokes and "
                    "border 0) on the command line.",
                ),
                io.Image.Input(
                    "like",
                    optional=True,
                    tooltip="Take width, height and number of frames from these images.",
                ),
            ],
            outputs=[
                io.Mask.Output("mask", tooltip="0 or 1, one per frame; 1 = masked."),
                io.Float.Output(
                    "covered", tooltip="Measured mean share of the picture that is masked."
                ),
                io.String.Output("info", tooltip="Coverage per frame, as JSON."),
            ],
        )

    @classmethod
    def execute(  # noqa: D102
        cls,
        width: int,
        height: int,
        frames: int,
        preset: str,
        kind: str,
        coverage: float,
        speed: float,
        num_strokes: int,
        border: int,
        seed: int,
        like: Tensor | None = None,
    ) -> io.NodeOutput:
        if like is not None:
            frames, _, height, width = to_frames(like).shape
        size = (frames, height, width)
        check_clip(*size, channels=1)
        if preset == _CUSTOM:
            share = coverage or None
            holes = draw_masks(*size, kind=Kind(kind), seed=seed, coverage_ratio=share, speed=speed)
        else:
            count = num_strokes or None
            holes = free_form_masks(*size, preset=preset, seed=seed, num_strokes=count)
        holes = leave_border(holes, border)
        found = measure(holes)
        return io.NodeOutput(from_holes(holes, frames), found.mean, found.to_json())
