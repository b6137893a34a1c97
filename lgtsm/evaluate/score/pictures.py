"""A side-by-side film and a contact sheet of every case, and a page that lists the worst first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import torch
from torch import Tensor

from ...errors import VideoError
from ...scene.sheet import contact_sheet, side_by_side
from ...video.clip import write_clip
from .cases import Material

_SHOWN = 4
"""Frames on a sheet."""
_VEIL = (0.9, 0.15, 0.35)
_RATE = Fraction(12)


@dataclass(frozen=True)
class Wanted:
    """Where the pictures of one case go."""

    out: Path
    case: str

    @property
    def film(self) -> Path:
        """Return the side-by-side film."""
        return self.out / "pictures" / f"{self.case}.mp4"

    @property
    def sheet(self) -> Path:
        """Return the contact sheet."""
        return self.out / "pictures" / f"{self.case}.jpg"

    def exist(self) -> bool:
        """Tell whether both are there."""
        return self.film.is_file() and self.sheet.is_file()


def veiled(frames: Tensor, holes: Tensor) -> Tensor:
    """Return frames (T,3,H,W) with the holes (T,1,H,W) tinted."""
    veil = frames.new_tensor(_VEIL)[:, None, None]
    return torch.where(holes > 0, 0.45 * frames + 0.55 * veil, frames)


def write_pictures(wanted: Wanted, material: Material, results: Mapping[str, Tensor]) -> None:
    """Write film and sheet: the frames with the hole tinted, then each result.

    Args:
        wanted: where.
        material: the case.
        results: name to (T,3,H,W).

    Raises:
        VideoError: the folder cannot be written.
    """
    rows = {"hole": veiled(material.frames, material.holes), **results}
    try:
        wanted.sheet.parent.mkdir(parents=True, exist_ok=True)
        write_clip(wanted.film, side_by_side(list(rows.values())), rate=_RATE)
        count = len(material.frames)
        shown = torch.linspace(0, count - 1, min(_SHOWN, count)).round().long()
        sheet = contact_sheet([clip[shown] for clip in rows.values()], list(rows))
        sheet.save(wanted.sheet, quality=92)
    except OSError as error:
        raise VideoError(
            f"Expected to write pictures to {wanted.sheet.parent}, got: {error.strerror or error}; "
            "check free space."
        ) from error


def write_index(out: Path, worst: Sequence[Mapping[str, object]], method: str) -> Path:
    """Write the page `pictures/index.md`, worst cases first.

    Args:
        out: folder of the run.
        worst: rows of `summary.worst_cases`.
        method: whose cases they are.

    Returns:
        The page.
    """
    lines = [
        f"# {method}, worst cases first",
        "",
        "By how far the hole's PSNR stays below the best simple method's; by seam contrast where "
        "there is no truth.",
        "",
    ]
    for place, row in enumerate(worst, 1):
        case = f"{row['clip']}.{row['holes']}"
        psnr, gain = row["psnr"], row["gain"]
        figures = "" if psnr is None else f": {psnr:.2f} dB"
        figures += "" if gain is None else f", {gain:+.2f} against the best simple method"
        lines += [f"## {place}. {case}{figures}", "", f"![]({case}.jpg)", "", f"[film]({case}.mp4)"]
        lines.append("")
    page = out / "pictures" / "index.md"
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text("\n".join(lines), encoding="utf-8")
    return page
