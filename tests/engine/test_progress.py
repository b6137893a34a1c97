"""Progress counts the work that is done, long before the first frame is finished."""

from __future__ import annotations

import pytest
import torch

from lgtsm.engine.hooks import Hooks
from lgtsm.engine.run import Job
from lgtsm.options import InpaintOptions, Mode, Motion
from lgtsm.report import Report


def _told(network, frames, holes, *, num_frames=0, resume_from=0, **changes):
    """Return what progress was told, and after how many of these calls patches came out."""
    seen = []
    job = Job(
        network,
        InpaintOptions(**changes),
        Hooks(lambda *a: seen.append(a)),
        Report(),
        num_frames=num_frames,
        resume_from=resume_from,
    )
    patches = [len(seen) for _ in job.run(zip(frames, holes, strict=True))]
    return seen, patches


def test_work_is_counted_before_the_first_frame_is_finished(tiny_network, toy_clip, toy_holes):
    seen, patches = _told(tiny_network, toy_clip, toy_holes, num_frames=8)
    done = [done for done, _, _ in seen]
    assert done == sorted(done)
    assert done[-1] == 8
    assert set(done) == set(range(9))
    before = seen[: patches[0]]
    assert [note for _, _, note in before][:8] == ["measuring motion"] * 8
    assert before[-1][0] >= 4
    assert {total for _, total, _ in seen} == {8}


@pytest.mark.parametrize(
    ("changes", "notes"),
    [
        ({"mode": Mode.COPY, "motion": Motion.NONE}, {"reading", "copying", "filling"}),
        ({"mode": Mode.FILL}, {"reading", "filling"}),
        ({"source_frames": 0}, {"reading", "filling"}),
    ],
)
def test_notes_name_what_is_done(tiny_network, toy_clip, toy_holes, changes, notes):
    seen, _ = _told(tiny_network, toy_clip, toy_holes, num_frames=8, **changes)
    assert {note for _, _, note in seen} == notes
    assert seen[-1][:2] == (8, 8)


@pytest.mark.parametrize("told", [0, 5, 20])
def test_a_header_that_errs_is_corrected(toy_clip, toy_holes, told):
    seen, _ = _told(None, toy_clip, toy_holes, num_frames=told, mode=Mode.COPY)
    assert seen[-1][:2] == (8, 8)
    assert all(done <= (total or 8) for done, total, _ in seen)


def test_frames_without_a_hole_and_resumed_ones_count(toy_clip):
    holes = torch.zeros(8, 1, 48, 64)
    holes[6, :, 10:20, 10:20] = 1
    seen, _ = _told(None, toy_clip, holes, num_frames=8, resume_from=4, mode=Mode.COPY)
    assert seen[0][0] >= 3
    assert seen[-1][:2] == (8, 8)


def test_patches_come_out_as_soon_as_they_are_made(toy_clip, toy_holes):
    _, patches = _told(None, toy_clip, toy_holes, num_frames=8, mode=Mode.COPY)
    assert len(set(patches)) == 8
