"""The inputs of all cases as files, for tools that are to be compared."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from PIL import Image

from ...errors import VideoError
from .cases import Case, load_case


def export_inputs(cases: Sequence[Case], folder: Path) -> int:
    """Write FOLDER/CLIP.HOLES/frames (black under the hole) and masks (white = hole) as PNG.

    Args:
        cases: which.
        folder: where.

    Returns:
        How many cases were written; those that the protocol leaves out are not.

    Raises:
        VideoError: the folder cannot be written.
    """
    written = 0
    for case in cases:
        material = load_case(case)
        if isinstance(material, str):
            continue
        written += 1
        try:
            for name, clip in (("frames", material.masked), ("masks", material.holes)):
                target = folder / case.name / name
                target.mkdir(parents=True, exist_ok=True)
                for number, frame in enumerate(clip):
                    levels = (255 * frame).round().to(torch.uint8).permute(1, 2, 0).numpy()
                    picture = Image.fromarray(levels[..., 0] if name == "masks" else levels)
                    picture.save(target / f"{number:05d}.png")
        except OSError as error:
            raise VideoError(
                f"Expected to write the inputs to {folder}, got: {error.strerror or error}; check "
                "free space."
            ) from error
    return written
