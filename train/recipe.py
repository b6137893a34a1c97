"""What decides a training run, as frozen data."""

from __future__ import annotations

from dataclasses import dataclass, field

from lgtsm.models.spec import FAMILIES, NetworkSpec


@dataclass(frozen=True, kw_only=True)
class DataRecipe:
    """How training clips and their holes are drawn."""

    num_frames: int = 6
    """Frames of one item that are filled; as many references as the network takes surround them."""
    size: int = 128
    """Height and width of a crop, in pixels; a multiple of 4."""
    max_stride: int = 2
    """Frames are taken every 1 ... max_stride frames of the source."""
    still_ratio: float = 0.25
    """Share of items made from a photograph under a synthetic camera."""
    shrink_ratio: float = 0.4
    """Share of items cropped larger than `size` and reduced."""
    coverage: tuple[float, float] = (0.05, 0.25)
    """Range of the hole's share of the crop."""
    jitter: float = 0.1
    """Largest relative change of gain per colour channel and clip."""


@dataclass(frozen=True, kw_only=True)
class LossRecipe:
    """Weights of the losses; each loss is divided by the starting fill's own, so 1 is the fill."""

    l1: float = 0.3
    l2: float = 1.0
    perceptual: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """One run of stage 1."""

    name: str
    network: NetworkSpec = field(default_factory=lambda: FAMILIES["refine"])
    data: DataRecipe = field(default_factory=DataRecipe)
    losses: LossRecipe = field(default_factory=LossRecipe)
    batch: int = 1
    learning_rate: float = 1.2e-3
    warmup_steps: int = 50
    final_ratio: float = 0.02
    """Learning rate at the end of the cosine, as a share of the peak."""
    ema_decay: float = 0.999
    clip_norm: float = 1.0
    """Largest norm of a step's gradient."""
    seed: int = 0
