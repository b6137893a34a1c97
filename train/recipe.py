"""What decides a training run, as frozen data."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import asdict, dataclass, field
from enum import Enum

from lgtsm.models.discriminator import DISCRIMINATORS, DiscriminatorSpec
from lgtsm.models.spec import FAMILIES, NetworkSpec
from lgtsm.options import Motion

from .losses.adversarial import Adversarial
from .losses.features import Gram


class Initial(Enum):
    """What the first weights are."""

    PUBLISHED = "published"
    """torch's default, as the published code: deep layers then carry little but their biases."""
    SCALED = "scaled"
    """Kaiming, feature kernels with twice and gate kernels with a quarter of its deviation."""
    LSUV = "lsuv"
    """Kaiming, then every layer rescaled on a real batch (Mishkin & Matas 2016)."""


class Schedule(Enum):
    """How the learning rate goes on after its warm-up."""

    CONSTANT = "constant"
    COSINE = "cosine"


class Divisors(Enum):
    """What style terms are divided by."""

    NET = "net"
    """The feature network's own small numbers, as the published default."""
    SQUARED_CHANNELS = "squared_channels"
    """The squared number of channels, as the paper has it."""


@dataclass(frozen=True, kw_only=True)
class KeptSize:
    """Size of items that are made once and kept; a step sees parts of them."""

    num_frames: int = 8
    size: int = 208
    """Height in pixels."""
    width: int = 256
    """In pixels."""


@dataclass(frozen=True, kw_only=True)
class DataRecipe:
    """How training clips and their holes are drawn."""

    num_frames: int = 6
    """Frames of one item that are filled."""
    num_around: int = 8
    """Frames on each side of these that may lend pixels, where the network starts from a fill."""
    motion: Motion = Motion.AUTO
    """How copies from other frames are aligned, where the network starts from a fill."""
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
    width: int = 0
    """Width of a crop where it is not square, in pixels; 0 takes `size`."""
    reversal_ratio: float = 0.5
    """Share of items played backwards."""
    published_ratio: float = 0.0
    """Share of items whose holes are the published free-form strokes, whatever their coverage."""
    annotated_ratio: float = 0.0
    """Share of items whose holes come from object annotations, where the library has any."""
    border_ratio: float = 0.0
    """Share of items with a hole along the frame's sides."""
    num_items: int = 0
    """How many different items there are, drawn again and again; 0 draws a new one each time."""
    kept: KeptSize | None = None
    """How items are made where they are kept on disk (`python -m train items`)."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of a crop in pixels."""
        return self.size, self.width or self.size

    def without_published(self) -> DataRecipe:
        """Return what is drawn where the published strokes were not: the other ways' own shares."""
        rest = 1 - self.published_ratio
        if rest <= 0:
            return self
        return dataclasses.replace(
            self,
            published_ratio=0.0,
            annotated_ratio=self.annotated_ratio / rest,
            border_ratio=self.border_ratio / rest,
        )


@dataclass(frozen=True, kw_only=True)
class RatioLosses:
    """Weights of losses that are each divided by the starting fill's own, so that 1 is the fill."""

    l1: float = 0.3
    l2: float = 1.0
    perceptual: float = 1.0
    perceptual_step: int = 1
    """Features are compared on every so many frames of an item."""


@dataclass(frozen=True, kw_only=True)
class PixelLosses:
    """Weights of the losses of networks that start from black holes.

    l1: mean over all pixels; masked_l1: of the hole's over all pixels; hole_l1: mean over the hole;
    perceptual, style: on features; variation: total variation; incomplete: CombCN's half-size video; complete: CombCN's result.
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
class AdversaryRecipe:
    """The discriminator of stage 2.

    weight: of the fooling loss; kind: of the losses; discriminator: the discriminator's specification
    (`spectral_norm` in it is the real one); learning_rate: of the discriminator, 0 takes the network's.
    """

    weight: float = 1.0
    kind: Adversarial = Adversarial.LSGAN
    discriminator: DiscriminatorSpec = field(default_factory=lambda: DISCRIMINATORS["tsmgan"])
    learning_rate: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage of a run: its losses and how steps are made."""

    losses: RatioLosses | PixelLosses = field(default_factory=RatioLosses)
    adversary: AdversaryRecipe | None = None
    batch: int = 1
    """Items of a step, over all processes."""
    learning_rate: float = 1.2e-3
    warmup_steps: int = 50
    schedule: Schedule = Schedule.COSINE
    final_ratio: float = 0.02
    """Learning rate at the end of the cosine, as a share of the peak."""
    amsgrad: bool = False
    ema_decay: float = 0.999
    clip_norm: float = 1.0
    """Largest norm of a step's gradient; 0 does not clip."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """A network, its data and its stages."""

    name: str
    network: NetworkSpec = field(default_factory=lambda: FAMILIES["refine"])
    data: DataRecipe = field(default_factory=DataRecipe)
    initial: Initial = Initial.LSUV
    stage1: Stage = field(default_factory=Stage)
    stage2: Stage | None = None
    seed: int = 0

    def to_config(self) -> dict:
        """Return plain values, for a file's header."""
        return json.loads(json.dumps(asdict(self), default=lambda value: value.value))


def differing_fields(first: dict, second: dict, prefix: str = "") -> list[str]:
    """Return `field: a -> b` for everything in which two configurations differ."""
    found = []
    for key in sorted(first.keys() | second.keys()):
        a, b = first.get(key), second.get(key)
        if isinstance(a, dict) and isinstance(b, dict):
            found += differing_fields(a, b, f"{prefix}{key}.")
        elif a != b:
            found.append(f"{prefix}{key}: {a} -> {b}")
    return found


def with_width(recipe: Recipe, width: int) -> Recipe:
    """Return a recipe whose trunk has another base width."""
    network = recipe.network
    trunk = dataclasses.replace(network.trunk, width=width)
    return dataclasses.replace(recipe, network=dataclasses.replace(network, trunk=trunk))
