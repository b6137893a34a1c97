"""I3D features for the video FID, in the published and in the corrected form.

Network: Carreira and Zisserman 2017, table 1 and figure 3 (inflated Inception-v1), RGB, up to Mixed_5c,
with TensorFlow's SAME padding. Weights: a safetensors file with the keys of the usual PyTorch port
(`Conv3d_1a_7x7.conv3d.weight`, `Mixed_3b.b0.bn.running_mean`, ...), given by path.

Not verified on the real weights, which were not available here; shapes are tested.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool3d, pad

from ...errors import ShapeError, WeightsError
from ...metrics.frozen import read_frozen

MIN_FRAMES = 8
"""Temporal stride of Mixed_5c; a shorter clip would be measured on padding alone."""
_STRIDE_PX = 32
"""Spatial stride of Mixed_5c; a single position has no batch statistics."""
_MIXED: dict[str, tuple[int, tuple[int, int, int, int, int, int]]] = {
    "Mixed_3b": (192, (64, 96, 128, 16, 32, 32)),
    "Mixed_3c": (256, (128, 128, 192, 32, 96, 64)),
    "Mixed_4b": (480, (192, 96, 208, 16, 48, 64)),
    "Mixed_4c": (512, (160, 112, 224, 24, 64, 64)),
    "Mixed_4d": (512, (128, 128, 256, 24, 64, 64)),
    "Mixed_4e": (512, (112, 144, 288, 32, 64, 64)),
    "Mixed_4f": (528, (256, 160, 320, 32, 128, 128)),
    "Mixed_5b": (832, (256, 160, 320, 32, 128, 128)),
    "Mixed_5c": (832, (384, 192, 384, 48, 128, 128)),
}
"""Input channels, then 1x1, 3x3 reduce, 3x3, second 3x3 reduce, second 3x3, pool projection."""
_POOL_BEFORE = {"Mixed_4b": ((3, 3, 3), (2, 2, 2)), "Mixed_5b": ((2, 2, 2), (2, 2, 2))}


class Form(Enum):
    """How the network is run; never compare figures of different forms."""

    PUBLISHED = "published"
    """As in the LGTSM paper's code: batch statistics of the clip itself, input in [0,1]."""
    CORRECTED = "corrected"
    """As I3D was trained: stored statistics, input in [-1,1]."""


_Size = tuple[int, int, int]


def _same(x: Tensor, kernel: _Size, stride: _Size) -> Tensor:
    """Pad (N,C,T,H,W) as TensorFlow does: the odd sample goes to the end."""
    amounts: list[int] = []
    for size, k, s in zip(reversed(x.shape[2:]), reversed(kernel), reversed(stride), strict=True):
        total = max(k - (s if size % s == 0 else size % s), 0)
        amounts += [total // 2, total - total // 2]
    return pad(x, amounts)


class _Unit(nn.Module):
    """Convolution, batch norm, ReLU."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.kernel: _Size = (kernel, kernel, kernel)
        self.stride: _Size = (stride, stride, stride)
        self.conv3d = nn.Conv3d(inputs, outputs, kernel, stride, bias=False)
        self.bn = nn.BatchNorm3d(outputs, eps=0.001, momentum=0.01)

    def forward(self, x: Tensor) -> Tensor:
        return self.bn(self.conv3d(_same(x, self.kernel, self.stride))).relu_()


class _Mixed(nn.Module):
    """One inception block of four parallel branches."""

    def __init__(self, inputs: int, widths: tuple[int, int, int, int, int, int]) -> None:
        super().__init__()
        self.b0 = _Unit(inputs, widths[0], 1)
        self.b1a, self.b1b = _Unit(inputs, widths[1], 1), _Unit(widths[1], widths[2], 3)
        self.b2a, self.b2b = _Unit(inputs, widths[3], 1), _Unit(widths[3], widths[4], 3)
        self.b3b = _Unit(inputs, widths[5], 1)

    def forward(self, x: Tensor) -> Tensor:
        pooled = max_pool3d(_same(x, (3, 3, 3), (1, 1, 1)), 3, 1)
        return torch.cat(
            [self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(pooled)], 1
        )


class I3D(nn.Module):
    """I3D up to Mixed_5c."""

    def __init__(self) -> None:
        super().__init__()
        self.Conv3d_1a_7x7 = _Unit(3, 64, 7, 2)
        self.Conv3d_2b_1x1 = _Unit(64, 64, 1)
        self.Conv3d_2c_3x3 = _Unit(64, 192, 3)
        for name, (inputs, widths) in _MIXED.items():
            setattr(self, name, _Mixed(inputs, widths))

    def forward(self, x: Tensor) -> Tensor:
        """Return Mixed_5c (N,1024,T/8,H/32,W/32) of (N,3,T,H,W)."""
        x = _pooled(self.Conv3d_1a_7x7(x), (1, 3, 3), (1, 2, 2))
        x = self.Conv3d_2c_3x3(self.Conv3d_2b_1x1(x))
        x = _pooled(x, (1, 3, 3), (1, 2, 2))
        for name in _MIXED:
            if name in _POOL_BEFORE:
                x = _pooled(x, *_POOL_BEFORE[name])
            x = getattr(self, name)(x)
        return x


def _pooled(x: Tensor, kernel: _Size, stride: _Size) -> Tensor:
    return max_pool3d(_same(x, kernel, stride), kernel, stride)


def load_i3d(path: str | Path) -> I3D:
    """Load I3D from a safetensors file; layers after Mixed_5c are ignored.

    Raises:
        WeightsError: the file is missing or damaged, or holds another network.
    """
    tensors = read_frozen(path, "I3D")
    network = I3D()
    stored = {k: v for k, v in tensors.items() if not k.startswith("logits.")}
    try:
        outcome = network.load_state_dict(stored, strict=False)
    except RuntimeError as error:
        raise WeightsError(
            f"Expected I3D weights in {path}, got tensors of other shapes; give the RGB network."
        ) from error
    missing = [k for k in outcome.missing_keys if not k.endswith("num_batches_tracked")]
    if missing or outcome.unexpected_keys:
        wrong = (missing or list(outcome.unexpected_keys))[0]
        raise WeightsError(
            f"Expected I3D weights in {path}, got a file that differs at {wrong}; give the RGB "
            "network in the keys of the usual PyTorch port."
        )
    return network.requires_grad_(False)


def video_features(network: I3D, clip: Tensor, form: Form) -> Tensor:
    """Return the features of one clip.

    Args:
        network: I3D.
        clip: (T,3,H,W) RGB in [0,1], T at least 8; not resized, as published.
        form: how the network is run.

    Returns:
        (1024,): Mixed_5c averaged over time and space.

    Raises:
        ShapeError: the clip is too short or too small.
    """
    if len(clip) < MIN_FRAMES or min(clip.shape[-2:]) <= _STRIDE_PX:
        raise ShapeError(
            f"Expected at least {MIN_FRAMES} frames of more than {_STRIDE_PX} pixels a side for "
            f"I3D, got {len(clip)} of {clip.shape[-1]}x{clip.shape[-2]}; use longer or larger clips."
        )
    batch = clip.movedim(0, 1)[None]  # (1,3,T,H,W)
    if form is Form.CORRECTED:
        batch = 2 * batch - 1
    network.train(form is Form.PUBLISHED)
    kept = {k: v.clone() for k, v in network.state_dict().items() if "running" in k}
    try:
        with torch.no_grad():
            return network(batch).mean((2, 3, 4))[0]
    finally:
        # the published form updates the stored statistics, which must not reach the next clip
        network.load_state_dict(kept, strict=False)
        network.eval()
