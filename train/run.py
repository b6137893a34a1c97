"""Where a run lives, how long it goes on and what it computes with."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import torch

from lgtsm.errors import DeviceError, OptionError

STAGES = ("stage1", "stage2")


class Precision(Enum):
    """What networks compute in; weights and optimiser stay float32."""

    AUTO = "auto"
    """bfloat16 on CUDA devices that have it, float32 elsewhere."""
    BF16 = "bf16"
    FP32 = "fp32"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One call of the trainer.

    Exactly one of steps and minutes ends it, resumed ones included; with minutes, the learning rate
    follows the clock, so that a run always anneals fully whatever the machine.
    """

    out: Path
    steps: int | None = None
    minutes: float | None = None
    schedule_minutes: float | None = None
    """Length of the learning rate's schedule where this run is one slice of it."""
    resume: bool = False
    """Go on from the state in `out`."""
    init: Path | None = None
    """Weight file or folder of a run whose weights come first."""
    light: Path | None = None
    """Light state to go on from, with its step and its discriminator."""
    device: str = "cpu"
    precision: Precision = Precision.AUTO
    items: Path | None = None
    """Folder of kept items to learn from, instead of making new ones."""
    at_once: int | None = None
    """Items that go through the network at once; None takes the whole batch."""
    num_workers: int = 1
    save_seconds: float = 120.0
    validate_seconds: float = 600.0
    validate_steps: int = 0
    """Also score every so many steps; 0 goes by the clock alone."""
    validate_items: int = 24
    picture_steps: int = 1000
    log_steps: int = 50

    def __post_init__(self) -> None:
        """Check that the run ends, and begins in one way.

        Raises:
            OptionError: neither or both of steps and minutes, or two beginnings.
        """
        if (self.steps is None) == (self.minutes is None):
            raise OptionError(
                f"Expected either steps or minutes, got steps {self.steps} and minutes "
                f"{self.minutes}; give one of them."
            )
        if sum((self.resume, self.init is not None, self.light is not None)) > 1:
            raise OptionError(
                "Expected one way to begin, got several of resume, init and light; give one of "
                "them."
            )

    @property
    def goes_on_here(self) -> bool:
        """Whether a light state of the run in `out` itself is gone on from."""
        return self.light is not None and self.light.resolve().is_relative_to(self.out.resolve())

    def torch_device(self, local_rank: int = 0) -> torch.device:
        """Return the device of this process.

        Raises:
            DeviceError: CUDA was asked for and is not there.
        """
        device = torch.device(self.device)
        if device.type == "cuda":
            if not torch.cuda.is_available():
                raise DeviceError(
                    "Expected a CUDA device, got none that torch can use; pass --device cpu or "
                    "install a CUDA build of torch."
                )
            device = torch.device("cuda", local_rank if device.index is None else device.index)
            torch.cuda.set_device(device)
        return device

    def dtype(self, device: torch.device) -> torch.dtype | None:
        """Return the half precision to compute in, None for float32."""
        if self.precision is Precision.AUTO:
            has = device.type == "cuda" and torch.cuda.is_bf16_supported()
            return torch.bfloat16 if has else None
        return torch.bfloat16 if self.precision is Precision.BF16 else None

    def share(self, step: int, seconds: float) -> float:
        """Return how much of the schedule is over, 0..1."""
        if self.steps is not None:
            return step / self.steps
        return seconds / (60 * (self.schedule_minutes or self.minutes))

    def is_over(self, step: int, seconds: float) -> bool:
        """Tell whether a run ends after `step` steps and so many seconds."""
        if self.steps is not None:
            return step >= self.steps
        return seconds >= 60 * self.minutes
