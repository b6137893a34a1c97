"""The protocol `shadow`: how much of a vehicle's shadow and of a forgotten rim a mask is completed with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from torch import Tensor

from ...completion.call import complete_masks
from ...completion.kinds import Addition
from ...masks.morph import grow, shrink
from ...scene.camera import Camera, SceneOptions
from ...scene.render import Scene, render_scene
from .mask_scores import MaskScores
from .tables import table_head, table_row

NAME = "shadow"
TEXT = (
    "Rendered scenes at 432x240, the first 40 frames. The mask is the vehicle without its shadow, and is "
    "completed with `--complete shadow,rim`. IoU: of all that was added as shadow with the true shadow "
    "that the vehicle does not cover, over all frames; false area: share of the picture that was added and is "
    "neither vehicle nor shadow. Rim found: the mask is the vehicle shrunk by 4 pixels; share of what it "
    "lost that was added as rim or shadow"
)
_SCENES = ((Camera.PLANAR, 1), (Camera.PARALLAX, 2), (Camera.LOCKED, 3))
_FRAMES = 40
_SIZE = (240, 432)
_FORGOTTEN_PX = 4


@dataclass(frozen=True, kw_only=True)
class ShadowScore:
    """Figures of one scene, all 0..1; `TEXT` explains them."""

    scene: str
    iou: float
    false_area: float
    shadow_area: float
    rim_found: float
    rim_false_area: float


@dataclass(frozen=True, kw_only=True)
class ShadowScores(MaskScores):
    """One run of the protocol."""

    protocol = NAME
    score = ShadowScore
    scores: tuple[ShadowScore, ...]

    def table(self) -> str:
        """Return a markdown table with the means at its end."""
        names = ("iou", "false_area", "shadow_area", "rim_found", "rim_false_area")
        lines = table_head(
            *("scene", "shadow IoU", "false area", "shadow area", "rim found", "its false area")
        )
        rows = [[getattr(score, name) for name in names] for score in self.scores]
        means = [sum(column) / max(1, len(rows)) for column in zip(*rows, strict=True)]
        lines += [_row(s.scene, row) for s, row in zip(self.scores, rows, strict=True)]
        return "\n".join([*lines, _row("**mean**", means)])


def score_shadows(
    *,
    num_frames: int | None = None,
    max_clips: int | None = None,
    progress: Callable[[int, int, str], None] | None = None,
    cancel: Callable[[], bool] | None = None,
) -> ShadowScores:
    """Complete the masks of rendered scenes, and compare with the truth.

    Args:
        num_frames: how many frames; None is 40.
        max_clips: the first scenes only.
        progress: called as progress(done, total, note).
        cancel: asked before every scene; True ends the run with what is done.
    """
    scenes, scores = _SCENES[:max_clips], list[ShadowScore]()
    for camera, seed in scenes:
        if cancel is not None and cancel():
            break
        height, width = _SIZE
        options = SceneOptions(
            seed=seed, camera=camera, num_frames=num_frames or _FRAMES, height=height, width=width
        )
        scores.append(score_scene(f"{camera.value} {seed}", render_scene(options)))
        if progress is not None:
            progress(len(scores), len(scenes), scores[-1].scene)
    return ShadowScores(text=TEXT, scores=tuple(scores))


def score_scene(name: str, scene: Scene) -> ShadowScore:
    """Complete the mask of one scene's vehicle, and of the vehicle without its rim."""
    # the mask of the scene is a pixel wider than what differs
    vehicle = scene.mask * (1 - grow(scene.shadow, 1))
    completed = complete_masks(scene.frames, vehicle, cuts=())
    shadow = completed.added[Addition.SHADOW]
    union = shadow.maximum(scene.shadow).sum().clamp_min(1)
    less = shrink(vehicle, _FORGOTTEN_PX)
    forgotten = vehicle - less
    widened = complete_masks(scene.frames, less, cuts=())
    return ShadowScore(
        scene=name,
        iou=float((shadow * scene.shadow).sum() / union),
        false_area=_false_area(completed.masks, scene),
        shadow_area=float(scene.shadow.mean()),
        rim_found=float((widened.masks * forgotten).sum() / forgotten.sum().clamp_min(1)),
        rim_false_area=_false_area(widened.masks, scene),
    )


def _false_area(masks: Tensor, scene: Scene) -> float:
    return float((masks * (1 - scene.mask)).mean())


def _row(name: str, values: Sequence[float]) -> str:
    iou, false_area, shadow_area, rim, rim_false_area = values
    areas = [f"{100 * x:.2f} %" for x in (false_area, shadow_area)]
    return table_row(
        [name, f"{iou:.2f}", *areas, f"{100 * rim:.0f} %", f"{100 * rim_false_area:.2f} %"]
    )
