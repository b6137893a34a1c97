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
from .frames import Aligned, Aligner, Views, fold, normalise, repeat_target, unfold

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

    @torch.no_grad()
    def theta(self, views: Views) -> Tensor:
        """Return the matrices (B*R,2,3) of whole views."""
        target, references = views.filled()
        features = self.features(target, views.hole)
        others = self.features(fold(references), fold(views.reference_holes))
        return self.matrices(repeat_target(features, references.shape[1]), others)

    def sample(self, values: Tensor, theta: Tensor) -> Tensor:
        """Sample values (N,C,h,w) of references at the places of the target; 0 outside."""
        grid = self._grid(theta, values)
        return grid_sample(values, grid, align_corners=self.align_corners)

    def _grid(self, theta: Tensor, like: Tensor) -> Tensor:
        size = [len(theta), 1, *like.shape[2:]]
        return affine_grid(theta, size, align_corners=self.align_corners)

    @torch.no_grad()
    def align(self, views: Views) -> Aligned:
        """Sample the references along the affine motions; see `Aligner.align`."""
        theta, count = self.theta(views), views.references.shape[1]
        frames = unfold(self.sample(fold(views.filled()[1]), theta), count)
        known = unfold(self.sample(fold(1 - views.reference_holes), theta), count)
        return Aligned.of_samples(frames, (known > 0.5).to(known.dtype), views.hole)

    @torch.no_grad()
    def coords(self, views: Views) -> Tensor:
        """Return the motions in pixels; see `Aligner.coords`."""
        grid = rearrange(self._grid(self.theta(views), views.target), "n h w c -> n c h w")
        size = grid.new_tensor([grid.shape[-1], grid.shape[-2]])[:, None, None]
        between = int(self.align_corners)  # a pixel less from -1 to 1, half a one before -1
        pixels = (grid + 1) / 2 * (size - between) + between / 2
        return unfold(pixels, views.references.shape[1])
