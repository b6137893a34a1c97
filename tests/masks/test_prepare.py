"""From masks to holes: frame by frame the same as the whole clip at once."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lgtsm.errors import ShapeError
from lgtsm.mask_options import LengthPolicy, MaskOptions
from lgtsm.masks.morph import fill_enclosed, fill_gaps, grow, temporal_grow
from lgtsm.masks.prepare import binary_hole, of_count, pair_with, prepare


def _masks(num, seed=0, size=(9, 11), share=0.3):
    rng = torch.Generator().manual_seed(seed)
    return list((torch.rand(num, 1, *size, generator=rng) * 0.5 / (1 - share)).clamp(0, 1))


def _whole(masks, options):
    holes = (torch.stack(masks) > options.threshold).float()
    if options.invert:
        holes = 1 - holes
    if options.fill_enclosed:
        holes = fill_enclosed(holes)
    holes = fill_gaps(holes, options.temporal_gap)
    return grow(temporal_grow(holes, options.temporal_grow), options.grow)


@settings(max_examples=60, deadline=None)
@given(
    num=st.integers(1, 25),
    seed=st.integers(0, 10**6),
    share=st.sampled_from([0.02, 0.1, 0.4]),
    options=st.builds(
        MaskOptions,
        threshold=st.sampled_from([0.3, 0.5, 0.52]),
        invert=st.booleans(),
        grow=st.integers(0, 3),
        fill_enclosed=st.booleans(),
        temporal_grow=st.integers(0, 5),
        temporal_gap=st.integers(0, 5),
    ),
)
def test_frame_by_frame_equals_the_whole_clip(num, seed, share, options):
    masks = _masks(num, seed, share=share)
    found = list(prepare(iter(masks), options))
    assert len(found) == num
    assert torch.equal(torch.stack(found), _whole(masks, options))
    pairs = list(pair_with(range(num), iter(masks), options))
    assert [number for number, _ in pairs] == list(range(num))
    assert torch.equal(torch.stack([hole for _, hole in pairs]), torch.stack(found))


def test_growing_by_a_share_of_the_height_adds_to_growing_by_pixels():
    mask = torch.zeros(1, 120, 50)
    mask[0, 60, 25] = 1
    options = MaskOptions(grow=2, grow_percent=2.5)
    assert options.grow_px(120) == 5
    assert torch.equal(next(prepare([mask], options)), grow(mask[None], 5)[0])
    assert torch.equal(next(prepare([mask], MaskOptions(grow_percent=2.5))), grow(mask[None], 3)[0])


def test_no_more_frames_are_read_ahead_than_needed():
    read = []

    def masks():
        for i, mask in enumerate(_masks(40)):
            read.append(i)
            yield mask

    holes = prepare(masks(), MaskOptions(temporal_gap=3, temporal_grow=2))
    for done, _ in enumerate(holes, 1):
        assert len(read) <= done + 3 + 2 + 1


def test_a_single_mask_is_used_for_all_frames():
    mask = _masks(1)[0]
    pairs = list(pair_with("abcd", [mask], MaskOptions(grow=1)))
    assert [frame for frame, _ in pairs] == list("abcd")
    assert all(torch.equal(hole, pairs[0][1]) for _, hole in pairs)


def test_holding_repeats_the_last_mask():
    masks = _masks(3)
    options = MaskOptions(length=LengthPolicy.HOLD)
    holes = [hole for _, hole in pair_with(range(7), masks, options)]
    wanted = _whole(masks + [masks[-1]] * 4, options)
    assert torch.equal(torch.stack(holes), wanted)


def test_looping_starts_again():
    masks = _masks(3)
    options = MaskOptions(length=LengthPolicy.LOOP)
    holes = [hole for _, hole in pair_with(range(8), masks, options)]
    assert torch.equal(torch.stack(holes), _whole((masks * 3)[:8], options))


def test_values_at_the_threshold_do_not_change_when_looped():
    masks = [torch.full((1, 2, 3), 0.5)] * 2
    options = MaskOptions(length=LengthPolicy.LOOP, threshold=0.5)
    assert [float(hole.mean()) for _, hole in pair_with(range(6), masks, options)] == [0] * 6
    assert all(torch.equal(m, masks[0]) for m in of_count(masks, 6, LengthPolicy.LOOP))


@pytest.mark.parametrize("length", LengthPolicy)
def test_more_masks_than_frames_are_an_error_or_left_over(length, one_sentence):
    pairs = pair_with(range(3), _masks(5), MaskOptions(length=length))
    if length is not LengthPolicy.ERROR:
        assert len(list(pairs)) == 3
        return
    with pytest.raises(ShapeError) as error:
        list(pairs)
    one_sentence(error.value)


def test_fewer_masks_than_frames_are_an_error(one_sentence):
    with pytest.raises(ShapeError, match="2 masks for more than 2") as error:
        list(pair_with(range(5), _masks(2), MaskOptions()))
    one_sentence(error.value)


def test_no_mask_is_an_error(one_sentence):
    with pytest.raises(ShapeError) as error:
        list(pair_with(range(5), [], MaskOptions()))
    one_sentence(error.value)


def test_masks_of_two_sizes_are_an_error(one_sentence):
    masks = [*_masks(2), *_masks(2, size=(8, 11))]
    for options in (MaskOptions(), MaskOptions(temporal_grow=1), MaskOptions(temporal_gap=1)):
        with pytest.raises(ShapeError) as error:
            list(prepare(masks, options))
        one_sentence(error.value)


@pytest.mark.parametrize(
    "mask",
    [
        torch.zeros(3, 8, 8),
        torch.zeros(2, 1, 8, 8),
        torch.full((1, 8, 8), float("nan")),
        torch.full((1, 8, 8), 255.0),
        torch.full((1, 8, 8), -1.0),
    ],
)
def test_other_tensors_are_not_masks(mask, one_sentence):
    with pytest.raises(ShapeError) as error:
        binary_hole(mask, MaskOptions())
    one_sentence(error.value)


def test_masks_come_with_or_without_a_channel():
    mask = _masks(1)[0]
    assert torch.equal(binary_hole(mask, MaskOptions()), binary_hole(mask[0], MaskOptions()))
    assert binary_hole(mask > 0.5, MaskOptions()).dtype is torch.float32


@pytest.mark.parametrize(
    ("policy", "count", "expected"),
    [
        (LengthPolicy.ERROR, 3, [0, 1, 2]),
        (LengthPolicy.HOLD, 5, [0, 1, 2, 2, 2]),
        (LengthPolicy.LOOP, 5, [0, 1, 2, 0, 1]),
        (LengthPolicy.HOLD, 2, [0, 1]),
    ],
)
def test_a_part_of_a_clip_gets_one_mask_per_frame(policy, count, expected):
    masks = [torch.full((1, 2, 2), t / 2) for t in range(3)]
    assert [round(2 * float(m.mean())) for m in of_count(masks, count, policy)] == expected
    assert len(list(of_count(masks[:1], count, policy))) == count


@pytest.mark.parametrize("count", [0, 2, 4])
def test_a_part_with_another_number_of_masks_is_an_error(count, one_sentence):
    masks = [torch.zeros(1, 2, 2)] * (3 if count else 0)
    with pytest.raises(ShapeError) as caught:
        list(of_count(masks, count, LengthPolicy.ERROR))
    one_sentence(caught.value)
