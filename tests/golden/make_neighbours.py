"""Copy the golden vectors of the neighbour networks from ../shared/golden/neighbours; run by hand, once.

    python tests/golden/make_neighbours.py

Inputs and small results are kept whole; of large results every n-th value is, under the name NAME@n.
Tests read the whole files where ../shared is there; see its README for how they were made.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
SHARED = HERE.parents[2] / "shared" / "golden" / "neighbours"
MOST = 2000
"""Values kept of a result."""
DROPPED = ("_layer_", "guided:b_", "dfpn:b_corr")
"""Statistics that help to find a wrong layer, and results too large to keep."""
INPUTS = ("_u8", "_flow_f16", "_err_f16", "_quarter", "f_flow", "cm_", "affines", "_flow_full")
RESULTS = ("v_aligned_u8", "v_map_u8")
"""Flows at full size are what samples are taken along."""


def reduced(name: str, value: np.ndarray) -> tuple[str, np.ndarray]:
    """Return a kept array and its name."""
    is_input = any(part in name for part in INPUTS) and not any(part in name for part in RESULTS)
    if is_input or value.size <= MOST:
        return name, value
    step = -(-value.size // MOST)
    return f"{name}@{step}", value.reshape(-1)[::step]


def main() -> None:
    """Write the files into the folder `neighbours` beside this script."""
    (HERE / "neighbours").mkdir(exist_ok=True)
    for path in sorted(SHARED.glob("*.npz")):
        arrays = {
            name: value
            for name, value in np.load(path).items()
            if not any(part in f"{path.stem}:{name}" for part in DROPPED)
        }
        kept = dict(reduced(name, value) for name, value in arrays.items())
        np.savez_compressed(HERE / "neighbours" / path.name, **kept)


if __name__ == "__main__":
    main()
