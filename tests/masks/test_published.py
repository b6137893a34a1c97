"""The published masks, draw for draw, against data made by the authors' code."""

import numpy as np
import PIL
import pytest
import torch

from lgtsm.errors import OptionError
from lgtsm.masks.draw.face_box import face_box_masks
from lgtsm.masks.draw.free_form import (
    STROKE_RANGE,
    draw_strokes,
    free_form_masks,
    leave_border,
    stroke_frames,
)
from lgtsm.masks.draw.stroke_presets import PRESETS, Preset, StrokePreset, find_preset

SIZES = {"320x180": (8, 180, 320, (0, 1, 2)), "128x128": (4, 128, 128, (0, 1))}
DRAWS = [(name, seed, size) for name in PRESETS for size in SIZES for seed in SIZES[size][3]]
every_draw = pytest.mark.parametrize(
    ("name", "seed", "size"), DRAWS, ids=[f"{n}-{z}-{s}" for n, s, z in DRAWS]
)
pillow_13 = pytest.mark.skipif(
    PIL.__version__.split(".")[0] != "13", reason="pixels were compared on Pillow 13 only"
)


@pytest.fixture
def draw(golden):
    """draw(preset, seed, size) -> its stored arrays, without the prefix."""

    def load(name, seed, size):
        arrays = np.load(golden / "masks" / f"masks_{name}.npz")
        prefix = f"s{seed}_{size}_"
        return {k.removeprefix(prefix): arrays[k] for k in arrays.files if k.startswith(prefix)}

    return load


def _known(stored):
    shape = tuple(stored["shape"])
    return np.unpackbits(stored["packed"])[: np.prod(shape)].reshape(shape).astype(bool)


def test_all_stored_draws_are_compared():
    assert len(DRAWS) == 25


@every_draw
def test_control_points_and_random_state_are_the_published_ones(name, seed, size, draw):
    stored = draw(name, seed, size)
    num_frames, height, width, _ = SIZES[size]
    rng = np.random.RandomState(seed)
    num_strokes = int(rng.randint(*STROKE_RANGE))
    assert num_strokes == stored["nstroke"]
    frames = list(stroke_frames(num_frames, height, width, PRESETS[name], num_strokes, rng))
    assert rng.randint(0, 2**31 - 1) == stored["state_next"]
    assert [len(s.points) for s in frames[0]] == stored["npts"].tolist()
    assert [s.brush for s in frames[0]] == stored["brush"].tolist()
    for strokes, key in ((frames[0], "xy_first"), (frames[-1], "xy_last")):
        points = np.concatenate([s.points for s in strokes])
        assert np.allclose(points, stored[key], rtol=0, atol=1e-9)


@pillow_13
@every_draw
def test_pixels_are_the_published_ones(name, seed, size, draw):
    stored = draw(name, seed, size)
    num_frames, height, width, _ = SIZES[size]
    holes = free_form_masks(num_frames, height, width, preset=name, seed=seed)
    assert np.array_equal(holes[:, 0].numpy() == 0, _known(stored))
    assert np.allclose(holes.mean((1, 2, 3)), stored["hole_ratio"], atol=1e-6)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_face_boxes_are_the_published_ones(seed, golden):
    arrays = np.load(golden / "masks" / "masks_other.npz")
    stored = {k.split("_", 2)[2]: arrays[k] for k in arrays.files if k.startswith(f"bbox_s{seed}_")}
    known = _known(stored)
    holes = face_box_masks(3, 128, 128, seed=seed)
    assert all(torch.equal(hole, holes[0]) for hole in holes)
    assert np.array_equal(holes[0, 0].numpy() == 0, known.reshape(-1, 128, 128)[0])
    left, top, right, bottom = stored["xyxy_inclusive"].reshape(-1)[:4]
    assert holes[0].sum() == (right - left + 1) * (bottom - top + 1)


def test_no_global_random_state_is_touched():
    before = np.random.get_state()[1].copy()  # noqa: NPY002  the very state that must stay
    free_form_masks(2, 40, 60, preset=Preset.RAND_CURVE, seed=1)
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002


def test_the_same_seed_gives_the_same_clip_and_another_one_another():
    clips = [free_form_masks(3, 60, 80, preset="object_like", seed=s) for s in (3, 3, 4)]
    assert torch.equal(clips[0], clips[1])
    assert not torch.equal(clips[0], clips[2])
    assert set(clips[0].unique().tolist()) <= {0.0, 1.0}
    assert clips[0].shape == (3, 1, 60, 80)


def test_no_stroke_is_no_hole():
    assert not free_form_masks(2, 30, 30, preset="rand_curve", seed=0, num_strokes=0).any()
    assert not draw_strokes((), 30, 30).any()


def test_the_border_can_be_kept_known():
    holes = torch.ones(2, 1, 40, 50)
    inner = leave_border(holes, 15)
    assert inner.sum() == 2 * 10 * 20
    assert holes.all()
    assert not leave_border(holes, 25).any()
    assert torch.equal(leave_border(holes, 0), holes)


@pytest.mark.parametrize(
    "call",
    [
        lambda: free_form_masks(0, 8, 8, preset="rand_curve", seed=0),
        lambda: free_form_masks(1, 8, 8, preset="rand_curve", seed=2**32),
        lambda: free_form_masks(1, 8, 8, preset="rand_curve", seed=0, num_strokes=-1),
        lambda: free_form_masks(1, 8, 8, preset="no_such", seed=0),
        lambda: leave_border(torch.ones(1, 1, 4, 4), -1),
        lambda: face_box_masks(1, 1, 8, seed=0),
    ],
)
def test_numbers_outside_their_range_are_named(call, one_sentence):
    with pytest.raises(OptionError) as error:
        call()
    one_sentence(error.value)


def test_own_stroke_settings_are_checked(one_sentence):
    usual = vars(find_preset(Preset.RAND_CURVE))
    for change in ({"num_vertices": (5, 5)}, {"brush": (1, 4)}, {"max_point_move": 0.5}):
        with pytest.raises(OptionError) as error:
            StrokePreset(**(usual | change))
        one_sentence(error.value)
    own = StrokePreset(**usual)
    assert find_preset(own) is own
