"""What a bench run found, and its JSON form."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from .cases import BenchCase


@dataclass(frozen=True, kw_only=True)
class CaseResult:
    """Figures of one case; medians over the rounds.

    seconds_per_frame: of the engine's stream over the whole clip, start and flush included.
    published_seconds_per_frame: of the published form over a clip of `published_frames`.
    ratio: how many times faster than the published form.
    frames_per_second: of the engine's stream.
    macs_per_frame: multiply-adds the engine does a frame; published_macs_per_frame: of a whole
        frame in the published form.
    peak_share: the engine's multiply-adds a second as a share of what one wide convolution reaches
        on this machine in the same rounds.
    first_frame_seconds: from the first pushed frame to the first finished one.
    peak_bytes: most memory in use: of the device on CUDA, of the whole process so far elsewhere.
    """

    case: BenchCase
    seconds_per_frame: float
    published_seconds_per_frame: float
    published_frames: int
    ratio: float
    frames_per_second: float
    macs_per_frame: int
    published_macs_per_frame: int
    peak_share: float
    first_frame_seconds: float
    peak_bytes: int | None


@dataclass(frozen=True, kw_only=True)
class Machine:
    """Where it ran.

    peak_macs_per_second: multiply-adds a second of a 3x3 convolution 256 -> 256 at 45x80.
    """

    torch_version: str
    device: str
    device_name: str
    dtype: str
    num_threads: int
    cpu_capability: str
    peak_macs_per_second: float


@dataclass(frozen=True, kw_only=True)
class BenchResult:
    """One run of a list of cases."""

    machine: Machine
    rounds: int
    cases: tuple[CaseResult, ...]

    def to_json(self) -> str:
        """Return JSON text; `from_json` reads it back."""
        return json.dumps(asdict(self), indent=2)

    @staticmethod
    def from_json(text: str) -> BenchResult:
        """Read what `to_json` wrote."""
        values = json.loads(text)
        cases = tuple(
            CaseResult(**{**row, "case": BenchCase(**row["case"])}) for row in values["cases"]
        )
        machine = Machine(**values["machine"])
        return BenchResult(machine=machine, rounds=values["rounds"], cases=cases)
