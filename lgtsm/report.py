"""What a job did, in plain numbers; torch-free."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field


@dataclass
class Report:
    """Figures of one job; `inpaint_video` returns it, `--report` writes it as JSON."""

    model: str = ""
    """Name of the network, or "none" where only copies were used."""
    frames: int = 0
    """Frames put out."""
    frames_with_holes: int = 0
    size: tuple[int, int] = (0, 0)
    """Width and height of the frames."""
    working_size: tuple[int, int] = (0, 0)
    """Width and height the network worked at."""
    coverage: float = 0.0
    """Mean share of hole, 0..1."""
    shots: list[int] = field(default_factory=list)
    """Numbers of the first frames of all shots."""
    sources: dict[str, float] = field(default_factory=dict)
    """Where the pixels in the holes came from before any network: mean shares of the smooth fill, of
    copies under each kind of motion, and of reference pictures."""
    device: str = ""
    dtype: str = ""
    chunk: int = 0
    """Frames computed together at the end of the job."""
    crop: tuple[int, int, int, int] | None = None
    """Left, top, width and height of the part of the frames that was filled, over the whole clip."""
    peak_memory: int = 0
    """Most bytes that this process has held so far, on the device that computed; 0 is unknown."""
    seconds: float = 0.0
    resumed_from: int = 0
    """Frames taken over from an interrupted run."""
    notes: list[str] = field(default_factory=list)
    """Step-downs and warnings, one sentence each."""
    outputs: list[str] = field(default_factory=list)
    """Files written."""

    @property
    def seconds_per_frame(self) -> float:
        """Mean time of a frame that was not taken over."""
        return self.seconds / max(1, self.frames - self.resumed_from)

    def to_json(self) -> str:
        """Return the report as indented JSON."""
        values = asdict(self) | {"seconds_per_frame": round(self.seconds_per_frame, 4)}
        return json.dumps(values, indent=2)
