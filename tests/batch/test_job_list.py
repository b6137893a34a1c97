"""Lists of jobs: every form is read, every mistake is told with its line before anything runs."""

import json

import pytest

from lgtsm.batch.columns import COLUMNS
from lgtsm.batch.description import BatchJob, plain_values
from lgtsm.batch.job_list import read_jobs
from lgtsm.batch.table import JobListError
from lgtsm.errors import OptionError
from lgtsm.mask_options import GROW_PX, TRACKED_GROW_PERCENT
from lgtsm.options import Mode, VideoOptions
from tests.batch.conftest import write_film, write_mask

HEADER = "source,mask,box,range,output,grow,mode,invert,cuts\n"


@pytest.fixture
def media(tmp_path):
    """Return a folder with one film and one mask."""
    write_film(tmp_path / "a.mp4", 2)
    write_mask(tmp_path / "m.png")
    return tmp_path


def _read(folder, text, name="jobs.csv", encoding="utf-8", defaults=None):
    path = folder / name
    path.write_bytes(text.encode(encoding))
    return read_jobs(path, str(folder / "out"), defaults)


def _problems(*arguments, **named):
    with pytest.raises(JobListError) as error:
        _read(*arguments, **named)
    return error.value.problems


def test_a_table_names_files_ranges_and_options(media):
    row = 'a.mp4,,"4,5,6,7;1,2,3,4@0-9",10-20,b.mkv,7,copy,yes,"12, 15"\n'
    (job,) = _read(media, HEADER + row, defaults={"grow": GROW_PX, "feather": 1})
    assert job.source == str(media / "a.mp4")
    assert job.boxes == ("4,5,6,7", "1,2,3,4@0-9")
    assert (job.video.start, job.video.end) == (10, 20)
    assert job.output == "b.mkv"
    assert (job.options.mask.grow, job.options.feather) == (7, 1)
    assert job.options.mode is Mode.COPY
    assert job.options.mask.invert
    assert job.options.cuts == (12, 15)


def test_only_a_mask_that_is_tracked_grows_with_the_height_by_itself(media):
    text = "source,mask,track,grow_percent,output\n"
    text += "a.mp4,,m.png@0,,a.mkv\na.mp4,m.png,,,b.mkv\na.mp4,,m.png@0,0,c.mkv\n"
    found = [job.options.mask.grow_percent for job in _read(media, text)]
    assert found == [TRACKED_GROW_PERCENT, 0, 0]
    found = [
        job.options.mask.grow_percent for job in _read(media, text, defaults={"grow_percent": 1})
    ]
    assert found == [1, 1, 0]


def test_a_list_takes_json_values(media):
    rows = [
        {"source": "a.mp4", "box": ["4,5,6,7"], "invert": True, "cuts": [3], "rate": "24000/1001"},
        {"source": "a.mp4", "mask": "m.png", "Max Side": 64, "output": "b.mp4", "cuts": "none"},
    ]
    text = "\n".join(map(json.dumps, rows)) + "\n\n"
    first, second = _read(media, text, "jobs.jsonl")
    assert first.output == "a.mp4"
    assert first.options.cuts == (3,)
    assert second.options.run.max_side == 64
    assert second.options.cuts == ()


def test_a_job_written_as_plain_values_is_read_as_the_same(media):
    row = "a.mp4,m.png,,10-20,b.mkv,7,copy,yes,none\n"
    (job,) = _read(media, HEADER + row)
    text = json.dumps(plain_values(job))
    assert _read(media, text, "again.jsonl") == [job]
    assert _read(media, json.dumps(plain_values(job), indent=1), "one.json") == [job]


def test_a_json_file_that_is_no_job_is_told(media):
    assert (
        "one.json: Expected a JSON object"
        in _problems(media, '[{"source": 1}]', name="one.json")[0]
    )
    assert "did you mean mask" in _problems(media, '{"maks": 1}', name="one.json")[0]


@pytest.mark.parametrize(
    ("encoding", "separator", "end"),
    [
        ("utf-8-sig", ";", "\r\n"),
        ("utf-16", "\t", "\r\n"),
        ("utf-8", ",", "\r"),
        ("utf-8", ",", "\n"),
    ],
)
def test_what_a_spreadsheet_writes_is_read(encoding, separator, end, media):
    write_film(media / "größe.mp4", 2)
    lines = [["Source", "Mask", "fill-layer"], ["größe.mp4", "m.png", "f.mov"], ["", "", ""]]
    text = end.join(separator.join(line) for line in lines) + end
    (job,) = _read(media, text, encoding=encoding)
    assert job.source == str(media / "größe.mp4")
    assert job.fill_layer == "f.mov"


