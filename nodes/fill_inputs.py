"""The inputs that both inpainting nodes have, and the options and plates they stand for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from comfy_api.latest import io
from torch import Tensor

from ..lgtsm.copying.plates import Plate
from ..lgtsm.errors import ShapeError
from ..lgtsm.mask_options import GROW_PX, MaskOptions
from ..lgtsm.options import InpaintOptions, RunOptions
from ..lgtsm.weights.synthesiser import BUILT_IN
from .convert import to_frames, to_masks
from .frame_numbers import frame_numbers
from .loaded import neighbours_of
from .model_files import find_synthesiser, synthesisers
from .schema import LgtsmModelType, option


def fill_inputs() -> list[io.Input]:
    """Return the inputs of the fill; their order is frozen, later ones go to the end of a node."""
    return [
        option(InpaintOptions, "mode"),
        option(MaskOptions, "grow", default=GROW_PX),
        option(InpaintOptions, "feather"),
        option(InpaintOptions, "source_frames"),
        option(InpaintOptions, "reach"),
        cuts_input(),
        option(RunOptions, "max_side"),
        option(RunOptions, "chunk"),
        LgtsmModelType.Input(
            "model", optional=True, tooltip="Leave unconnected to use the built-in model."
        ),
        option(InpaintOptions, "motion"),
    ]


def cuts_input() -> io.Input:
    """Return the choice whether cuts are detected."""
    return io.Boolean.Input(
        "detect_cuts",
        default=True,
        tooltip="Find hard cuts and never take pixels across one.",
        advanced=True,
    )


def fill_options(settings: Mapping[str, Any]) -> InpaintOptions:
    """Return the options that the user chose; device and dtype come with the model."""
    synthesiser = find_synthesiser(settings.get("synthesiser", BUILT_IN))
    return InpaintOptions.of(
        settings,
        synthesiser=synthesiser,
        neighbours=neighbours_of(settings.get("aligner"), settings.get("carrier")),
        cuts=None if settings["detect_cuts"] else (),
        mask=MaskOptions.of(settings),
        run=RunOptions.of(settings),
    )


def later_inputs() -> list[io.Input]:
    """Return what came later: plates, preset, unseen places, synthesiser, networks that help; all optional, so that older prompts run."""
    return [
        *plate_inputs(),
        option(InpaintOptions, "preset", optional=True),
        option(InpaintOptions, "unseen", optional=True),
        plate_masks_input(),
        # a workflow may come from anybody: a file of the model folder, where the library takes any
        io.Combo.Input(
            "synthesiser",
            options=synthesisers(),
            default=BUILT_IN,
            optional=True,
            advanced=True,
            tooltip="What synthesises places that no frame shows: built-in, from patches of the picture, or a "
            "still-image inpainting model as an ONNX file in models/lgtsm, such as LaMa; needs onnxruntime.",
        ),
        LgtsmModelType.Input(
            "aligner",
            optional=True,
            tooltip="A network that aligns frames, for motion dfpn, cpn or auto, from Load LGTSM Model.",
        ),
        LgtsmModelType.Input(
            "carrier",
            optional=True,
            tooltip="A network that carries what is synthesised through the shot, from Load LGTSM Model; "
            "unconnected, it is copied along the motion.",
        ),
        option(MaskOptions, "grow_percent", optional=True),
    ]


def plate_inputs() -> list[io.Input]:
    """Return the inputs of plates and their frame numbers."""
    return [
        io.Image.Input(
            "plate",
            optional=True,
            tooltip="Clean plates of the scene, or frames you painted yourself, framed like the "
            "clip. They take precedence over all other fills.",
        ),
        io.String.Input(
            "plate_frames",
            default="",
            optional=True,
            tooltip="Numbers of the frames that the plates belong to, counted from 0, such as "
            "0, 48. Leave empty to have each found by its content.",
        ),
    ]


def plate_masks_input() -> io.Input:
    """Return the input of the plates' masks."""
    return io.Mask.Input(
        "plate_masks",
        optional=True,
        tooltip="The part of each plate that is used, white, such as the masks of LGTSM Key Frames; "
        "elsewhere real pixels of other frames are copied. Unconnected, the whole plates are used.",
    )


def to_plates(
    images: Tensor | None, numbers: str, masks: Tensor | None = None, first: int = 0
) -> tuple[Plate, ...]:
    """Return the plates of a node.

    Args:
        images: (N,H,W,C) or None.
        numbers: one frame number per plate, or empty.
        masks: (N,h,w) or one for all, 1 = is used; None is all of every plate.
        first: number of the frame that the user counts as 0.

    Raises:
        OptionError: not numbers, or not as many as plates; ShapeError: not pictures, or masks of another
        number.
    """
    count = 0 if images is None else len(images)
    frames: list[int | None] = [None] * count
    if numbers.replace(",", " ").strip():
        frames = [
            first + number for number in frame_numbers(numbers, count, "plates", "Batch Images")
        ]
    if images is None:
        return ()
    pictures = to_frames(images).float().cpu()
    parts: Sequence[Tensor | None] = [None] * count
    if masks is not None:
        marked = to_masks(masks).float().cpu()
        if len(marked) not in (1, count):
            raise ShapeError(
                f"Expected one mask for each of the {count} plates, or one for all, got {len(marked)}; "
                "connect the masks of the same node."
            )
        parts = list(marked.expand(count, -1, -1, -1))
    return tuple(Plate(*plate) for plate in zip(pictures, frames, parts, strict=True))
