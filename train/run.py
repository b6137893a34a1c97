"""One run: what it trains, where it writes, when it ends and how it computes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import torch

from lgtsm.errors import DeviceError, OptionError

from .recipe import Recipe

STAGES = ("stage1", "stage2")


class Precision(Enum):
    """What the networks compute in; weights and optimiser states stay float32."""

    AUTO = "auto"
    """bfloat16 on CUDA devices that support it, float32 elsewhere."""
    BF16 = "bf16"
    FP32 = "fp32"


@dataclass(frozen=True, kw_only=True)
class Run:
    """One call of the trainer.

    Either steps or minutes ends it, those before a resumption included; with minutes, the learning
    rate follows the clock, so that a run always anneals fully, whatever the machine.
    """

    recipe: Recipe
    stage: str = "stage1"
    """ "stage1" or "stage2"."""
    out: Path
    """Folder of the run."""
    steps: int | None = None
    minutes: float | None = None
    schedule_minutes: float | None = None
    """Length of the learning-rate schedule, if this run is one slice of it."""
    resume: bool = False
    """Continue from the state in `out`."""
    init: Path | None = None
    """Weight file or folder of a run to start from."""
    checkpoint: Path | None = None
    """Folder of a compact checkpoint to continue from: weights, step and discriminator."""
    device: str = "cpu"
    precision: Precision = Precision.AUTO
    aligner: Path | None = None
    """Weights of the network that aligns references for CHN; None takes the known motion."""
    items: Path | None = None
    """Folder of cached items to train on, instead of making new ones."""
    micro_batch: int | None = None
    """Items in the network at once; gradients are accumulated. None is the whole batch."""
    num_workers: int = 1
    save_seconds: float = 120.0
    validate_seconds: float = 600.0
    validate_steps: int = 0
    """Also validate every n steps; 0 goes by the clock alone."""
    validate_items: int = 24
    picture_steps: int = 1000
    log_steps: int = 50

    def __post_init__(self) -> None:
        """Check that the run ends, and starts in one way.

        Raises:
            OptionError: neither or both of steps and minutes, or several starting points.
        """
        if (self.steps is None) == (self.minutes is None):
            raise OptionError(
                f"Expected either steps or minutes, got steps {self.steps} and minutes "
                f"{self.minutes}; give one of them."
            )
        if sum((self.resume, self.init is not None, self.checkpoint is not None)) > 1:
            raise OptionError(
                "Expected one starting point, got several of resume, init and checkpoint; give one "
                "of them."
            )

    @property
    def is_continued_here(self) -> bool:
        """Whether the compact checkpoint to continue from is in `out` itself."""
        return self.checkpoint is not None and self.checkpoint.resolve().is_relative_to(
            self.out.resolve()
        )

    def torch_device(self, local_rank: int = 0) -> torch.device:
        """Return the device of this process.

        Raises:
            DeviceError: CUDA was requested but is not available.
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

    def progress(self, step: int, seconds: float) -> float:
        """Return the share of the schedule that is over, 0..1."""
        if self.steps is not None:
            return step / self.steps
        return seconds / (60 * (self.schedule_minutes or self.minutes or 0))

    def is_over(self, step: int, seconds: float) -> bool:
        """Return whether the run ends after this many steps and seconds."""
        if self.steps is not None:
            return step >= self.steps
        return seconds >= 60 * (self.minutes or 0)
