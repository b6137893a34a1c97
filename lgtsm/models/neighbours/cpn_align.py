"""The aligner of the Copy-and-Paste Network: one affine motion for every reference.

Source: Lee et al. 2019 (ICCV), "Copy-and-Paste Networks for Deep Video Inpainting", the alignment
network. Re-implemented from descriptions; converted weights carry the authors' licence, which
permits no commercial use.
"""

from __future__ import annotations

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn.functional import affine_grid

from .convolutions import same
from .frames import Aligner, Compared, Views, mean_fill, normalise, resize

_SIDE = 224
ENCODER = {
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

    known_mode = "bilinear"

    def __init__(self, *, align_corners: bool) -> None:
        super().__init__()
        self.align_corners = align_corners
        self.align_encoder = named(ENCODER)
        self.regressor = nn.ModuleDict({k: same(512, 512, stride=s) for k, s in _REGRESSOR.items()})
        self.regressor["fc"] = nn.Linear(512, 6)

    def features(self, pixels: Tensor, holes: Tensor) -> Tensor:
        """Encode frames (N,3,h,w) and their holes (N,1,h,w) as (N,256,28,28)."""
        x = torch.cat([normalise(mean_fill(pixels, holes)), holes], 1)
        x = resize(x, (_SIDE, _SIDE))
        for layer in self.align_encoder.values():
            x = torch.relu(layer(x))
        return x

    def theta(self, compared: Compared) -> Tensor:
        """Return matrices (B*R,2,3) from the target's plane to the reference's."""
        target, references = compared
        x = torch.cat([target.repeat_interleave(len(references) // len(target), 0), references], 1)
        for name in _RUNS:
            x = torch.relu(self.regressor[name](x))
        return rearrange(self.regressor["fc"](x.mean((2, 3))), "n (a b) -> n a b", a=2)

    def positions(self, views: Views, compared: Compared) -> Tensor:
        """Return the affine motions; see `Aligner.positions`."""
        theta = self.theta(compared)
        size = [len(theta), 1, *views.target.shape[2:]]
        grid = affine_grid(theta, size, align_corners=self.align_corners)
        return rearrange(grid, "(b r) h w c -> b r c h w", r=views.references.shape[1])
