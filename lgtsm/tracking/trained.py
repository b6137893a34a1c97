"""Networks that segment anything, as walkers: a memory of some frames, no more on long clips.

Their sessions (transformers) keep every frame and everything computed for it. What lies further back than
the network looks is dropped here after every frame, which changes no mask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import torch
from torch import Tensor

from .prompts import Prompt
from .walker import Painted

_OBJECT = 1
_ON, _BESIDE, _CORNERS = 1, 0, (2, 3)
"""Labels of points."""
Statistics = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Mean and standard deviation of the colours that a network was trained with."""


class TrainedTracker:
    """Carries masks by SAM 2, EdgeTAM or the tracker of SAM 3."""

    def __init__(
        self, model: Any, make_session: Callable[..., Any], statistics: Statistics, name: str
    ) -> None:
        """Take a loaded network.

        Args:
            model: `Sam2VideoModel` or a class with its calls, in evaluation mode.
            make_session: its class of sessions.
            statistics: of its colours.
            name: as of `Walker`.
        """
        self.name = name
        self._model, self._make_session = model, make_session
        self._mean, self._std = (torch.tensor(values).view(3, 1, 1) for values in statistics)
        config = model.config
        self._side = int(config.image_size)
        self._reach = max(config.num_maskmem, config.max_object_pointers_in_encoder)

    def size(self, frame_size: tuple[int, int]) -> tuple[int, int]:
        """Return the square that the network takes; see `Walker`."""
        return self._side, self._side

    def mark(self, frame: Tensor, prompt: Prompt, frame_size: tuple[int, int]) -> Tensor:
        """Return the mask that a box or points stand for; see `Walker`."""
        if prompt.box is not None:
            left, top, width, height = prompt.box
            points, labels = [(left, top), (left + width, top + height)], list(_CORNERS)
        else:
            points = [*prompt.points, *prompt.not_points]
            labels = [_ON] * len(prompt.points) + [_BESIDE] * len(prompt.not_points)
        height, width = frame_size
        scale = torch.tensor([self._side / width, self._side / height])
        given = {
            "point_coords": (torch.tensor(points).float() * scale).view(1, 1, -1, 2),
            "point_labels": torch.tensor(labels, dtype=torch.int32).view(1, 1, -1),
        }
        session = self._session()
        session.add_point_inputs(session.obj_id_to_idx(_OBJECT), 0, given)
        session.obj_with_new_inputs = [_OBJECT]
        return (self._step(session, 0, frame)[0] > 0.5).float()

    def prepare(self, before: Painted, after: Painted, frames: Iterable[Tensor]) -> None:
        """Share nothing; see `Walker`."""

    def walk(
        self,
        start: Painted,
        other: Painted | None,
        frames: Iterable[Tensor],
        shared: None = None,
    ) -> Iterator[tuple[Tensor, float]]:
        """Carry a mask from frame to frame; see `Walker`. The overlap to expect is not calibrated."""
        session = self._session()
        for one in (start,) if other is None else (start, other):
            session.add_mask_inputs(session.obj_id_to_idx(_OBJECT), one.steps, one.mask.round())
            session.obj_with_new_inputs = [_OBJECT]
            self._step(session, one.steps, one.frame)
        for number, frame in enumerate(frames, 1):
            yield self._step(session, number, frame)
            _forget(session, number - self._reach)

    def _session(self) -> Any:
        device = self._model.device
        return self._make_session(
            inference_device=device,
            inference_state_device=device,
            video_storage_device=device,
            dtype=self._model.dtype,
        )

    @torch.no_grad()
    def _step(self, session: Any, number: int, frame: Tensor) -> tuple[Tensor, float]:
        """Return the probability (1,1,h,w) of the object in the next frame, and its expected overlap."""
        pixels = ((frame - self._mean) / self._std)[None].to(self._model.device)
        found = self._model(inference_session=session, frame=pixels, frame_idx=number)
        session.processed_frames.clear()
        probability = found.pred_masks.float().sigmoid().cpu()
        there = float(found.object_score_logits.float().sigmoid().flatten()[0])
        mask = (probability > 0.5).float()
        if not mask.any():
            return probability, 1 - there
        both = (probability * mask).sum()
        return probability, there * float(both / (probability.sum() + mask.sum() - both))


def _forget(session: Any, before: int) -> None:
    """Drop what a session keeps of tracked frames before a number; painted ones stay."""
    for outputs in session.output_dict_per_obj.values():
        outputs["non_cond_frame_outputs"].pop(before, None)
    for tracked in session.frames_tracked_per_obj.values():
        tracked.pop(before, None)
