"""Copy the small golden files of the networks from ../shared/golden; run by hand, once.

    python tests/golden/make_golden.py

The figures in the .npz files were made by running the authors' original code (branches LGTSM and
master) on weights drawn at random for this purpose; see ../shared/golden/README.md. Of the two
width-4 checkpoints the generator's plain tensors are stored here as safetensors, each once, under
the published name of the tensor that runs; of the width-2 checkpoint (3-D gated with skips, names
of the old layout) the whole state dict with its discriminator and singular vectors is. The
containers, which hold the authors' configuration, stay where they are. The other networks are too
large to keep: their tests read ../shared. Of three networks at their published size there are
figures alone: a formula gives their weights.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file

HERE = Path(__file__).resolve().parent
SHARED = HERE.parents[2] / "shared" / "golden"
KEPT = ("lgtsm_firstoff_nf4", "lgtsm_w5g4_nf4")
KEPT_WHOLE = "gated3d_skip_oldkeys_nf2"
FORMULA = ("lgtsm_nf64", "gated3d_nf64_skip", "combcn")


class _Logger:
    """Stands in for the pickled logger of the original trainer; nothing of it is used."""


def read_checkpoint(path: Path) -> dict[str, torch.Tensor]:
    """Return the state dict of a checkpoint of the original trainer, without running any code."""
    scalar = np._core.multiarray.scalar
    allowed = [
        (_Logger, "utils.logger.Logger"),
        (scalar, "numpy.core.multiarray.scalar"),
        (scalar, "numpy._core.multiarray.scalar"),
        np.dtype,
        type(np.dtype(np.float32)),
        type(np.dtype(np.float64)),
    ]
    with torch.serialization.safe_globals(allowed):
        # golden containers are the original's pickles; weights_only admits the list above alone
        box = torch.load(path, weights_only=True, map_location="cpu")  # noqa: TID251
    return box["state_dict"]


def generator_tensors(state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return each tensor that runs in the generator, once."""
    runs = (".layer.weight", ".layer.bias", ".conv.weight")
    return {
        key: value.clone().contiguous()
        for key, value in state.items()
        if key.startswith("generator.") and key.endswith(runs)
    }


def main() -> None:
    """Write the files beside this script."""
    for name in KEPT:
        state = read_checkpoint(SHARED / "checkpoints" / f"{name}.pth")
        save_file(generator_tensors(state), HERE / f"{name}.safetensors")
        shutil.copyfile(SHARED / "io" / f"{name}.npz", HERE / f"{name}.npz")
    state = read_checkpoint(SHARED / "checkpoints" / f"{KEPT_WHOLE}.pth")
    dense = {key: value.clone().contiguous() for key, value in state.items()}
    save_file(dense, HERE / f"{KEPT_WHOLE}.safetensors")
    for name in (KEPT_WHOLE, f"{KEPT_WHOLE}_disc"):
        shutil.copyfile(SHARED / "io" / f"{name}.npz", HERE / f"{name}.npz")
    for name in FORMULA:
        shutil.copyfile(SHARED / "formula" / f"{name}.npz", HERE / f"{name}.npz")


if __name__ == "__main__":
    main()
