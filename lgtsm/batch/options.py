"""Options of a batch as a whole; those of its films are in `lgtsm.options`."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import OptionError, shown
from ..knobs import Options, knob


@dataclass(frozen=True, kw_only=True)
class BatchOptions(Options):
    """How the films of a batch are done."""

    workers: int = knob(1, "Processes that work side by side.", limits=(1, 1024))
    on: str | None = knob(
        None,
        "Run on a Ray cluster: ray for the one that this machine belongs to, or ray://HOST:PORT.",
    )
    split: int = knob(
        1000,
        "With several processes, split films of more frames than this at cuts, into parts of at least as many "
        "frames that are computed side by side; the film is then written in a single pass. 0 splits none.",
        limits=(0, 2**31 - 1),
    )
    retries: int = knob(
        2, "How often a film is tried again after its process was lost.", limits=(0, 100)
    )
    patience: int = knob(
        600,
        "Seconds to wait for files that disappear while a film is processed.",
        limits=(0, 10**6),
    )
    deliver: str | None = knob(
        None, "Copy finished results to this place too, such as s3://bucket/clean (needs s3fs)."
    )
    overwrite: bool = knob(False, "Replace results that exist and were not made by a batch.")

    def __post_init__(self) -> None:
        """Check the limits and the cluster's address; raises OptionError."""
        super().__post_init__()
        if self.on is None:
            return
        if self.on != "ray" and not self.on.startswith("ray://"):
            raise OptionError(
                f"Expected on as ray or ray://HOST:PORT, got {shown(self.on)}; correct it."
            )
        if self.workers != 1:
            raise OptionError(
                f"Expected workers or on, got {self.workers} workers and {self.on}; the cluster decides how "
                "many run."
            )
