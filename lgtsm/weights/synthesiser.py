"""From the name of a synthesiser to something that completes pictures."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import torch

from ..errors import WeightsError
from ..options import InpaintOptions
from ..synthesis.complete import complete
from ..synthesis.onnx_model import OnnxModel
from ..synthesis.patch_match import check_patch_match, complete_by_patch_match
from ..synthesis.synthesiser import Synthesiser
from .header import sha256_of
from .hub import fetch
from .hub_file import parse_hub_file

BUILT_IN, PATCH_MATCH = "built-in", "pypatchmatch"
ENDING = ".onnx"


@dataclass(frozen=True)
class LoadedSynthesiser:
    """A synthesiser for a job.

    name: for the report: "built-in", a file's name without its folder, or a hub file.
    sha256: of its file; empty where there is none.
    """

    name: str
    synthesiser: Synthesiser
    sha256: str = ""


def find_synthesiser(name_or_path: str) -> tuple[str, Path]:
    """Return the name and the path of an ONNX file.

    A hub is contacted only for a name that is neither a file nor in its cache.

    Args:
        name_or_path: a file, or `owner/name[@revision]:file.onnx` on a hub.

    Raises:
        WeightsError: no such file, or it cannot be fetched from the hub.
    """
    path = Path(name_or_path)
    with suppress(OSError, ValueError):  # too long a name for the disk, a null byte in it
        if path.is_file():
            return path.name, path
    hub_file = parse_hub_file(name_or_path, ENDING)
    if hub_file is None:
        raise WeightsError(
            f"Expected a synthesiser as an ONNX file, owner/name[@revision]:file{ENDING} on a hub or "
            f"{PATCH_MATCH}, got {name_or_path}; check the name or the path."
        )
    return str(hub_file), fetch(hub_file)


def synthesiser_digest(options: InpaintOptions) -> str:
    """Return what tells the synthesiser of a job from others: a SHA-256 or a name.

    Raises:
        WeightsError: as `find_synthesiser`.
    """
    wanted = options.synthesiser
    if wanted is None or wanted == PATCH_MATCH:
        return str(wanted or BUILT_IN)
    return sha256_of(find_synthesiser(str(wanted))[1])


def load_synthesiser(
    options: InpaintOptions, device: torch.device, threads: int = 0
) -> LoadedSynthesiser:
    """Load the synthesiser of a job, and try it where it is not built in.

    Args:
        options: of the job.
        device: of the job.
        threads: of the CPU; 0 is as many as there are cores.

    Raises:
        WeightsError: a file that is missing or cannot serve; DeviceError: a missing package.
    """
    wanted = options.synthesiser
    if wanted is None:
        return LoadedSynthesiser(BUILT_IN if options.synthesises else "none", complete)
    if wanted == PATCH_MATCH:
        check_patch_match()
        return LoadedSynthesiser(PATCH_MATCH, complete_by_patch_match)
    name, path = find_synthesiser(str(wanted))
    try:
        data = path.read_bytes()  # once, so that what is hashed is what runs
    except OSError as error:
        raise WeightsError(
            f"Expected to read {name}, got: {error.strerror or error}; check the file."
        ) from error
    model = OnnxModel(
        data,
        name,
        device=device,
        threads=threads,
        pixel_range=options.synthesiser_range,
        mask_sense=options.synthesiser_mask,
    )
    return LoadedSynthesiser(name, model, sha256(data).hexdigest())
