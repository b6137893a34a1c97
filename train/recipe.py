"""Recipes: everything that determines a training run, as frozen data."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field, replace
from enum import Enum

from lgtsm.errors import OptionError
from lgtsm.models.discriminator import DISCRIMINATORS, DiscriminatorSpec
from lgtsm.models.neighbour_spec import AnySpec, DfpnSpec
from lgtsm.models.spec import FAMILIES, NetworkSpec
from lgtsm.options import Motion

from .losses.adversarial import Adversarial
from .losses.features import Gram


class Initialisation(Enum):
    """How the weights are initialised."""

    PUBLISHED = "published"
    """torch's default, as in the published code: deep layers then output little but their biases."""
    SCALED = "scaled"
    """Kaiming; feature kernels at twice, gate kernels at a quarter, flows at a third of its deviation."""
    LSUV = "lsuv"
    """Kaiming, then every layer rescaled on a real batch (Mishkin & Matas 2016)."""


class Schedule(Enum):
    """Learning-rate schedule after the warm-up."""

    CONSTANT = "constant"
    COSINE = "cosine"
    HALVING = "halving"
    """Half of it after every 100,000 steps, as Alvarez 2020 trains."""


_HALVED_EVERY = 100_000
"""Steps: 50 of its epochs of 2000."""


class Divisors(Enum):
    """Normalisation of the style terms."""

    NET = "net"
    """The feature network's own small divisors, the default of the published code."""
    SQUARED_CHANNELS = "squared_channels"
    """The squared number of channels, as in the paper."""


@dataclass(frozen=True, kw_only=True)
class CachedSize:
    """Size of the items in a disk cache; each step trains on a crop of one."""

    num_frames: int = 8
    size: int = 208
    """Height in pixels."""
    width: int = 256
    """In pixels."""


@dataclass(frozen=True, kw_only=True)
class DataRecipe:
    """How training clips and their holes are sampled."""

    num_frames: int = 6
    """Frames of an item that the network fills."""
    num_context: int = 8
    """Source frames on each side of these, for networks that start from a fill."""
    motion: Motion = Motion.AUTO
    """How source frames are aligned, for networks that start from a fill."""
    size: int = 128
    """Height and width of a crop, in pixels; a multiple of 4."""
    width: int = 0
    """Width of a crop that is not square, in pixels; 0 takes `size`."""
    max_stride: int = 2
    """Largest temporal stride: strides are drawn from 1 ... max_stride source frames."""
    still_ratio: float = 0.25
    """Share of items made from a photograph with a synthetic camera."""
    shrink_ratio: float = 0.4
    """Share of items cropped larger than `size` and downscaled; of moved pictures, the share of those that
    are squeezed whole to `size`."""
    coverage: tuple[float, float] = (0.05, 0.25)
    """Range of the hole's share of the crop."""
    jitter: float = 0.1
    """Largest relative change of gain per colour channel and clip."""
    reversal_ratio: float = 0.5
    """Share of items played backwards."""
    published_ratio: float = 0.0
    """Share of items whose holes are the published free-form strokes, whatever their coverage."""
    annotated_ratio: float = 0.0
    """Share of items whose holes are object annotations, if the library has any."""
    border_ratio: float = 0.0
    """Share of items with a hole along the frame's edges."""
    num_items: int = 0
    """Number of distinct items, for overfitting; 0 makes a new one each time."""
    cached: CachedSize | None = None
    """Size of cached items (`python -m train items`); None for recipes without a cache."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of a crop in pixels."""
        return self.size, self.width or self.size

    def without_published(self) -> DataRecipe:
        """Return the distribution of the other holes, given that they are not published strokes."""
        rest = 1 - self.published_ratio
        if rest <= 0:
            return self
        return replace(
            self,
            published_ratio=0.0,
            annotated_ratio=self.annotated_ratio / rest,
            border_ratio=self.border_ratio / rest,
        )


@dataclass(frozen=True, kw_only=True)
class RatioLosses:
    """Weights of losses that are divided by the starting fill's own loss, so that 1 is the fill."""

    l1: float = 0.3
    l2: float = 1.0
    perceptual: float = 1.0
    perceptual_step: int = 1
    """The perceptual term compares every n-th frame of an item."""


@dataclass(frozen=True, kw_only=True)
class PixelLosses:
    """Weights of the losses of networks that start from black holes.

    l1: mean over all pixels; masked_l1: error in the hole, mean over all pixels; hole_l1: mean over
    the hole; perceptual, style: on features; variation: total variation; incomplete: CombCN's
    half-size video; complete: CombCN's result.
    """

    l1: float = 0.0
    masked_l1: float = 0.0
    hole_l1: float = 0.0
    perceptual: float = 0.0
    style: float = 0.0
    variation: float = 0.0
    complete: float = 0.0
    incomplete: float = 0.0
    gram: Gram = Gram.SAMPLE
    divisors: Divisors = Divisors.NET


@dataclass(frozen=True, kw_only=True)
class AligningLosses:
    """Weights of the losses of DFPN, as published; see `losses.aligning`."""

    correlation: float = 1.0
    flow_16: float = 1.0
    flow_64: float = 1.0
    flow_256: float = 1.0
    aligned_64: float = 1.0
    aligned_256: float = 1.0


