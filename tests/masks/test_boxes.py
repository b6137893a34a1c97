from itertools import islice

import pytest
import torch

from lgtsm.errors import OptionError
from lgtsm.masks.boxes import MaskBox, box_masks


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("1,2,3,4", MaskBox(1, 2, 3, 4)),
        (" -5, 0, 10, 7 ", MaskBox(-5, 0, 10, 7)),
        ("1,2,3,4@5-9", MaskBox(1, 2, 3, 4, 5, 9)),
        ("1,2,3,4@5-", MaskBox(1, 2, 3, 4, 5, None)),
        ("1,2,3,4@-9", MaskBox(1, 2, 3, 4, 0, 9)),
    ],
)
def test_boxes_are_read(text, box):
    assert MaskBox.parse(text) == box


@pytest.mark.parametrize(
    "text",
    ["", "1,2,3", "1,2,3,4,5", "1,2,0,4", "1,2,3,-4", "a,b,c,d", "1.5,2,3,4", "1,2,3,4@9-5",
     "1,2,3,4@5", "1,2,3,4@5-5"],
)  # fmt: skip
def test_other_text_is_not_a_box(text, one_sentence):
    with pytest.raises(OptionError) as error:
        MaskBox.parse(text)
    one_sentence(error.value)


def test_boxes_are_drawn_in_their_frames_and_cut_at_the_edge():
    boxes = [MaskBox(-2, -1, 5, 4), MaskBox(6, 4, 9, 9, 1, 3)]
    masks = list(islice(box_masks(boxes, 6, 8), 4))
    wanted = torch.zeros(4, 1, 6, 8)
    wanted[:, :, :3, :3] = 1
    wanted[1:3, :, 4:, 6:] = 1
    assert torch.equal(torch.stack(masks), wanted)


@pytest.mark.parametrize(
    "boxes", [[MaskBox(8, 0, 2, 2)], [MaskBox(0, 6, 2, 2)], [MaskBox(-2, 0, 2, 2)], []]
)
def test_boxes_outside_the_frame_are_an_error_before_any_frame(boxes, one_sentence):
    with pytest.raises(OptionError) as error:
        box_masks(boxes, 6, 8)
    if boxes:
        one_sentence(error.value)


def test_masks_of_a_late_frame_come_at_once():
    box = MaskBox.parse("1,1,2,2@99999999-100000001")
    shown = [bool(next(box_masks([box], 4, 4, start=start)).any()) for start in (10**8, 10**9)]
    assert shown == [True, False]