def test_all_mistakes_are_told_at_once_with_their_lines(media, one_sentence):
    rows = [
        "a.mp4,m.png,,,1.mp4,,,,",
        "a.mp4,lost.png,,,2.mp4,,,,",
        "lost.mp4,m.png,,,3.mp4,,,,",
        "a.mp4,m.png,,9-3,4.mp4,much,,,",
        "a.mp4,,,,5.mp4,,,,",
        "a.mp4,m.png,,,1.mp4,,,,",
        "a.mp4,m.png,,,../6.mp4,,,,",
        "a.mp4,m.png,,,7.avi,,,,",
        "a.mp4,m.png,,,8.mp4,,paint,maybe,",
        "a.mp4,m.png,,,9.mp4,999,,,",
        "a.mp4,m.png,,,10.mp4,,,,,11,12",
    ]
    problems = _problems(media, HEADER + "\n".join(rows) + "\n")
    lines = [int(p.split(":")[0].removeprefix("line ")) for p in problems]
    assert sorted(set(lines)) == list(range(3, 13))
    assert lines.count(5) == 2
    for problem in problems:
        one_sentence(OptionError(problem.partition(": ")[2]))
    assert not (media / "out").exists()


def test_unknown_columns_are_all_named(media):
    problems = _problems(media, "source,maks,grwo,output\na.mp4,m.png,2,x.mp4\n")
    assert "did you mean mask" in problems[0]
    assert "did you mean grow" in problems[1]
    assert all(p.startswith("line 1: ") for p in problems)
    problems = _problems(media, '{"source": "a.mp4", "maks": 1}\n[]\n{"sou', name="x.jsonl")
    assert [p.split(":")[0] for p in problems] == ["line 1", "line 2", "line 3"]


def test_another_encoding_is_told_with_its_line(media):
    with pytest.raises(OptionError, match="byte 0xF6 in line 3"):
        _read(media, "source,mask\na.mp4,m.png\ngrö.mp4,m.png\n", encoding="latin-1")


def test_a_list_without_jobs_or_of_another_kind_is_told(media, one_sentence):
    for name, text in (("x.csv", HEADER), ("x.jsonl", "\n"), ("x.xlsx", "PK")):
        with pytest.raises(OptionError) as error:
            _read(media, text, name)
        one_sentence(error.value)


def test_a_folder_is_paired_by_name(tmp_path):
    for name in ("a.mp4", "b.mp4"):
        write_film(tmp_path / name, 2)
    write_mask(tmp_path / "a_mask.png")
    (tmp_path / "b_mask").mkdir()
    write_mask(tmp_path / "b_mask" / "1.png")
    (tmp_path / "notes.txt").write_text("")
    out = str(tmp_path.parent / "out")
    a, b = read_jobs(tmp_path, out)
    assert (a.output, b.output) == ("a.mp4", "b.mp4")
    assert b.mask == str(tmp_path / "b_mask")
    write_film(tmp_path / "c.mp4", 2)
    write_mask(tmp_path / "a_mask.jpg")
    with pytest.raises(JobListError) as error:
        read_jobs(tmp_path, out)
    assert [p.split(":")[0] for p in error.value.problems] == ["a.mp4", "c.mp4"]


@pytest.mark.parametrize(
    ("start", "end", "longer"),
    [(50, 60, (38, 72)), (5, 95, (0, 100)), (5, None, (0, None))],
)
def test_handles_stay_within_the_film(start, end, longer):
    job = BatchJob(source="a.mp4", output="a.mp4", video=VideoOptions(start=start, end=end))
    video = job.with_handles(12, num_frames=100).video
    assert (video.start, video.end) == longer


def test_results_among_the_sources_are_refused(media):
    with pytest.raises(OptionError, match="outside the source folder"):
        read_jobs(media, str(media / "out"))
    images = media / "images"
    images.mkdir()
    write_mask(images / "1.png")
    path = media / "jobs.csv"
    path.write_text("source,mask,output\nimages,m.png,x\na.mp4,m.png,a.mp4\n")
    with pytest.raises(JobListError) as error:
        read_jobs(path, str(images / "out"))
    assert "outside the source folder" in error.value.problems[0]
    with pytest.raises(JobListError) as error:
        read_jobs(path, str(media))
    assert "line 3" in error.value.problems[0]


def test_every_option_of_inpaint_is_a_column():
    import argparse

    from lgtsm.cli import inpaint

    parser = argparse.ArgumentParser()
    inpaint.add(parser.add_subparsers())
    actions = parser._subparsers._group_actions[0].choices["inpaint"]._actions
    names = {action.dest for action in actions}
    elsewhere = {"help", "inputs", "output", "plates", "resume", "overwrite", "report", "dry_run"}
    elsewhere |= {"complete"}  # `lgtsm masks complete` goes first: a batch resumes, that does not
    elsewhere |= {"keep"}  # a batch always keeps what it tracked, as test_track.py shows
    assert names - elsewhere - {"quiet", "progress", "verbose"} <= set(COLUMNS)
