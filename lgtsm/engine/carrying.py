"""Key frames carried by a network: every frame is painted, guided by the completed ones."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import pad

from ..align.flow import dense_flow
from ..align.homography import to_grey
from ..models.neighbours.carried_flow import fill_flow, flow_error
from ..models.neighbours.frames import Views
from ..models.neighbours.guided import MULTIPLE, Guided


def paint_guided(
    network: Guided, frame: Tensor, hole: Tensor, guides: Sequence[Tensor], starts: Sequence[Tensor]
) -> Tensor:
    """Paint a frame, guided by completed ones.

    Flow to them and back is measured between the frames, completed in the hole as published, and its
    error is what is left of a round trip.

    Args:
        network: on the frame's device.
        frame: (1,3,h,w) in [0,1], its hole filled somehow.
        hole: (1,1,h,w), 1 = hole.
        guides: R pictures (1,3,h,w) without holes.
        starts: R displacements (1,2,h,w) in pixels to them, as far as they are known.

    Returns:
        (1,3,h,w) in [0,1], the known part painted too.

    Raises:
        ShapeError: a guide of another size than the frame.
    """
    count, known = len(guides), 1 - hole
    for guide in guides:  # before any flow
        Views(frame, hole, guide[None], torch.zeros_like(guide[None, :, :1]))
    others, start = torch.cat(list(guides)), torch.cat(list(starts))
    grey, other_grey = to_grey(frame) * known, to_grey(others)
    flow, _ = dense_flow(
        torch.cat([grey.expand(count, -1, -1, -1), other_grey]),
        torch.cat([known.expand(count, -1, -1, -1), torch.ones_like(other_grey)]),
        torch.cat([other_grey, grey.expand(count, -1, -1, -1)]),
        torch.cat([torch.ones_like(other_grey), known.expand(count, -1, -1, -1)]),
        torch.cat([start, -start]),
    )
    there, back = fill_flow(flow, hole).chunk(2)
    error = flow_error(there, back)
    height, width = frame.shape[2:]
    least = network.least_side_px
    margins = (0, _missing(width, least), 0, _missing(height, least))
    frame, hole, others, there, error = (
        pad(x, margins, mode="replicate") for x in (frame, hole, others, there, error)
    )
    views = Views(frame, hole, others[None], torch.zeros_like(others[None, :, :1]))
    painted = network(views, there[None], error[None])
    return painted[..., :height, :width]


def _missing(side: int, least: int) -> int:
    """Return how many pixels a side lacks to what the network can read."""
    return max(least, -(-side // MULTIPLE) * MULTIPLE) - side
