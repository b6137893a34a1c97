"""What a job did, in plain numbers; importable without torch."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field

from .resident_memory import peak_resident_bytes

_LEAST_TOLD = 0.005  # share of the masked pixels that a sentence rounds to a percent


@dataclass
class Report:
    """Figures of one job; `inpaint_video` returns it, `--report` writes it as JSON."""

    model: str = ""
    """Name of the network, or "none" where only copies were used."""
    synthesiser: str = ""
    """Name of what synthesises places that no frame shows."""
    synthesiser_sha256: str = ""
    """Of its file, where it has one."""
    frames: int = 0
    """Frames written or returned."""
    frames_with_holes: int = 0
    size: tuple[int, int] = (0, 0)
    """Width and height of the frames."""
    working_size: tuple[int, int] = (0, 0)
    """Width and height the network worked at."""
    coverage: float = 0.0
    """Mean fraction of the frame that is hole, 0..1."""
    shots: list[int] = field(default_factory=list)
    """Numbers of the first frames of all shots."""
    sources: dict[str, float] = field(default_factory=dict)
    """Where the pixels in the holes came from before any network: mean fractions of the smooth
    fill, of copies under each kind of motion, of synthesis, and of plates."""
    unseen: float = 0.0
    """Fraction of the hole's pixels that no frame and no plate shows, 0..1."""
    device: str = ""
    dtype: str = ""
    chunk: int = 0
    """Frames computed together at the end of the job."""
    threads: int = 0
    """Threads of the CPU that computed."""
    crop: tuple[int, int, int, int] | None = None
    """Left, top, width and height of the part of the frames that was filled, over the whole clip."""
    peak_memory: int = 0
    """Most bytes that this process has held so far, on the device that computed; 0 is unknown."""
    seconds: float = 0.0
    resumed_from: int = 0
    """Frames kept from an interrupted run."""
    notes: list[str] = field(default_factory=list)
    """Warnings, and every reduction of chunk or precision; one sentence each."""
    outputs: list[str] = field(default_factory=list)
    """Files written."""

    def close(self, began: float) -> None:
        """Note time and memory at the end of a job that began at `began` of `time.monotonic`."""
        self.peak_memory = peak_memory(self.device)
        self.seconds = time.monotonic() - began

    @property
    def seconds_per_frame(self) -> float:
        """Mean time of a frame that was computed in this run."""
        return self.seconds / max(1, self.frames - self.resumed_from)

    @property
    def origin(self) -> str:
        """Where the masked pixels came from, in one sentence; empty where nothing was looked for."""
        if not self.sources:
            return ""
        others = dict(self.sources)
        plates, synthesised = others.pop("plate", 0.0), others.pop("synthesised", 0.0)
        rest = others.pop("smooth", 0.0)
        shares = {
            "copied from other frames": sum(others.values()),
            "taken from plates": plates,
            "invented": synthesised,
            "filled smoothly" if self.model == "none" else "filled by the network": rest,
        }
        told = [f"{share:.0%} {what}" for what, share in shares.items() if share >= _LEAST_TOLD]
        return f"Masked pixels: {', '.join(told)}."

    def to_json(self) -> str:
        """Return the report as indented JSON."""
        values = asdict(self) | {"seconds_per_frame": round(self.seconds_per_frame, 4)}
        return json.dumps(values, indent=2)


class _Noting(logging.Handler):
    def __init__(self, notes: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._notes = notes

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if text not in self._notes:
            self._notes.append(text)


@contextmanager
def noting_warnings(report: Report) -> Iterator[None]:
    """Add what the readers and writers of files warn of, in any thread, to the notes of a report."""
    logger, handler = logging.getLogger(f"{__package__}.video"), _Noting(report.notes)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)


def peak_memory(device: str) -> int:
    """Return the most bytes that this process has held so far.

    Args:
        device: as torch writes it; on CUDA the tensors there count, elsewhere all of the process.

    Returns:
        Bytes; 0 where the system does not tell. Earlier jobs of the same process count too.
    """
    if device.startswith("cuda"):
        import torch  # a report is read without it

        return int(torch.cuda.max_memory_allocated(device))
    return peak_resident_bytes() or 0
