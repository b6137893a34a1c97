"""The aligner of the Copy-and-Paste Network: one affine motion for every reference.

Source: Lee et al. 2019 (ICCV), "Copy-and-Paste Networks for Deep Video Inpainting", the alignment
network. Re-implemented from descriptions; converted weights carry the authors' licence, which
permits no commercial use.
"""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn.functional import affine_grid, grid_sample, interpolate

from .convolutions import same
from .frames import Aligned, Aligner, Views, fold, normalise, repeat_target, to_pixels, unfold

_SIDE = 224
_ENCODER = {
    "conv12": (4, 64, 5, 2),
    "conv2": (64, 64, 3, 1),
    "conv23": (64, 128, 3, 2),
    "conv3": (128, 128, 3, 1),
    "conv34": (128, 256, 3, 2),
    "conv4a": (256, 256, 3, 1),
    "conv4b": (256, 256, 3, 1),
}
"""Channels in and out, kernel, stride."""
_REGRESSOR = {"conv45": 2, "conv5a": 1, "conv5b": 1, "conv56": 2, "conv6a": 1, "conv6b": 1}
"""Strides; published files hold conv6a and conv6b, which never run."""
_RUNS = ("conv45", "conv5a", "conv5b", "conv56", "conv5a", "conv5b")
"""As published: the two convolutions at 1/16 run again at 1/32."""


def named(layers: dict[str, tuple[int, int, int, int]]) -> nn.ModuleDict:
    """Return convolutions by name from channels in and out, kernel and stride."""
    return nn.ModuleDict({k: same(i, o, n, stride=s) for k, (i, o, n, s) in layers.items()})


class CpnAligner(Aligner):
    """Encoder of frames and regressor of affine matrices.

    Args:
        align_corners: whether -1 and 1 mean the centres of the corner pixels, as where the published
            weights were trained, or the edges of the frame, as the same code means it today.
    """

    def __init__(self, *, align_corners: bool) -> None:
        super().__init__()
        self.align_corners = align_corners
        self.align_encoder = named(_ENCODER)
        self.regressor = nn.ModuleDict({k: same(512, 512, stride=s) for k, s in _REGRESSOR.items()})
        self.regressor["fc"] = nn.Linear(512, 6)

    def features(self, pixels: Tensor, holes: Tensor) -> Tensor:
        """Encode filled frames (N,3,h,w) and their holes (N,1,h,w) as (N,256,28,28)."""
        x = torch.cat([normalise(pixels), holes], 1)
        x = interpolate(x, size=(_SIDE, _SIDE), mode="bilinear", align_corners=False)
        for layer in self.align_encoder.values():
            x = torch.relu(layer(x))
        return x

    def matrices(self, target: Tensor, references: Tensor) -> Tensor:
        """Return (N,2,3), from the target's plane to the reference's, of features (N,256,28,28)."""
        x = torch.cat([target, references], 1)
        for name in _RUNS:
            x = torch.relu(self.regressor[name](x))
        return rearrange(self.regressor["fc"](x.mean((2, 3))), "n (a b) -> n a b", a=2)

    def theta(self, views: Views) -> Tensor:
        """Return the matrices (B*R,2,3) of whole views."""
        target, references = views.filled()
        features = self.features(target, views.hole)
        others = self.features(fold(references), fold(views.reference_holes))
        return self.matrices(repeat_target(features, references.shape[1]), others)

    def sample(self, views: Views) -> tuple[Tensor, Tensor]:
        """Sample the references at the places of the target.

        Returns:
            (B*R,3,h,w), holes filled with the mean, 0 outside; and (B*R,1,h,w), 1 = shown.
        """
        values = fold(torch.cat([views.filled()[1], 1 - views.reference_holes], 2))
        sampled = grid_sample(values, self._grid(views), align_corners=self.align_corners)
        return sampled[:, :3], (sampled[:, 3:] > 0.5).to(sampled.dtype)

    def _grid(self, views: Views) -> Tensor:
        theta = self.theta(views)
        size = [len(theta), 1, *views.target.shape[2:]]
        return affine_grid(theta, size, align_corners=self.align_corners)

    @torch.no_grad()
    def align(self, views: Views) -> Aligned:
        """Sample the references along the affine motions; see `Aligner.align`."""
        frames, known = (unfold(x, views.references.shape[1]) for x in self.sample(views))
        return Aligned.of_samples(frames, known, views.hole)

    @torch.no_grad()
    def coords(self, views: Views) -> Tensor:
        """Return the motions in pixels; see `Aligner.coords`."""
        positions = rearrange(
            self._grid(views), "(b r) h w c -> b r c h w", r=views.references.shape[1]
        )
        return to_pixels(positions, align_corners=self.align_corners)
