"""Picture files of a run: films and sheets of the results, an index, and the exported inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from ...errors import VideoError
from ...scene.sheet import clip_sheet, side_by_side
from ...video.clip import write_clip
from .cases import Case, Material, load_case
from .results import Row

_TINT = (0.9, 0.15, 0.35)
_TINT_WEIGHT = 0.55
_RATE = Fraction(12)
"""Frames per second of the films."""


@dataclass(frozen=True)
class PicturePaths:
    """Paths of the pictures of one case."""

    out: Path
    case: str

    @property
    def film(self) -> Path:
        """The side-by-side video."""
        return self.out / "pictures" / f"{self.case}.mp4"

    @property
    def sheet(self) -> Path:
        """The contact sheet."""
        return self.out / "pictures" / f"{self.case}.jpg"

    def exist(self) -> bool:
        """Whether both files exist."""
        return self.film.is_file() and self.sheet.is_file()


def write_pictures(paths: PicturePaths, material: Material, results: Mapping[str, Tensor]) -> None:
    """Write film and sheet: the frames with the hole tinted, then each result.

    Args:
        paths: where.
        material: the case.
        results: name to (T,3,H,W).

    Raises:
        VideoError: the folder cannot be written.
    """
    tint = material.frames.new_tensor(_TINT)[:, None, None]
    tinted = (1 - _TINT_WEIGHT) * material.frames + _TINT_WEIGHT * tint
    rows = {"hole": torch.where(material.holes > 0, tinted, material.frames), **results}
    try:
        paths.sheet.parent.mkdir(parents=True, exist_ok=True)
        write_clip(paths.film, side_by_side(list(rows.values())), rate=_RATE)
        clip_sheet(rows).save(paths.sheet, quality=92)
    except OSError as error:
        raise VideoError(
            f"Expected to write pictures to {paths.sheet.parent}, got: {error.strerror or error}; "
            "check free space."
        ) from error


def write_index(out: Path, worst: Sequence[Row], method: str) -> None:
    """Write the page `pictures/index.md`, worst cases first.

    Args:
        out: folder of the run.
        worst: rows of `summary.worst_cases`.
        method: whose cases they are.
    """
    lines = [
        f"# {method}, worst cases first",
        "",
        "By how far the hole's PSNR is below that of the best simple method; by seam contrast where "
        "there is no truth.",
        "",
    ]
    for rank, row in enumerate(worst, 1):
        case = f"{row['clip']}.{row['holes']}"
        psnr, gain = row["psnr"], row["gain"]
        figures = "" if psnr is None else f": {psnr:.2f} dB"
        figures += "" if gain is None else f", {gain:+.2f} against the best simple method"
        lines += [f"## {rank}. {case}{figures}", "", f"![]({case}.jpg)", "", f"[film]({case}.mp4)"]
        lines.append("")
    page = out / "pictures" / "index.md"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("\n".join(lines), encoding="utf-8")


def export_inputs(cases: Sequence[Case], folder: Path) -> int:
    """Write FOLDER/CLIP.HOLES/frames (black under the hole) and masks (white = hole) as PNG.

    Args:
        cases: which.
        folder: where.

    Returns:
        How many cases were written, without those that the protocol excludes.

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
