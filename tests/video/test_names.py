"""Names of outputs: odd ones work, wrong ones are refused before anything is written."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from lgtsm.cli.main import main
from lgtsm.errors import VideoError
from lgtsm.options import VideoOptions
from lgtsm.video.clip import MaskWriter
from lgtsm.video.output import write_errors
from lgtsm.video.read import read_frames
from lgtsm.video.write import open_writer
from lgtsm.whole_file import WholeFile


def _names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def source(tmp_path, make_video, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return make_video(tmp_path / "in.mp4", num=3)


NAMES = ["part 1: intro.mp4", "http://a.mkv".replace("/", "_"), "a%03d.mp4", "x" * 244 + ".mp4"]


@pytest.mark.parametrize("name", [*NAMES, "ä" * 120 + ".mkv"])
def test_any_name_of_the_file_system_can_be_written(source, refill, name):
    # relative: a leading folder hides what the name could mean to ffmpeg
    target = source.relative_to(source.parent).with_name(name)
    refill(source, target)
    assert len(list(read_frames(target))) == 3
    assert _names(Path()) == sorted(["in.mp4", name])


def test_a_dash_is_no_folder(source, one_sentence, capsys):
    for write in (lambda p: open_writer(p, source), lambda p: MaskWriter(p, rate=24)):
        with pytest.raises(VideoError, match="got -") as caught:
            write(source.relative_to(source.parent).with_name("-"))
        one_sentence(caught.value)
    command = ["inpaint", "in.mp4", "--box", "2,2,8,8", "--mode", "copy", "-o", "-"]
    assert main(command) == 1
    assert main([command[0], "in.mp4", *command[1:]]) == 1
    assert "got -" in capsys.readouterr().err
    assert _names(Path()) == ["in.mp4"]


def test_images_are_not_poured_into_a_folder_of_other_things(source, refill, one_sentence):
    folder = source.parent / "films"
    folder.mkdir()
    (folder / "film.mp4").touch()
    with pytest.raises(VideoError, match=r"films/clean\.mp4") as caught:
        refill(source, folder)
    one_sentence(caught.value)
    with pytest.raises(VideoError, match="earlier result"):
        MaskWriter(folder, rate=24)
    assert _names(Path()) == ["films", "in.mp4"]
    assert _names(folder) == ["film.mp4"]


def test_an_empty_folder_and_an_earlier_result_are_filled(source, refill):
    folder = source.parent / "frames"
    folder.mkdir()
    (folder / ".DS_Store").touch()
    refill(source, folder)
    (folder / "report.json").touch()
    refill(source, folder)
    images = ["000000.png", "000001.png", "000002.png"]
    assert _names(folder) == [".DS_Store", *images, "report.json"]
    (source.parent / "again").mkdir()
    (source.parent / "again" / "000001.png").touch()
    refill(folder, source.parent / "again")
    assert _names(source.parent / "again") == images


def test_what_a_killed_job_left_goes_with_the_next_whole_result(source, refill):
    target = source.with_name("out.mp4")
    left = [source.with_name(f".{name}.0123456789ab.partial") for name in (target.name, "b.mp4")]
    for path in left:
        path.touch()
    with pytest.raises(VideoError), open_writer(target, source):
        pass  # no frame
    assert all(path.exists() for path in left)
    refill(source, target)
    assert _names(Path()) == sorted(["in.mp4", "out.mp4", left[1].name])


def test_nothing_of_a_killed_job_is_left_once_the_result_has_its_name(source, refill, monkeypatch):
    target, seen, commit = source.with_name("out.mp4"), [], WholeFile.commit

    def watched(whole):
        commit(whole)
        seen.append(_names(Path()))  # a process killed now does nothing more

    monkeypatch.setattr(WholeFile, "commit", watched)
    source.with_name(".out.mp4.0123456789ab.partial").touch()
    refill(source, target)
    assert seen == [["in.mp4", "out.mp4"]]


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), "; free space on its disk."),
        (PermissionError(errno.EACCES, "Permission denied"), "; check the rights of its folder."),
        (ValueError("no such pixel format"), r"; write another kind of file \(.mkv takes .*\)\."),
    ],
)
def test_advice_fits_the_error(tmp_path, error, advice):
    with pytest.raises(VideoError, match=advice), write_errors(tmp_path / "a.mp4"):
        raise error


def test_a_full_disk_leaves_the_old_report(tmp_path, monkeypatch):
    from lgtsm.cli import terminal

    report = tmp_path / "r.json"
    report.write_text("old\n", encoding="utf-8")

    def full(self, *_, **__):
        self.write_bytes(b"ol")
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(type(report), "write_text", full)
        with pytest.raises(Exception, match="No space left"):
            terminal.write_text(report, "new")
    assert report.read_text(encoding="utf-8") == "old\n"
    assert _names(tmp_path) == ["r.json"]


def test_a_failed_write_leaves_nothing(source, refill):
    options = VideoOptions(end=2)
    with (
        pytest.raises(ZeroDivisionError),
        open_writer(source.with_name("o.mp4"), source, options=options),
    ):
        1 / 0  # noqa: B018
    assert _names(Path()) == ["in.mp4"]
