"""The protocol `text`: how much of drawn text its masks cover, and how much else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import Tensor

from ...masks.text.detector import Detector, text_detector
from ...masks.text.joined import text_masks
from ...masks.text.options import TextOptions
from ...scene.camera import Camera, SceneOptions
from ...scene.render import render_scene
from .clips import find_clips, read_footage
from .drawn_text import Drawn, Script, draw_text
from .mask_scores import MaskScores
from .protocols import PROTOCOLS
from .tables import table_head, table_row

NAME = "text"
TEXT = (
    "432x240, the first 48 frames: three subtitles and a running time code drawn over every clip, in two "
    "scripts"
)
_SIZE = (240, 432)
_FRAMES = 48
_SCENES = tuple(
    SceneOptions(seed=seed, camera=camera, num_frames=_FRAMES, height=_SIZE[0], width=_SIZE[1])
    for seed, camera in enumerate([Camera.PLANAR, Camera.PARALLAX] * 2 + [Camera.PLANAR], 1)
)
_COVERED = 0.5
"""Share of a subtitle that counts as found."""


@dataclass(frozen=True, kw_only=True)
class TextScore:
    """Figures of one clip in one script.

    recall: share of the text's pixels that is masked; false_area: share of the picture that is masked
    and is no text; text_area: share of the picture that is text; exact: share of the subtitles that
    begin and end on their frames; all 0..1.
    """

    clip: str
    script: str
    recall: float
    false_area: float
    text_area: float
    exact: float


@dataclass(frozen=True, kw_only=True)
class TextScores(MaskScores):
    """One run of the protocol; text describes its clips."""

    protocol = NAME
    score = TextScore
    scores: tuple[TextScore, ...]

    def table(self) -> str:
        """Return a markdown table with the means of all clips at its end."""
        lines = table_head("clip", "script", "recall", "false area", "text area", "exact spans")
        lines += [_row(score) for score in self.scores]
        for script in dict.fromkeys(score.script for score in self.scores):
            lines.append(_row(_mean([s for s in self.scores if s.script == script])))
        return "\n".join([*lines, _row(replace(_mean(list(self.scores)), script="all"))])


def score_text(
    data: Path | None = None,
    *,
    num_frames: int | None = None,
    max_clips: int | None = None,
    progress: Callable[[int, int, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> TextScores:
    """Draw text over clips, mask it, and compare.

    Args:
        data: folder of clips; None renders five scenes with moving cameras.
        num_frames: how many of the first frames; None is 48, 0 all.
        max_clips: the first clips only.
        progress: called as progress(done, total, note).
        cancel: asked before every clip; True ends the run with what is done.

    Raises:
        OptionError: rapidocr or a font is missing, or the folder holds no clips.
    """
    detect, scores = text_detector(), []
    clips = list(_clips(data, _FRAMES if num_frames is None else num_frames or None, max_clips))
    total = len(clips) * len(Script)
    for name, load in clips:
        if cancel is not None and cancel():
            break
        frames = load()
        for script in Script:
            scores.append(score_drawn(name, script, draw_text(frames, script), detect))
            if progress is not None:
                progress(len(scores), total, f"{name}, {script.value}")
    source = "rendered scenes with moving cameras" if data is None else "clips of a folder"
    return TextScores(text=f"{TEXT}; {len(clips)} {source}", scores=tuple(scores))


def score_drawn(name: str, script: Script, drawn: Drawn, detect: Detector) -> TextScore:
    """Mask the text of one clip and compare the masks with the text."""
    masks = torch.stack(list(text_masks(drawn.frames, detect, options=TextOptions()))) > 0
    text = drawn.text > 0
    ends = [0, *(end for _, end in drawn.subtitles)]
    begins = [*(first for first, _ in drawn.subtitles[1:]), len(text)]
    exact = [
        _is_exact(masks, text, span, (end, begin))
        for span, end, begin in zip(drawn.subtitles, ends, begins, strict=False)
    ]
    return TextScore(
        clip=name,
        script=script.value,
        recall=float((masks & text).sum() / text.sum()),
        false_area=float((masks & ~text).float().mean()),
        text_area=float(text.float().mean()),
        exact=sum(exact) / len(exact),
    )


def _clips(
    data: Path | None, num_frames: int | None, max_clips: int | None
) -> Iterator[tuple[str, Callable[[], Tensor]]]:
    """Yield the names of clips, and what reads their frames (T,3,H,W)."""
    if data is None:
        for options in _SCENES[:max_clips]:
            options = replace(options, num_frames=num_frames or _FRAMES)
            name = f"{options.camera.value} {options.seed}"
            yield name, lambda options=options: render_scene(options).frames
        return
    for clip in find_clips(PROTOCOLS["folder"], data)[:max_clips]:
        # without masks, which are not needed
        bare = replace(clip, masks=None)
        yield clip.name, lambda bare=bare: read_footage(bare, _SIZE, num_frames).frames


def _is_exact(masks: Tensor, text: Tensor, span: tuple[int, int], between: tuple[int, int]) -> bool:
    """Tell whether a subtitle is masked in its frames, and in no other between its neighbours."""
    first, end = span
    place = text[first:end].all(0) & ~text[between[0] : first].any(0)  # without the time code
    found = [t for t in range(*between) if masks[t][place].float().mean() > _COVERED]
    return found == list(range(first, end))


def _mean(scores: list[TextScore]) -> TextScore:
    def mean(name: str) -> float:
        return sum(getattr(score, name) for score in scores) / max(1, len(scores))

    figures = {name: mean(name) for name in ("recall", "false_area", "text_area", "exact")}
    return TextScore(clip="**mean**", script=scores[0].script if scores else "", **figures)


def _row(score: TextScore) -> str:
    areas = (f"{100 * area:.2f} %" for area in (score.false_area, score.text_area))
    return table_row(
        [score.clip, score.script, f"{score.recall:.3f}", *areas, f"{100 * score.exact:.0f} %"]
    )
