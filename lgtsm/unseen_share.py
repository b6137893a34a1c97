"""How much of the holes of a film no frame shows."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from torch import Tensor

from .engine.hooks import Hooks
from .engine.run import Job
from .options import InpaintOptions, Mode, Unseen
from .report import Report


def unseen_share(
    pairs: Iterable[tuple[Tensor, Tensor]],
    *,
    progress: Callable[[int, int, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> float:
    """Return the fraction of the holes, 0..1, that no frame shows, by the default copies.

    Args:
        pairs: frames (3,H,W) floating point in [0,1] with their holes (1,H,W), 1 = hole; read one by
            one.
        progress: called as progress(done, total, note).
        cancel: asked at every frame; True stops.

    Raises:
        ShapeError: shapes or values that do not fit; Cancelled: `cancel` returned True.
    """
    report = Report()
    options = InpaintOptions(mode=Mode.COPY, feather=0, unseen=Unseen.NETWORK)
    for _ in Job(None, options, Hooks(progress, cancel), report).run(pairs):
        pass
    return report.unseen
