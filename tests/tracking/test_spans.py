"""Which frames depend on which painted ones, and which to paint next."""

from __future__ import annotations

from lgtsm.tracking.repaint import ENOUGH, advise, frames_to_repaint, say_doubt
from lgtsm.tracking.spans import Span, spans


def test_painted_frames_and_cuts_bound_the_spans():
    assert list(spans([2, 5], [7], range(10))) == [
        Span(0, 2, None, 2),
        Span(3, 5, 2, 5),
        Span(6, 7, 5, None),
        Span(7, 10, None, None),
    ]


def test_neighbours_leave_no_span_between_them():
    assert list(spans([0, 1, 2], [], range(3))) == []


def test_a_part_is_bounded_like_a_clip():
    assert list(spans([5], [2, 7, 9], range(3, 8))) == [
        Span(3, 5, None, 5),
        Span(6, 7, 5, None),
        Span(7, 8, None, None),
    ]


def test_the_middle_of_the_longest_doubt_is_painted_first():
    confidence = [1.0] + [0.5] * 9 + [1.0] + [0.5] * 3
    assert frames_to_repaint(confidence, [0, 10]) == [5, 12]


def test_little_doubt_waits_until_the_greater_one_is_gone():
    little = [1.0] + [0.7] * 3
    assert frames_to_repaint([1.0] + [0.5] * 9 + little, [0, 10]) == [5]
    assert frames_to_repaint([1.0] * 10 + little, [0, 10]) == [12]


def test_sure_frames_are_not_painted():
    assert frames_to_repaint([1.0, ENOUGH, 0.9], [0]) == []


def test_frames_to_paint_are_named_in_order_with_the_most_doubtful_one():
    assert "doubtful around frames 20, 35 and 47, most at 35: look there first" in say_doubt(
        [35, 20, 47]
    )
    assert "doubtful around frames 12 and 31, most at 31" in say_doubt([31, 12])
    assert "doubtful around frame 12: look there first" in say_doubt([12])
    assert advise([31, 12]) == say_doubt([31, 12])


def test_no_doubt_is_said_to_be_no_proof():
    assert not say_doubt([])
    assert advise([]).startswith(
        "the mask is doubtful in no frame; if a piece of the object is left all the same"
    )
