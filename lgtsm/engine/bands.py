"""Fine detail of source frames, for copies into frames that are filled at reduced size.

The band of a source frame is the frame minus its reduced and re-enlarged version (one level of a
Laplacian pyramid, Burt and Adelson 1983). Copies are blended at working size; then the bands of the
same source frames are sampled at the same coordinates and added, so that copied pixels are as sharp
as the source while the network's own pixels stay unchanged.
"""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import Tensor
from torch.nn.functional import max_pool2d

from ..align.sampling import sample_at
from ..box import Box, hole_box
from ..copying.candidates import CopySources
from ..copying.coords import box_grid
from .fitting import Fit, to_source

_STEP = 1 / 508
"""One step of a byte: half a level of 255, so that a byte spans -0.25..0.25."""
_MARGIN_PX = 3
"""Working pixels around a hole that resizing mixes with it; their band is not used."""


class Bands:
    """Bands of the frames of one shot.

    Args:
        fit: source and working size.
        reach: largest distance, in frames, of a frame that detail is copied from.
    """

    def __init__(self, fit: Fit, reach: int) -> None:
        self.fit, self.reach = fit, reach
        self._bands: dict[int, Tensor] = {}
        self._arrived = 0

    def push(self, frame: Tensor, hole: Tensor, working: Tensor) -> None:
        """Add the next source frame (3,H,W), its hole (1,H,W) and its working frame (3,h,w)."""
        whole = Box(0, 0, *self.fit.source)
        area = Box(0, 0, *working.shape[1:])
        enlarged = to_source(working, area, whole, self.fit)
        band = frame.to("cpu", torch.float32) - enlarged
        box = hole_box(hole)
        if box is not None:
            grow_px = _MARGIN_PX * -(-self.fit.source[1] // self.fit.working[1]) + 1
            near = box.grow(grow_px) & whole
            part = (..., near.rows, near.columns)
            contaminated = hole[part].to("cpu", torch.float32)[None]
            contaminated = max_pool2d(contaminated, (2 * grow_px + 1, 1), 1, (grow_px, 0))
            contaminated = max_pool2d(contaminated, (1, 2 * grow_px + 1), 1, (0, grow_px))[0]
            band[part] = band[part].masked_fill(contaminated > 0, 0)
        self._bands[self._arrived] = band.div_(_STEP).round_().clamp_(-127, 127).to(torch.int8)
        self._arrived += 1

    def forget(self, number: int, kept: Collection[int] = ()) -> None:
        """Drop the bands that neither frame `number` nor a later one reaches, but for some kept."""
        for t in [t for t in self._bands if t < number - self.reach and t not in kept]:
            del self._bands[t]

    def detail(self, sources: CopySources, wanted: Box) -> Tensor:
        """Return the detail that copies add to a part of a source frame.

        Args:
            sources: which frames, from where.
            wanted: part of the source frame.

        Returns:
            (3,H',W'), 0 where nothing was copied.
        """
        fit = self.fit
        scale_y, scale_x = fit.scale
        scale = torch.tensor([scale_x, scale_y])[None, :, None, None]
        grid = box_grid(wanted, scale) * scale
        inside = grid - torch.tensor([sources.box.left, sources.box.top])[None, :, None, None]
        result = torch.zeros(3, wanted.height, wanted.width)
        for i, number in enumerate(sources.numbers):
            if number not in self._bands:
                continue
            weight = sample_at(sources.weights[i : i + 1].cpu().float(), inside)
            coords = sample_at(sources.coords[i : i + 1].cpu().float(), inside) / scale
            result += (weight * self._sample(number, coords))[0]
        return result

    def _sample(self, number: int, coords: Tensor) -> Tensor:
        """Sample a band at source coordinates (1,2,h,w); only the part that is read becomes floats."""
        band = self._bands[number]
        height, width = band.shape[1:]
        x, y = coords[:, 0].clamp(0, width), coords[:, 1].clamp(0, height)
        left, top = max(0, int(x.min()) - 4), max(0, int(y.min()) - 4)
        right, bottom = min(width, int(x.max()) + 5), min(height, int(y.max()) + 5)
        part = band[None, :, top:bottom, left:right].float() * _STEP
        corner = coords.new_tensor([left, top])[None, :, None, None]
        return sample_at(part, coords - corner, mode="bicubic", padding="zeros")