@dataclass(frozen=True, kw_only=True)
class HallucinatingLosses:
    """Weights of the losses of CHN, as published; see `losses.hallucinating`."""

    known: float = 0.5
    shown: float = 2.0
    unseen: float = 1.0
    perceptual: float = 0.5
    gradient: float = 1.0


@dataclass(frozen=True, kw_only=True)
class CarryingLosses:
    """Weights of the losses of guided inpainting, as published; see `losses.carrying`."""

    l1: float = 10.0
    perceptual: float = 30.0


Losses = RatioLosses | PixelLosses | AligningLosses | HallucinatingLosses | CarryingLosses


@dataclass(frozen=True, kw_only=True)
class AdversaryRecipe:
    """The discriminator of stage 2.

    weight: of the generator loss; kind: of both losses; discriminator: its specification
    (`spectral_norm` there is the effective one); learning_rate: of the discriminator, 0 takes the
    network's.
    """

    weight: float = 1.0
    kind: Adversarial = Adversarial.LSGAN
    discriminator: DiscriminatorSpec = field(default_factory=lambda: DISCRIMINATORS["tsmgan"])
    learning_rate: float = 0.0


@dataclass(frozen=True, kw_only=True)
class PatchAdversaryRecipe:
    """The discriminator of guided inpainting, which judges single pictures; weights as published.

    adversarial, features: weights of what the network learns from it; penalty: of the discriminator's
    slope at the truth; learning_rate: of the discriminator.
    """

    adversarial: float = 10.0
    features: float = 100.0
    penalty: float = 0.001
    learning_rate: float = 1.6e-5


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage of a run: its losses and its optimisation."""

    losses: Losses = field(default_factory=RatioLosses)
    adversary: AdversaryRecipe | PatchAdversaryRecipe | None = None
    batch: int = 1
    """Items of a step, over all processes."""
    learning_rate: float = 1.2e-3
    """Peak of the schedule."""
    warmup_steps: int = 50
    schedule: Schedule = Schedule.COSINE
    final_ratio: float = 0.02
    """Learning rate at the end of the cosine, as a share of the peak."""
    amsgrad: bool = False
    ema_decay: float = 0.999
    clip_norm: float = 1.0
    """Largest gradient norm; 0 does not clip."""

    def learning_rate_at(self, step: int, progress: float, *, num_steps: int = 0) -> float:
        """Return the learning rate: linear warm-up, then the schedule.

        Args:
            step: steps since the last warm-up began, from 0.
            progress: share of the run that is over, 0..1; larger values count as 1.
            num_steps: of the whole training so far.
        """
        warm = min(1.0, (step + 1) / max(1, self.warmup_steps))
        if self.schedule is Schedule.HALVING:
            return self.learning_rate * warm * 0.5 ** (num_steps // _HALVED_EVERY)
        if self.schedule is Schedule.CONSTANT:
            return self.learning_rate * warm
        cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, progress)))
        return self.learning_rate * warm * (self.final_ratio + (1 - self.final_ratio) * cosine)


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A network, its data and its stages."""

    name: str
    network: AnySpec = field(default_factory=lambda: FAMILIES["refine"])
    data: DataRecipe = field(default_factory=DataRecipe)
    initialisation: Initialisation = Initialisation.LSUV
    stage1: Stage = field(default_factory=Stage)
    stage2: Stage | None = None
    seed: int = 0

    @property
    def moves_pictures(self) -> bool:
        """Whether items are single pictures, moved: for networks that align, paint or carry frames."""
        return not isinstance(self.network, NetworkSpec) or self.network.paints

    @property
    def filler(self) -> NetworkSpec:
        """The network of a recipe that trains on clips.

        Raises:
            OptionError: the recipe trains on moved pictures.
        """
        if isinstance(self.network, NetworkSpec) and not self.moves_pictures:
            return self.network
        raise OptionError(
            f"Expected a recipe that trains on clips, got {self.name}, which trains on moved pictures; "
            "choose another recipe, or leave the option out."
        )

    def stage(self, name: str) -> Stage:
        """Return a stage by its name, "stage1" or "stage2".

        Raises:
            OptionError: the recipe has no such stage.
        """
        found = self.stage1 if name == "stage1" else self.stage2
        if found is None:
            raise OptionError(
                f"Expected a recipe with {name}, got {self.name}, which has none; train stage1 "
                "alone or choose another recipe."
            )
        return found

    def to_config(self) -> dict:
        """Return plain values, for a file's header."""
        return json.loads(json.dumps(asdict(self), default=lambda value: value.value))


def differing_fields(first: dict, second: dict, prefix: str = "") -> list[str]:
    """Return `field: a -> b` for every field in which two configurations differ."""
    found = []
    for key in sorted(first.keys() | second.keys()):
        a, b = first.get(key), second.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            found += differing_fields(a, b, f"{prefix}{key}.")
        elif a != b:
            found.append(f"{prefix}{key}: {a} -> {b}")
    return found


def with_width(recipe: Recipe, width: int) -> Recipe:
    """Return the recipe with another base width of its network.

    Raises:
        OptionError: a network whose width is fixed.
    """
    if isinstance(recipe.network, DfpnSpec):
        return replace(recipe, network=replace(recipe.network, width=width))
    network = recipe.filler
    return replace(recipe, network=replace(network, trunk=replace(network.trunk, width=width)))
