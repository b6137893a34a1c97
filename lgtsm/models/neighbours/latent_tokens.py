"""Tokens that summarise the windows of a feature map: read from it, mixed, written back.

Source: Esser et al. 2022, "Towards Unified Keyframe Propagation Models" (arXiv 2205.09731).
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from einops import rearrange
from torch import Tensor, nn
from torch.nn.functional import gelu, interpolate, scaled_dot_product_attention

from ..combcn import BatchNorm

WIDTH, HEADS = 512, 8
_BANDS = 64
_HIGHEST = 16
"""Of the position code, in half waves over the map, at any size as published."""

KeysValues = tuple[Tensor, Tensor]
"""Of one attention, (N,8,tokens,64) each."""


def fourier_positions(height: int, width: int, like: Tensor) -> Tensor:
    """Return the code of all positions, (1,258,height,width): position, sines, cosines; y before x."""
    axes = [torch.linspace(-1, 1, size, device=like.device) for size in (height, width)]
    places = torch.stack(torch.meshgrid(*axes, indexing="ij"))  # (2,h,w)
    bands = torch.linspace(1, _HIGHEST, _BANDS, device=like.device)[:, None, None]
    angles = torch.cat([torch.pi * place * bands for place in places])
    return torch.cat([places, angles.sin(), angles.cos()])[None].to(like.dtype)


def resize_corners(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize (N,C,h,w) bilinearly; the centres of the corner pixels coincide."""
    if tuple(x.shape[-2:]) == size:
        return x
    return interpolate(x, size=size, mode="bilinear", align_corners=True)


class _Mlp(nn.Module):
    """Two layers; linear ones on tokens, 1x1 convolutions on maps."""

    def __init__(self, layer: Callable[[], nn.Module]) -> None:
        super().__init__()
        self.dense1, self.dense2 = layer(), layer()

    def forward(self, x: Tensor) -> Tensor:
        """Apply both layers."""
        return self.dense2(gelu(self.dense1(x)))


def _token_layer() -> nn.Linear:
    return nn.Linear(WIDTH, WIDTH)


def _map_layer() -> nn.Conv2d:
    return nn.Conv2d(WIDTH, WIDTH, 1)


def _fitted(x: Tensor, side: int) -> Tensor:
    """Resize a map to the nearest size that `side` windows divide."""
    return resize_corners(x, (side * round(x.shape[-2] / side), side * round(x.shape[-1] / side)))


class Read(nn.Module):
    """Averages every window of a map into its token, each head with weights of its own.

    Args:
        side: windows along each side.
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side
        self.to_logits, self.to_values = nn.Conv2d(WIDTH, HEADS, 1), _map_layer()
        self.ln1, self.ln2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.projection, self.mlp = _token_layer(), _Mlp(_token_layer)

    def weights(self, features: Tensor) -> Tensor:
        """Return each head's weights (N,8,windows,pixels of a window)."""
        logits = _fitted(self.to_logits(features), self.side)
        return torch.softmax(_windows(logits, self.side), -1)

    def forward(self, features: Tensor, tokens: Tensor) -> Tensor:
        """Add what the map (N,512,h,w) shows to the tokens (N,side²,512)."""
        values = _windows(_fitted(self.to_values(features), self.side), self.side)
        values = rearrange(values, "n (h c) a p -> n h c a p", h=HEADS)
        read = torch.einsum("nhap,nhcap->nahc", self.weights(features), values).flatten(2)
        tokens = tokens + self.projection(self.ln1(read))
        return tokens + self.mlp(self.ln2(tokens))


def _windows(x: Tensor, side: int) -> Tensor:
    """Return (N,C,windows,pixels) of a map that the windows divide."""
    return rearrange(x, "n c (a p) (b q) -> n c (a b) (p q)", a=side, b=side)


class _Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layernorm1 = nn.LayerNorm(WIDTH)
        self.query, self.key = _token_layer(), _token_layer()
        self.value = _token_layer()

    def forward(self, tokens: Tensor, more: KeysValues | None) -> tuple[Tensor, KeysValues]:
        """Return what the tokens attend to, and the keys and values of the tokens alone."""
        x = self.layernorm1(tokens)
        query, key, value = (
            rearrange(layer(x), "n t (h c) -> n h t c", h=HEADS)
            for layer in (self.query, self.key, self.value)
        )
        keys, values = key, value
        if more is not None:
            keys, values = (torch.cat(pair, 2) for pair in ((key, more[0]), (value, more[1])))
        mixed = scaled_dot_product_attention(query, keys, values)
        return rearrange(mixed, "n h t c -> n t (h c)"), (key, value)


class TokenMixer(nn.Module):
    """Attention among the tokens, of the references too where their keys and values are given."""

    def __init__(self) -> None:
        super().__init__()
        self.attn, self.projection = _Attention(), _token_layer()
        self.ln_premlp, self.mlp = nn.LayerNorm(WIDTH), _Mlp(_token_layer)

    def forward(self, tokens: Tensor, more: KeysValues | None = None) -> tuple[Tensor, KeysValues]:
        """Return the mixed tokens (N,T,512), and the keys and values they had."""
        attended, own = self.attn(tokens, more)
        tokens = tokens + self.projection(attended)
        return tokens + self.mlp(self.ln_premlp(tokens)), own


class Write(nn.Module):
    """Spreads every token over its window, through gates of each pixel.

    Args:
        side: windows along each side.
    """

    def __init__(self, side: int) -> None:
        super().__init__()
        self.side = side
        self.to_logits, self.to_values = nn.Conv2d(WIDTH, HEADS, 1), _token_layer()
        self.ln1, self.ln2 = BatchNorm(WIDTH), BatchNorm(WIDTH)  # as published, despite their names
        self.projection, self.mlp = _map_layer(), _Mlp(_map_layer)

    def gates(self, features: Tensor) -> Tensor:
        """Return each head's gates (N,8,h',w') on a map that the windows divide."""
        return torch.sigmoid(_fitted(self.to_logits(features), self.side))

    def forward(self, features: Tensor, tokens: Tensor) -> Tensor:
        """Add the tokens (N,side²,512) to the map (N,512,h,w)."""
        gates = rearrange(
            self.gates(features), "n h (a p) (b q) -> n h 1 a p b q", a=self.side, b=self.side
        )
        values = rearrange(
            self.to_values(tokens), "n (a b) (h c) -> n h c a 1 b 1", a=self.side, h=HEADS
        )
        spread = rearrange(gates * values, "n h c a p b q -> n (h c) (a p) (b q)")
        spread = resize_corners(spread, (features.shape[-2], features.shape[-1]))
        features = features + self.projection(self.ln1(spread))
        return features + self.mlp(self.ln2(features))


def join_references(kept: KeysValues, count: int) -> KeysValues:
    """Join what all references of a target keep: (N*count,8,T,64) to (N,8,count*T,64)."""
    keys, values = (rearrange(x, "(b r) h t c -> b h (r t) c", r=count) for x in kept)
    return keys, values
