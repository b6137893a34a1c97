"""Exponential moving average of a network's values."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn


class MovingAverage:
    """Average of a network's parameters and buffers, with a short memory at the start.

    Args:
        network: whose values start the average.
        decay: share of the old average that a step keeps, 0..1; 0 follows the network exactly.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self.decay = decay
        self.values = {k: v.detach().clone() for k, v in network.state_dict().items()}

    @torch.no_grad()
    def update(self, network: nn.Module, step: int) -> None:
        """Take in the network's values after step number `step`."""
        decay = min(self.decay, (1 + step) / (10 + step))
        for key, value in network.state_dict().items():
            if value.is_floating_point():
                self.values[key].lerp_(value.detach(), 1 - decay)
            else:
                self.values[key].copy_(value)

    @contextmanager
    def lent_to(self, network: nn.Module) -> Iterator[None]:
        """Let a network hold the averaged values, in eval mode, for as long as the context lasts."""
        own = {k: v.clone() for k, v in network.state_dict().items()}
        was_training = network.training
        network.load_state_dict(self.values)
        network.eval()
        try:
            yield
        finally:
            network.load_state_dict(own)
            network.train(was_training)
