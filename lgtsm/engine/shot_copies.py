"""What other frames give to the holes of one shot: blended frame by frame, smoothed in time."""

from __future__ import annotations

from functools import partial

from ..copying.blending import BlendedFill, GatheredFill, blend_frame, gather_fills
from ..copying.candidates import gathered_together
from ..copying.key_frames import Backdrop
from ..copying.shot import Shot
from ..copying.source_frames import Search
from ..copying.temporal_smoothing import smooth_in_time, smoothing_reach
from .progress import ShotWork, Stage

_TOGETHER_PIXELS, _MOST_TOGETHER = 420_000, 4
"""Pixels and number of the frames whose candidates are gathered together at most. Set by hand: more
need more memory, and save nothing on a CPU."""


class ShotCopies:
    """Blends the copies of one shot; frames are asked for in order.

    Args:
        shot: holds the frames and their windows.
        search: where copies may come from.
        backdrop: pictures at working size of what is behind the holes.
        with_sources: return the source frames too, needed only where frames are reduced.
        work: asked between steps, and told of every frame that is blended.

    together: frames whose candidates are gathered at once, at most.
    """

    def __init__(
        self,
        shot: Shot,
        search: Search,
        backdrop: Backdrop,
        *,
        with_sources: bool,
        work: ShotWork,
    ) -> None:
        self._shot, self._search, self._backdrop = shot, search, backdrop
        self._with_sources, self._work = with_sources, work
        self.together = max(
            1, min(_MOST_TOGETHER, _TOGETHER_PIXELS // (shot.size[0] * shot.size[1]))
        )
        self._gathered: dict[int, GatheredFill] = {}
        self._blended: dict[int, BlendedFill] = {}

    @property
    def window(self) -> tuple[int, int]:
        """How many frames (before, after) a frame is copied from, those of its smoothing included."""
        before, after = smoothing_reach(self._search)
        return self._search.window[0] + before, self._search.window[1] + after

    def at(self, t: int, end: int) -> BlendedFill | None:
        """Return the blended fill of a frame, smoothed in time; None without a hole.

        Args:
            t: the frame.
            end: of the frames whose windows have arrived.
        """
        oldest = t - smoothing_reach(self._search)[0]
        self._blended = {s: blended for s, blended in self._blended.items() if s >= oldest}
        return smooth_in_time(self._shot, t, self._search, partial(self._alone, end=end))

    def _alone(self, t: int, end: int) -> BlendedFill | None:
        """Return the blended fill of a frame before smoothing, made once."""
        if t not in self._blended and self._shot[t].hole is not None:
            self._work.check()
            if t not in self._gathered:
                self._gather(t, end)
            kept = self._gathered.pop(t, None)
            blended = blend_frame(self._shot, t, self._search, self._backdrop, gathered=kept)
            if blended is not None:
                self._blended[t] = blended
            self._work.passed(Stage.COPY, t)
        return self._blended.get(t)

    def _gather(self, t: int, end: int) -> None:
        """Gather the candidates of a frame, and of the next ones whose windows have arrived."""
        following = range(t, max(t + 1, min(t + self.together, end)))
        found = gather_fills(
            self._shot,
            gathered_together(self._shot, following),
            self._search,
            self._work.check,
            with_sources=self._with_sources,
        )
        self._gathered.update(found)
