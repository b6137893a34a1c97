"""Both stages, one after the other, from one command."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace

from lgtsm.errors import OptionError
from lgtsm.models.network import Network

from .checkpoint import STATE, read_state, refuse_other_run
from .data.sources import Library
from .loop import train
from .losses.perceptual import PerceptualNet
from .process_group import ProcessGroup
from .recipe import Recipe
from .run import STAGES, Run


def train_both(
    library: Library, recipe: Recipe, run: Run, net: PerceptualNet | None, group: ProcessGroup
) -> Network:
    """Train stage 1 into OUT/stage1, then stage 2 from its weights into OUT/stage2.

    Args:
        library: decoded clips.
        recipe: with both stages.
        run: its steps are each stage's, its minutes are halved; resumed in whichever stage it was.
        net: for perceptual and style losses.
        group: the processes that train together.

    Returns:
        The network after stage 2.

    Raises:
        OptionError: the recipe has no stage 2, or a new run where there is one.
    """
    if recipe.stage2 is None:
        raise OptionError(
            f"Expected a recipe with both stages, got {recipe.name}, which has none for stage 2; "
            "train stage1 alone or take another recipe."
        )
    minutes = None if run.minutes is None else run.minutes / 2
    first_out, second_out = (run.out / name for name in STAGES)
    first = replace(run, out=first_out, minutes=minutes)
    device = run.torch_device(group.local_rank)

    def first_says(answer: Callable[[], bool]) -> bool:
        # it alone writes, so its files are whole when it looks; the others wait for its answer
        return group.agree(group.is_first and answer(), device)

    in_second = run.resume and first_says((second_out / STATE).is_file)
    if not run.resume:  # told now, not after hours of stage 1
        refuse_other_run(second_out)
    network = None
    if not in_second:
        network = train(library, recipe, "stage1", first, net, group)
        if not first_says(lambda: _is_over(first)):
            return network  # stopped by a signal; --resume goes on here
    second = replace(run, out=second_out, minutes=minutes, resume=in_second, init=None)
    if not in_second:
        second = replace(second, init=first_out)
    return train(library, recipe, "stage2", second, net, group)


def _is_over(run: Run) -> bool:
    """Tell whether a run has come to its end, from the state that it has left."""
    progress = json.loads(read_state(run.out)[1]["progress"])
    return run.is_over(progress["step"], progress["seconds"])
