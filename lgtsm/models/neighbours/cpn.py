"""Copy-and-Paste Network: aligned references are matched by context and pasted as features.

Source: Lee et al. 2019 (ICCV); see `cpn_align`. Kept as published: the fourth input channel is the
hole of the target but what is known of the references, and the border that pads a frame to a
multiple of 8 counts as known black pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import interpolate, pad

from .convolutions import same
from .cpn_align import ENCODER, CpnAligner, named
from .frames import Views, denormalise, fold, normalise, resize, unfold

MULTIPLE = 8
_LEAST_OVERLAP = 1e-4
_ENCODER = {name: ENCODER[name] for name in ("conv12", "conv2", "conv23", "conv3")}
_ENCODER["value3"] = (128, 128, 3, 1)
_WIDTH = 257
"""Features of the target and of the copies, 128 each, and where nothing could be copied."""
_DECODER = {
    **dict.fromkeys(("conv4", "conv5_1", "conv5_2", "conv3c"), (_WIDTH, _WIDTH, 3, 1)),
    "conv3b": (_WIDTH, 128, 3, 1),
    "conv3a": (128, 128, 3, 1),
    "conv32": (128, 64, 3, 1),
    "conv2": (64, 64, 3, 1),
    "conv21": (64, 3, 5, 1),
}
_DILATED = ("convA4_1", "convA4_2", "convA4_3", "convA4_4")
_BOTTOM = ("conv4", "conv5_1", "conv5_2", *_DILATED, "conv3c", "conv3b", "conv3a")


@dataclass(frozen=True)
class Pasted:
    """Output of the network.

    composed: (B,3,h,w) in [0,1]. raw: (B,3,h',w') of the padded frame, not clamped.
    features: (B,257,h'/4,w'/4) that the decoder reads, see `match_context`.
    """

    composed: Tensor
    raw: Tensor
    features: Tensor


def match_context(
    target: Tensor, known: Tensor, references: Tensor, references_known: Tensor
) -> Tensor:
    """Average the references' features by how well each agrees with the target where both are known.

    Args:
        target: features (B,C,h,w).
        known: (B,1,H,W), 1 = known, resized to the features.
        references: features (B,R,C,h,w).
        references_known: (B,R,1,H,W).

    Returns:
        Features (B,2C+1,h,w): of the target, the average, and 1 where no reference is known.
    """
    size = (target.shape[-2], target.shape[-1])
    known, shown = ((resize(x, size) > 0.5).to(target.dtype) for x in (known, references_known))
    both = known[:, None] * shown
    area = both.sum((2, 3, 4))
    product = (both * target[:, None] * references).sum((2, 3, 4))
    agreement = torch.where(area < _LEAST_OVERLAP, 0.0, product / (area * target.shape[1] + 1e-30))
    # a softmax over the references that show the place
    scores = agreement[:, :, None, None, None] * shown
    weights = torch.exp(scores - scores.amax(1, keepdim=True)) * shown
    total = weights.sum(1, keepdim=True)
    weights = weights / torch.where(total < _LEAST_OVERLAP, total + 1, total)
    unseen = 1 - (weights * shown).sum(1)
    return torch.cat([target, (weights * references).sum(1), unseen], 1)


class Cpn(CpnAligner):
    """The whole network; see `CpnAligner` for its argument."""

    def __init__(self, *, align_corners: bool) -> None:
        super().__init__(align_corners=align_corners)
        self.encoder = named(_ENCODER)
        self.decoder = named(_DECODER)
        for i, name in enumerate(_DILATED):
            self.decoder[name] = same(_WIDTH, _WIDTH, dilation=2 ** (i + 1))

    def forward(self, views: Views) -> Pasted:
        """Fill the target from its references."""
        (height, width), count = views.target.shape[2:], views.references.shape[1]
        margins = _margins(height, width)
        whole = (views.target, views.hole, views.references, views.reference_holes)
        padded = Views(*(pad(x, margins) for x in whole))
        (target, _), hole = padded.filled(), padded.hole
        aligned = self.align(padded)
        own = self._encode(target, hole)
        pasted = self._encode(fold(aligned.frames), fold(aligned.known))
        features = match_context(own, 1 - hole, unfold(pasted, count), aligned.known)
        raw = self._decode(features)
        composed = (raw * hole + target * (1 - hole)).clamp(0, 1)
        left, _, top, _ = margins
        composed = composed[..., top : top + height, left : left + width]
        return Pasted(composed, raw, features)

    def _encode(self, pixels: Tensor, fourth: Tensor) -> Tensor:
        x = torch.cat([normalise(pixels), fourth], 1)
        for name, layer in self.encoder.items():
            x = layer(x) if name == "value3" else torch.relu(layer(x))
        return x

    def _decode(self, x: Tensor) -> Tensor:
        for names in (_BOTTOM, ("conv32", "conv2")):
            for name in names:
                x = torch.relu(self.decoder[name](x))
            x = interpolate(x, scale_factor=2, mode="nearest")
        return denormalise(self.decoder["conv21"](x))


def _margins(height: int, width: int) -> tuple[int, int, int, int]:
    """Return left, right, top, bottom of zeros that make a size a multiple of 8."""
    rows, columns = -height % MULTIPLE, -width % MULTIPLE
    return columns // 2, columns - columns // 2, rows // 2, rows - rows // 2
