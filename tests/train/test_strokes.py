"""The batched strokes against the published generator: same distribution, nearly the same pixels."""

import numpy as np
import pytest
import torch

from lgtsm.masks.draw.free_form import Stroke, draw_strokes, free_form_masks
from lgtsm.masks.draw.stroke_presets import PRESETS
from train.data.strokes import Strokes, fill_strokes, plan_strokes

SHAPE = (90, 160)


def _planned(name, seed, batch=8, frames=2):
    rng = torch.Generator().manual_seed(seed)
    return plan_strokes((batch, frames), SHAPE, PRESETS[name], rng)


def _drawn_by_pillow(strokes, clip, frame):
    chosen = []
    for s in range(strokes.points.shape[2]):
        if strokes.drawn[clip, s]:
            points = strokes.points[clip, frame, s, : strokes.num_points[clip, s]]
            chosen.append(Stroke(points.double().numpy(), int(strokes.brush[clip, s]), (0, 0)))
    return draw_strokes(tuple(chosen), *SHAPE)


@pytest.mark.parametrize(
    ("name", "overlap"), [("object_like", 0.95), ("object_like_small", 0.9), ("rand_curve", 0.75)]
)
def test_the_same_points_cover_nearly_the_same_pixels(name, overlap):
    strokes = _planned(name, 3, batch=4)
    holes = fill_strokes(strokes, SHAPE, PRESETS[name])[:, :, 0]
    ours, theirs = [], []
    for clip in range(4):
        for frame in range(2):
            ours.append(holes[clip, frame].bool().numpy())
            theirs.append(_drawn_by_pillow(strokes, clip, frame))
    ours, theirs = np.stack(ours), np.stack(theirs)
    assert (ours & theirs).sum() / (ours | theirs).sum() > overlap
    assert ours.mean() == pytest.approx(theirs.mean(), rel=0.03)


@pytest.mark.parametrize(
    "name", [pytest.param("object_like_middle", marks=pytest.mark.slow), "rand_curve"]
)
def test_hole_shares_and_stroke_figures_follow_the_published_generator(name):
    num_clips = 120
    ours = fill_strokes(_planned(name, 5, batch=num_clips), SHAPE, PRESETS[name])
    theirs = torch.stack(
        [free_form_masks(2, *SHAPE, preset=name, seed=s) for s in range(num_clips)]
    )
    shares = [x.mean((1, 2, 3, 4)).sort().values for x in (ours, theirs)]
    # two-sample Kolmogorov-Smirnov statistic of the hole shares; 1 % level
    values = torch.cat(shares).sort().values
    below = [torch.searchsorted(s, values, right=True) / num_clips for s in shares]
    assert (below[0] - below[1]).abs().max() < 1.63 * (2 / num_clips) ** 0.5
    edges = [(x[..., 1:] != x[..., :-1]).float().mean() / x.mean() for x in (ours, theirs)]
    assert edges[0] == pytest.approx(float(edges[1]), rel=0.2)
    moves = [(x[:, 1] != x[:, 0]).float().mean() / x.mean() for x in (ours, theirs)]
    assert moves[0] == pytest.approx(float(moves[1]), rel=0.2)


def test_control_points_have_the_published_ranges():
    preset = PRESETS["object_like_middle"]
    strokes = _planned("object_like_middle", 1, batch=50)
    assert strokes.brush.min() >= 20
    assert strokes.brush.max() <= 49
    assert strokes.num_points.min() >= 6  # a stroke of n steps has n + 1 points
    assert strokes.num_points.max() <= 15
    counts = strokes.drawn.sum(1)
    assert counts.min() >= 1
    assert counts.max() <= 19
    steps = (strokes.points[:, 0, :, 1:] - strokes.points[:, 0, :, :-1]).norm(dim=-1)
    assert steps.max() <= preset.max_head_speed + 1e-3


def test_half_of_the_points_jitter_from_frame_to_frame():
    strokes = _planned("object_like", 2, batch=30)
    moved = strokes.points[:, 1] - strokes.points[:, 0]  # (B,S,P,2), the stroke's shift included
    exists = torch.arange(moved.shape[2]) < strokes.num_points[..., None]
    still = []
    for clip, stroke in np.ndindex(*strokes.brush.shape):
        steps = moved[clip, stroke][exists[clip, stroke]].round()
        _, counts = steps.unique(dim=0, return_counts=True)
        still.append(float(counts.max()) / len(steps))
    assert np.mean(still) == pytest.approx(0.5, abs=0.06)


def test_a_clip_without_strokes_has_no_hole():
    strokes = _planned("object_like", 2, batch=1)
    nothing = Strokes(
        strokes.points, strokes.num_points, strokes.brush, torch.zeros_like(strokes.drawn)
    )
    assert not fill_strokes(nothing, SHAPE, PRESETS["object_like"]).any()
