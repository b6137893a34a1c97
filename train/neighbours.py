"""Training of the neighbour networks: their recipes as published, items from stills, one step each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor
from torch.optim import Adam

from lgtsm.align.sampling import pixel_grid
from lgtsm.models.neighbours.chn import Chn
from lgtsm.models.neighbours.dfpn import Dfpn, align_along
from lgtsm.models.neighbours.frames import Aligner, Views, resize, to_pixels
from lgtsm.models.neighbours.guided import Guided
from lgtsm.models.neighbours.patch_discriminator import PatchDiscriminator
from lgtsm.models.neighbours.vgg import VggPools

from .data.affine_motion import draw_affine, move_picture
from .losses.aligning import aligning_losses
from .losses.carrying import fooling_losses, judging_losses, known_l1, perceptual_mse
from .losses.hallucinating import hallucinating_losses
from .losses.perceptual import PerceptualNet


@dataclass(frozen=True, kw_only=True)
class NeighbourRecipe:
    """Optimisation of a network: Adam with its default betas, and a schedule.

    learning_rate: at first. halve_every: steps after which it is halved; 0 follows a cosine over `steps`
    after `warmup_steps` instead. judge_ratio: the discriminator's rate over it; 0 without one.
    num_frames: of an item, one of which is the target.
    """

    learning_rate: float = 1e-4
    batch: int = 8
    halve_every: int = 100_000
    steps: int = 0
    warmup_steps: int = 0
    judge_ratio: float = 0.0
    num_frames: int = 2

    def rate_at(self, step: int) -> float:
        """Return the learning rate of a step, counted from 0."""
        if self.halve_every:
            return self.learning_rate * 0.5 ** (step // self.halve_every)
        if step < self.warmup_steps:
            return self.learning_rate * max(1e-4, step / self.warmup_steps)
        past = min(1.0, (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps))
        return self.learning_rate * max(1e-4, 0.5 + 0.5 * float(np.cos(np.pi * past)))


RECIPES: MappingProxyType[str, NeighbourRecipe] = MappingProxyType(
    {
        "dfpn": NeighbourRecipe(),
        "chn": NeighbourRecipe(),
        "guided": NeighbourRecipe(
            learning_rate=1.6e-4,
            halve_every=0,
            steps=1_000_000,
            warmup_steps=1000,
            judge_ratio=0.1,
            num_frames=3,
        ),
    }
)
"""As published: DFPN and CHN by Alvarez 2020, guided inpainting by Esser et al. 2022."""


@dataclass(frozen=True)
class Item:
    """Frames with a known motion.

    views: with the truth under the holes, which no network reads.
    flow: (B,R,2,h,w), absolute positions as of `affine_motion`.
    """

    views: Views
    flow: Tensor


def still_item(picture: Tensor, holes: Tensor, rng: np.random.RandomState) -> Item:
    """Make an item from one picture by drawn affine motions.

    Args:
        picture: (3,h,w) in [0,1].
        holes: (n,1,h',w') of its frames, 1 = hole; the middle one, n//2, is the target's.
        rng: advanced by n - 1 motions.
    """
    motions = [draw_affine(rng) for _ in range(len(holes) - 1)]
    frames, flow = move_picture(picture, motions)
    size = (holes.shape[-2], holes.shape[-1])
    frames, flow = resize(frames, size), resize(flow, size, mode="nearest")
    target = len(holes) // 2
    others = [i for i in range(len(holes)) if i != target]
    return Item(Views.of_clip(frames[None], holes[None], target), flow[None, others])


class Teacher:
    """Trains one network, and a discriminator with it where the recipe has one.

    Args:
        network: DFPN, CHN or guided inpainting, in training mode.
        recipe: of `RECIPES`, or a variation.
        aligner: brings references to the target for CHN; None takes the known motion.
        perceptual: for the perceptual terms of CHN (five poolings of VGG-16) and guided inpainting;
            None leaves them out.
    """

    def __init__(
        self,
        network: Dfpn | Chn | Guided,
        recipe: NeighbourRecipe,
        *,
        aligner: Aligner | None = None,
        perceptual: VggPools | PerceptualNet | None = None,
    ) -> None:
        self.network, self.recipe, self.aligner = network, recipe, aligner
        self.perceptual, self.num_steps = perceptual, 0
        self._optimiser = Adam([p for p in network.parameters() if p.requires_grad])
        self.judge = PatchDiscriminator() if recipe.judge_ratio else None
        self._judge_optimiser = Adam(self.judge.parameters()) if self.judge else None

    def step(self, item: Item) -> dict[str, float]:
        """Make one step; return the losses, `total` among them."""
        rate = self.recipe.rate_at(self.num_steps)
        self.num_steps += 1
        network, judge = self.network, self.judge
        if not isinstance(network, Guided):
            losses = self._losses(network, item)
            _update(self._optimiser, losses["total"], rate)
            return {name: x.item() for name, x in losses.items()}
        predicted = network(item.views, *_pixel_motion(item))
        truth, hole = item.views.target, item.views.hole
        losses = {"l1": known_l1(predicted, truth, hole)}
        if judge is not None:
            judge.requires_grad_(requires_grad=False)
            losses |= fooling_losses(judge, predicted, truth)
            judge.requires_grad_(requires_grad=True)
        if isinstance(self.perceptual, PerceptualNet):
            taps = self.perceptual.taps
            losses["perceptual"] = perceptual_mse(taps(predicted), taps(truth))
        losses["total"] = _sum(losses)
        _update(self._optimiser, losses["total"], rate)
        if judge is not None and self._judge_optimiser is not None:
            judging = judging_losses(judge, predicted.detach(), truth, hole)
            _update(self._judge_optimiser, _sum(judging), rate * self.recipe.judge_ratio)
            losses |= judging
        return {name: x.item() for name, x in losses.items()}

    def _losses(self, network: Dfpn | Chn, item: Item) -> dict[str, Tensor]:
        views = item.views
        if isinstance(network, Dfpn):
            known = torch.ones(len(views.target), dtype=torch.bool)
            losses = aligning_losses(network, network(views), views, item.flow, known)
            return losses | {"total": _sum(losses)}
        aligned = self.aligner.align(views) if self.aligner else align_along(views, item.flow)
        vgg = self.perceptual if isinstance(self.perceptual, VggPools) else None
        return hallucinating_losses(network(views, aligned), views, aligned, vgg)


def _sum(losses: Mapping[str, Tensor]) -> Tensor:
    return torch.stack([x.reshape(()) for x in losses.values()]).sum()


def _pixel_motion(item: Item) -> tuple[Tensor, Tensor]:
    """Return flow in pixels and its error, which is none: the motion is known."""
    coords = to_pixels(item.flow, align_corners=True)
    flow = coords - pixel_grid(coords.shape[-2], coords.shape[-1], coords)
    return flow, torch.zeros_like(flow[:, :, :1])


def _update(optimiser: Adam, loss: Tensor, rate: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = rate
    optimiser.zero_grad(set_to_none=True)
    loss.backward()
    optimiser.step()
