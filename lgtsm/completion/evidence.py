"""Where a frame disagrees with what other frames show beside a mask, and how."""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ..fills.averaging import local_mean
from ..masks.regions import Flags, grown

# set by hand on three rendered scenes and four real clips, at the working size
_BLACK = 0.04  # added to values before their logarithms: the noise of dark places
_COPIED = 0.8  # share of copies from which on a place was really seen in other frames
_BEYOND_ERROR = 1.3  # difference over the error to be expected of the copies
_DARK, _DIM = 0.18, 0.04  # log ratio of a shadow's core and of its penumbra
_TINT, _TINT_BY_DARKNESS = 0.15, 0.4  # spread of the channels' log ratios: skies are blue
_ROUGH, _ROUGH_BY_DARKNESS = 0.06, 0.45  # deviation of the log ratio around a pixel
_TEXTURE_BLUR = 3  # repetitions of a 3x3 average: what counts as around
_DIFFERENT = 0.1  # root mean square over the channels
_PALETTE = 256  # colours of the object that are compared
_ALIKE, _ALIKE_SHARE = (
    0.08,
    0.5,
)  # distance to the object's colours, also against that to the copies
_RIM_SHARE = 0.035  # of the longer side: how far a rim may reach
_PERHAPS_COPIED = 0.2  # share of copies from which on darkness is worth showing


@dataclass(frozen=True)
class Evidence:
    """What speaks for additions in one frame, flags (h,w).

    mask: the object as it was given.
    shadow, penumbra: surely darkened with the same texture, strongly and at least a little.
    rim: surely different from the background and coloured like the object, near it.
    perhaps: different, or darker than copies that are not sure.
    unsure: around the object, where no other frame surely shows the background.
    colours, background: (3,h,w) logarithms of the frame, and of what is behind shadows.
    """

    mask: Flags
    shadow: Flags
    penumbra: Flags
    rim: Flags
    perhaps: Flags
    unsure: Flags
    colours: Tensor
    background: Tensor

    def or_darker_than(self, lit: Evidence) -> Evidence:
        """Return it with the shadows of another comparison where it is not sure."""
        return replace(
            self,
            shadow=self.shadow | (lit.shadow & self.unsure),
            penumbra=self.penumbra | (lit.penumbra & self.unsure),
            background=torch.where(torch.from_numpy(self.unsure), lit.background, self.background),
        )


def find_evidence(
    frame: Tensor, mask: Tensor, hole: Tensor, copies: Tensor, share: Tensor, error: Tensor
) -> Evidence:
    """Compare a frame with copies of other frames.

    Args:
        frame: (3,h,w) in [0,1].
        mask: (1,h,w), 1 = object.
        hole: (1,h,w), 1 = the object and what is around it, where there are copies.
        copies: (3,h,w) in [0,1].
        share: (1,h,w) of real copies in them, 0 to 1.
        error: (1,h,w) root mean square to be expected of them.
    """
    own, other = local_mean(frame), local_mean(copies)
    colours, background = ((x + _BLACK).log() for x in (own, other))
    ratio = colours - background
    darkness = -ratio.mean(0, keepdim=True)
    dark = darkness.clamp_min(0)
    tint = ratio.amax(0, keepdim=True) - ratio.amin(0, keepdim=True)
    grey = ((frame.mean(0, keepdim=True) + _BLACK) / (copies.mean(0, keepdim=True) + _BLACK)).log()
    rest = grey - local_mean(grey, _TEXTURE_BLUR)
    roughness = local_mean(rest.square(), _TEXTURE_BLUR).sqrt()
    ring = (hole > 0) & (mask == 0)
    sure = ring & (share > _COPIED)
    limit = _BEYOND_ERROR * (error + 0.01)
    drop = local_mean((copies - frame).mean(0, keepdim=True))
    untinted = tint < _TINT + _TINT_BY_DARKNESS * dark
    smooth = roughness < _ROUGH + _ROUGH_BY_DARKNESS * dark
    shadow = sure & untinted & smooth & (darkness > _DARK) & (drop > limit)
    penumbra = sure & untinted & (darkness > _DIM) & (drop > limit / 4)
    difference = (own - other).square().mean(0, keepdim=True).sqrt()
    different = sure & (difference > limit.clamp_min(_DIFFERENT))
    rim = different & ~shadow & _like_object(own, mask, difference)
    dim = ring & untinted & (darkness > _DARK) & (share > _PERHAPS_COPIED)
    flags = (mask > 0, shadow, penumbra, rim, different | dim, ring & ~sure)
    return Evidence(*(one[0].numpy() for one in flags), colours=colours, background=background)


def _like_object(colours: Tensor, mask: Tensor, difference: Tensor) -> Tensor:
    """Return (1,h,w) bool: near the mask and of a colour that the object has.

    Args:
        colours: (3,h,w) of the frame.
        mask: (1,h,w), 1 = object.
        difference: (1,h,w) to the background.
    """
    inside = mask[0] > 0
    near = grown(inside.numpy(), max(2, round(_RIM_SHARE * max(inside.shape))))
    wanted = torch.from_numpy(near) & ~inside
    core = ~torch.from_numpy(grown(~inside.numpy(), 1))  # pixels at the edge are mixed
    places = core.nonzero()
    found = torch.zeros_like(inside)
    if not len(places) or not bool(wanted.any()):
        return found[None]
    rows, columns = places[:: -(-len(places) // _PALETTE)].T
    palette = colours[:, rows, columns].T
    # the norm of three channels against their root mean square
    distance = torch.cdist(colours[:, wanted].T, palette).amin(1) / 3**0.5
    found[wanted] = (distance < _ALIKE) & (distance < _ALIKE_SHARE * difference[0, wanted])
    return found[None]
