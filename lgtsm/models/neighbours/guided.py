"""Two-stream key-frame propagation: fills a frame guided by references that show it complete.

Source: Esser et al. 2022, "Towards Unified Keyframe Propagation Models" (arXiv 2205.09731). The global
stream passes tokens between frames, the local stream samples the references' features along flow.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn.functional import pad

from ...errors import ShapeError
from .carried_flow import sample_along
from .fourier import FourierBlock, GroupedBlock, NormalisedConvolution, reflecting
from .frames import Views, fold, unfold
from .latent_tokens import (
    WIDTH,
    KeysValues,
    Read,
    TokenMixer,
    Write,
    fourier_positions,
    join_references,
    resize_corners,
)

MULTIPLE = 8
_POSITIONS = 258


class _Latents(nn.Module):
    """Positions join the features, and every window gets the same learned token."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.latents = nn.Parameter(torch.empty(side * side, WIDTH))
        self.project = nn.Conv2d(WIDTH + _POSITIONS, WIDTH, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the map (N,512,h,w) and the tokens (N,side²,512)."""
        positions = fourier_positions(x.shape[-2], x.shape[-1], x).expand(len(x), -1, -1, -1)
        tokens = self.latents.expand(len(x), -1, -1)
        return self.project(torch.cat([x, positions], 1)), tokens


class _Block(nn.Module):
    def __init__(self, side: int, *, fourier: bool) -> None:
        super().__init__()
        self.read, self.write = Read(side), Write(side)
        self.attn1, self.attn2 = TokenMixer(), TokenMixer()
        self.block1, self.block2 = (FourierBlock() if fourier else GroupedBlock() for _ in range(2))

    def forward(
        self, x: Tensor, tokens: Tensor, more: KeysValues | None
    ) -> tuple[Tensor, Tensor, KeysValues]:
        """Return map, tokens, and what other frames may attend to."""
        tokens = self.read(x, tokens)
        tokens, kept = self.attn1(tokens, more)
        tokens, _ = self.attn2(tokens)
        return self.write(self.block2(self.block1(x)), tokens), tokens, kept


class _FlowWrite(nn.Module):
    """Adds features of the references, sampled along flow and weighed against each other."""

    def __init__(self) -> None:
        super().__init__()
        self.q = nn.Conv2d(2 * WIDTH + 1, WIDTH, 1)
        self.v = nn.Conv2d(WIDTH + 1, WIDTH, 1)

    def forward(self, x: Tensor, references: Tensor, flow: Tensor, error: Tensor) -> Tensor:
        """Add to a map (B,512,h,w) what maps (B*R,512,h,w) show along flow (B*R,2,H,W)."""
        count, size = len(flow) // len(x), (x.shape[-2], x.shape[-1])
        shown = torch.cat([sample_along(references, flow), resize_corners(error, size)], 1)
        both = torch.cat([shown, x.repeat_interleave(count, 0)], 1)
        scores, values = (unfold(y, count) for y in (self.q(both), self.v(shown)))
        return x + (torch.softmax(scores, 1) * values).sum(1)


class Guided(nn.Module):
    """The generator.

    Args:
        num_blocks: of the bottleneck.
        num_cross: first blocks in which the target sees its references.
        side: windows, and so tokens, along each side.
        fourier: blocks of fast Fourier convolutions; otherwise of grouped convolutions.
    """

    def __init__(self, *, num_blocks: int, num_cross: int, side: int, fourier: bool) -> None:
        super().__init__()
        self.side, self.num_cross = side, num_cross
        widths = (64, 128, 256, WIDTH)
        self.stem = nn.ModuleList(
            [NormalisedConvolution(nn.Conv2d(4, widths[0], 7, bias=False), widths[0])]
        )
        for inputs, outputs in pairwise(widths):
            self.stem.append(NormalisedConvolution(reflecting(inputs, outputs, stride=2), outputs))
        self.latent = _Latents(side)
        self.blocks = nn.ModuleList(_Block(side, fourier=fourier) for _ in range(num_blocks))
        self.flow_writes = nn.ModuleList(_FlowWrite() for _ in range(num_cross))
        self.ups = nn.ModuleList(
            NormalisedConvolution(nn.ConvTranspose2d(i, o, 3, 2, 1, output_padding=1), o)
            for i, o in pairwise(reversed(widths))
        )
        self.head = nn.Conv2d(widths[0], 3, 7)
        self.apply(_initialise)

    @property
    def least_side_px(self) -> int:
        """Least height and width: half a cell of the map for every window, and one cell more."""
        return MULTIPLE * (self.side // 2 + 1)

    def forward(self, views: Views, flow: Tensor, error: Tensor) -> Tensor:
        """Predict the whole target.

        Args:
            views: of one size; holes are read as black.
            flow: (B,R,2,h',w') in its own pixels, x then y, from the target to every reference, at any
                size; see `carried_flow`.
            error: (B,R,1,h',w') of the flow, at any size; 0 = certain.

        Returns:
            (B,3,h,w) in [0,1], the known part predicted too.

        Raises:
            ShapeError: sides that are no multiples of 8 or too small, or flow for other references.
        """
        self._check(views, flow, error)
        count = views.references.shape[1]
        both = torch.cat([views.target[:, None], views.references], 1)
        holes = torch.cat([views.hole[:, None], views.reference_holes], 1)
        x = pad(fold(torch.cat([both * (1 - holes), holes], 2)), (3, 3, 3, 3), mode="reflect")
        for layer in self.stem:
            x = layer(x)
        x, tokens = self.latent(x)
        (x, others), (tokens, other_tokens) = (_split(y, count) for y in (x, tokens))
        flow, error = fold(flow), fold(error)
        for i, block in enumerate(self.blocks):
            more = None
            if i < self.num_cross:  # references see neither each other nor the target
                others, other_tokens, kept = block(others, other_tokens, None)
                more = join_references(kept, count)
            x, tokens, _ = block(x, tokens, more)
            if i < self.num_cross:
                x = self.flow_writes[i](x, others, flow, error)
        for layer in self.ups:
            x = layer(x)
        return torch.sigmoid(self.head(pad(x, (3, 3, 3, 3), mode="reflect")))

    def _check(self, views: Views, flow: Tensor, error: Tensor) -> None:
        size, (batch, count) = tuple(views.target.shape[2:]), views.references.shape[:2]
        if any(side % MULTIPLE or side < self.least_side_px for side in size):
            raise ShapeError(
                f"Expected height and width of at least {self.least_side_px} and in multiples of "
                f"{MULTIPLE}, got {size[0]}x{size[1]}; pad the frames."
            )
        found = (tuple(flow.shape[:3]), tuple(error.shape[:3]))
        if found != ((batch, count, 2), (batch, count, 1)):
            raise ShapeError(
                f"Expected flow ({batch},{count},2,h,w) to every reference and its error "
                f"({batch},{count},1,h,w), got {found[0]} and {found[1]}; compute them for the same "
                "references."
            )


def _split(x: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return what belongs to the targets (B,...) and to their references (B*R,...)."""
    x = rearrange(x, "(b r) ... -> b r ...", r=1 + count)
    return x[:, 0], rearrange(x[:, 1:], "b r ... -> (b r) ...")


def _initialise(module: nn.Module) -> None:
    """Draw initial values as published."""
    if isinstance(module, nn.Linear | nn.Conv2d):
        nn.init.normal_(module.weight, std=0.02)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
    elif isinstance(module, _Latents):
        nn.init.normal_(module.latents, std=0.02)
