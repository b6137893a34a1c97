"""Markers say what a job list says, in metadata or in text, and their mistakes are told."""

from dataclasses import replace

import pytest

from lgtsm.batch.description import BatchJob
from lgtsm.batch.run import run_batch
from lgtsm.batch.table import JobListError
from lgtsm.mask_options import TRACKED_GROW_PERCENT, MaskOptions
from lgtsm.options import VideoOptions
from tests.batch.conftest import OPTIONS, InProcess, assert_same_film, write_mask
from tests.timeline.conftest import clip


def test_mistakes_in_markers_are_all_told_before_anything_runs(films, save, clean, tmp_path):
    edit = save(
        [
            clip(films / "a.mp4", 3, 6, marker={"mask": "lost.png"}),
            clip(films / "a.mp4", 3, 6, marker={"mask": "mask.png", "grwo": 3}),
            clip(films / "a.mp4", 3, 6, marker={"mask": "mask.png", "range": "3-9"}),
            clip(films / "a.mp4", 3, 6, marker={"boxes": ["1,2,x"]}),
            clip(films / "a.mp4", 3, 6, marker={}),
            clip(films / "a.mp4", 3, 6, marker={"prompts": ["lost_too.png@4"]}),
        ]
    )
    with pytest.raises(JobListError) as error:
        clean(edit)
    told = "\n".join(error.value.problems)
    assert len(error.value.problems) == 6
    for word in (
        "lost.png",
        "did you mean grow",
        "'range'",
        "1,2,x",
        "one of mask, box and track",
        "lost_too.png",
    ):
        assert word in told
    assert not (tmp_path / "clean_clips").exists()


@pytest.mark.slow
@pytest.mark.parametrize("prompt", ["mask.png@5", "40,32,36,28@5", "58,46@5"])
def test_prompts_of_a_marker_are_tracked(prompt, films, save, clean):
    # a mask beside the film is for markers that name nothing
    write_mask(films / "a_mask.png")
    result, _ = clean(save([clip(films / "a.mp4", 3, 6, marker={"prompts": [prompt]})]))
    (entry,) = result.batch.entries
    job = BatchJob(
        source=str(films / "a.mp4"),
        track=(prompt if prompt[0].isdigit() else str(films / prompt),),
        output="single.mp4",
        options=replace(OPTIONS, mask=MaskOptions(grow_percent=TRACKED_GROW_PERCENT)),
        video=VideoOptions(end=21),
    )
    run_batch([job], films / "single", make=InProcess)
    assert_same_film(films / "clean_clips" / entry.output, films / "single" / "single.mp4")
    assert result.num_clean == 1
    assert list((films / "clean_clips" / ".lgtsm-batch" / "tracked").iterdir())


def test_a_marker_says_what_a_job_list_says(films, save, clean):
    (films / "deep").mkdir()
    values = {"boxes": ["8,8,16,16", "40,32,36,28@3-20"], "grow": 2, "max-side": 96}
    by_metadata = clip(films / "a.mp4", 3, 6, marker=values)
    text = "box: 8,8,16,16; 40,32,36,28@3-20\ngrow: 2\nmax side: 96\n\nthanks"
    others = [clip("a.mp4", 3, 6, marker={}) for _ in range(4)]
    comment, note, kdenlive, name = (one.markers[0] for one in others)
    comment.comment = text
    note.metadata["Resolve_OTIO"] = {"Keywords": [], "Note": text}
    kdenlive.name, kdenlive.comment = "", "Lgtsm | " + text.replace("\n", " | ")
    name.name = "lgtsm|" + text.replace("\n", "|")
    edit = save([by_metadata, *others])
    result, made = clean(edit, target=films / "deep" / "clean.otio")
    assert (result.num_clean, len(result.batch.entries)) == (5, 1)
    # the relative name would not be found from the new folder
    assert made.tracks[0][1].media_reference.target_url == (films / "a.mp4").as_uri()
    write_mask(films / "b_mask.png")
    result, _ = clean(save([clip(films / "b.mp4", 3, 6, marker={})]))
    assert result.num_clean == 1
