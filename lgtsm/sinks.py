"""Outputs of one file job, and frames on their way to them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import NamedTuple, Protocol

import torch
from torch import Tensor

from .engine.composing import Patch
from .engine.hooks import Hooks
from .masks.overlay import compare
from .masks.packed import PackedMask
from .options import VideoOptions
from .video.ahead import WriteBehind
from .video.clip import FillLayerWriter, MaskWriter, PictureWriter
from .video.frame import Frame
from .video.probe import VideoInfo
from .video.write import open_writer


class Step(NamedTuple):
    """What the reading thread makes: a frame, its pixels (3,H,W) in [0,1], its hole (1,H,W)."""

    frame: Frame
    pixels: Tensor
    hole: Tensor


class PatchStore(Protocol):
    """Patches of frames 0 ... `count`-1 of a job; see `journal.Journal`."""

    count: int

    def patch(self, index: int, frame: Tensor, hole: Tensor) -> Patch:
        """Return a finished patch of frame (3,H,W) with hole (1,H,W)."""
        ...


@dataclass(frozen=True, kw_only=True)
class OutputFiles:
    """What one job writes; None is not wanted."""

    target: Path
    fill_layer: Path | None = None
    mask_used: Path | None = None
    compare: Path | None = None

    def named(self) -> list[Path]:
        """Return the files that are wanted."""
        paths = (self.target, self.fill_layer, self.mask_used, self.compare)
        return [path for path in paths if path is not None]


class Sinks:
    """The writers of one job, opened before any work so that a bad target fails at once."""

    def __init__(
        self,
        files: OutputFiles,
        source: Path,
        video: VideoOptions,
        info: VideoInfo,
        stack: ExitStack,
    ) -> None:
        """Open the writers of the wanted files; `stack` closes them.

        Raises:
            VideoError: one cannot be written.
        """
        self.main = stack.enter_context(
            open_writer(files.target, source, options=video, rate=video.rate)
        )
        self.layer = self.mask = self.comparison = None
        self._video, self._num_compared = video, 0
        self._picture: Tensor | None = None
        self.is_range = video.start > 0
        self.start: Fraction | None = None
        if files.fill_layer is not None:
            self.layer = stack.enter_context(FillLayerWriter(files.fill_layer, rate=info.rate))
        if files.mask_used is not None:
            self.mask = stack.enter_context(MaskWriter(files.mask_used, rate=info.rate))
        if files.compare is not None:
            self.comparison = stack.enter_context(PictureWriter(files.compare, rate=info.rate))

    def write(self, frame: Frame, hole: Tensor, patch: Patch) -> None:
        """Write one frame everywhere; of a frame its native samples are enough."""
        pixels = self._filled(frame, hole, patch)
        self.main.write(frame, pixels, hole)
        if self.start is None:
            self.start = frame.time if self.is_range else Fraction(0)
        # the main file of a range starts at 0, so the others must
        frame = replace(frame, time=frame.time - self.start)
        if self.layer is not None:
            self.layer.write(frame, pixels, hole)
        if self.mask is not None:
            self.mask.write(hole, time=frame.time, time_base=frame.native.time_base)
        if self.comparison is not None:
            before = frame.rgb()[None]
            after = torch.where(hole, pixels, before)
            (shown,) = compare(
                before,
                after,
                self._video.compare_as,
                holes=hole[None],
                first=self._num_compared,
                start=self._video.start,
            )
            self.comparison.write(shown, time=frame.time, time_base=frame.native.time_base)
            self._num_compared += 1

    def _filled(self, frame: Frame, hole: Tensor, patch: Patch) -> Tensor:
        """Return (3,H,W) with the patch in it; void after the next frame.

        Pixels around the patch are made from the samples only for the layer, which reads some.
        """
        if self.layer is not None or (patch.box is None and bool(hole.any())):
            pixels = frame.rgb()
        else:
            if self._picture is None:
                self._picture = torch.zeros(3, *hole.shape[1:])
            pixels = self._picture
        if patch.box is not None and patch.pixels is not None:
            pixels[:, patch.box.rows, patch.box.columns] = patch.pixels
        return pixels


class Work:
    """Frames on their way: fed to the engine, kept until their patch is there, then written.

    Args:
        write: takes every frame, hole and patch in order; None where nothing is written.
        behind: thread that calls it.
        store: patches that are there already.
        hooks: asked to stop at every frame.
    """

    def __init__(
        self,
        write: Callable[[Frame, Tensor, Patch], None] | None,
        behind: WriteBehind,
        store: PatchStore,
        hooks: Hooks,
    ) -> None:
        self.write, self.behind, self.store, self.hooks = write, behind, store, hooks
        self.waiting: deque[tuple[Frame | None, PackedMask]] = deque()

    def feed(self, steps: Iterable[Step | None]) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield (frame, hole) for the engine; frames whose patch is stored are written at once."""
        for index, (frame, pixels, hole) in enumerate(filter(None, self.hooks.checked(steps))):
            if index >= self.store.count:
                # many frames wait for later ones; a patch is written over their native samples
                self.waiting.append((frame if self.write else None, PackedMask.of(hole)))
            elif self.write:
                self._write(frame, hole.bool(), self.store.patch(index, pixels, hole))
            yield pixels, hole

    def take(self, patch: Patch) -> Tensor:
        """Write the frame that a patch belongs to; return its hole (1,H,W) bool."""
        frame, packed = self.waiting.popleft()
        hole = packed.mask()
        if frame is not None:
            self._write(frame, hole, patch)
        return hole

    def _write(self, frame: Frame, hole: Tensor, patch: Patch) -> None:
        """Hand one frame to the writers."""
        if self.write is not None:
            self.behind.put(partial(self.write, frame, hole, patch))
