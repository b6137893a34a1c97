"""The learning rate over a run."""

from __future__ import annotations

import math

from .recipe import Schedule, Stage


def rate_at(stage: Stage, step: int, share: float) -> float:
    """Return the learning rate: linear warm-up, then the stage's schedule.

    Args:
        stage: peak, warm-up, schedule and final ratio.
        step: number of the step since the run began or was given light weights, from 0.
        share: how much of the run is over, 0..1.
    """
    warm = min(1.0, (step + 1) / max(1, stage.warmup_steps))
    if stage.schedule is Schedule.CONSTANT:
        return stage.learning_rate * warm
    cosine = 0.5 * (1 + math.cos(math.pi * min(1.0, share)))
    return stage.learning_rate * warm * (stage.final_ratio + (1 - stage.final_ratio) * cosine)
