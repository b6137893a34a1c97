"""An interrupted file job goes on where it was, and two jobs never share a journal."""

import errno
import os
import shutil

import pytest
import torch

import lgtsm
from lgtsm.box import Box
from lgtsm.engine.composing import Patch
from lgtsm.errors import OptionError, VideoError
from lgtsm.journal import Journal
from lgtsm.masks.boxes import MaskBox
from lgtsm.options import VideoOptions
from lgtsm.video.read import read_frames
from lgtsm.whole_file import WholeFile
from tests.api.plain import PLAIN
from tests.api.stopping import HostStopError, stop_at

NUM = 44
LOSSLESS = VideoOptions(lossless=True)
RESUME = VideoOptions(lossless=True, resume=True)


@pytest.fixture
def job(make_film, holes_of, save_masks, network, options, tmp_path):
    """Run one job of 44 frames: job(target, **changes) -> report."""
    film = make_film(tmp_path / "film.mkv", NUM, lossless=True)
    masks = save_masks(tmp_path / "masks.mkv", holes_of(NUM))

    def run(target, **changes):
        values = {"model": network, "options": options(**PLAIN), "video": LOSSLESS}
        return lgtsm.inpaint_video(film, masks, target, **(values | changes))

    return run


def _pixels(path):
    return torch.stack([frame.rgb() for frame in read_frames(path)])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stop", "changes"), [(5, PLAIN), (20, {}), (38, PLAIN)], ids=["first", "middle", "last"]
)
def test_an_interrupted_job_goes_on_with_the_same_frames(stop, changes, job, options, tmp_path):
    whole, target = tmp_path / "whole.mkv", tmp_path / "out.mkv"
    chosen = options(**changes)
    job(whole, options=chosen)
    with pytest.raises(HostStopError):
        job(target, options=chosen, progress=stop_at(stop))
    assert not target.exists()
    folder = tmp_path / "out.mkv.lgtsm-partial"
    assert (folder / "job.json").is_file()
    seen = []
    report = job(target, options=chosen, video=RESUME, progress=lambda *a: seen.append(a[0]))
    assert report.resumed_from == (stop - 1) // 16 * 16
    assert report.frames == NUM
    assert seen == sorted(seen)
    assert seen[-1] == NUM
    assert (_pixels(target) - _pixels(whole)).abs().max() <= 1.01 / 255
    assert not folder.exists()


@pytest.mark.slow
def test_a_job_can_be_interrupted_twice(job, tmp_path):
    whole, target = tmp_path / "whole.mkv", tmp_path / "out.mkv"
    job(whole)
    for stop, video in ((18, VideoOptions(lossless=True)), (35 - 16, RESUME)):
        with pytest.raises(HostStopError):
            job(target, video=video, progress=stop_at(stop))
    report = job(target, video=RESUME)
    assert report.resumed_from == 32
    assert (_pixels(target) - _pixels(whole)).abs().max() <= 1.01 / 255


@pytest.mark.slow
def test_another_job_cannot_go_on(job, options, tmp_path, one_sentence):
    target = tmp_path / "out.mkv"
    with pytest.raises(HostStopError):
        job(target, progress=stop_at(20))
    with pytest.raises(OptionError) as error:
        job(target, video=RESUME, options=options(feather=7, **PLAIN))
    one_sentence(error.value)
    assert job(target).resumed_from == 0


@pytest.mark.slow
def test_without_anything_left_a_resumed_job_starts_anew(job, tmp_path):
    report = job(tmp_path / "out.mkv", video=RESUME)
    assert (report.resumed_from, report.frames) == (0, NUM)


def _patches(num):
    """Yield (patch, frame, hole): half of every box is hole, the rest of a patch is its frame."""
    for t in range(num):
        box = None if t % 3 == 2 else Box(1, 2, 4, 2 + 1 + t % 5)
        frame, hole = torch.rand(3, 6, 9), torch.zeros(1, 6, 9)
        if box is None:
            yield Patch(t, None, None), frame, hole
            continue
        hole[:, 1:3, box.columns] = 1
        pixels = frame[:, box.rows, box.columns].clone()
        pixels[:, hole[0, box.rows, box.columns] > 0] = t / 100
        yield Patch(t, box, pixels), frame, hole


def _interrupted(target, described, num):
    """Return the folder of a journal of `num` frames that a stopped job left, and the frames."""
    journal = Journal(target, described, resume=False)
    made = list(_patches(num))
    for patch, _, hole in made:
        journal.add(patch, hole)
    journal.leave(HostStopError, HostStopError(), None)
    return journal.folder, made


def test_a_journal_gives_back_what_was_put_in(tmp_path):
    described = {"files": ["a"], "span": [0, None], "options": {"cuts": (1, 2)}}
    _, made = _interrupted(tmp_path / "x.mp4", described, 40)
    again = Journal(tmp_path / "x.mp4", described, resume=True)
    assert again.count == 32
    for patch, frame, hole in made[:32]:
        found = again.patch(patch.index, frame, hole)
        assert (found.index, found.box) == (patch.index, patch.box)
        if patch.box is not None:
            assert torch.equal(found.pixels, patch.pixels)
    again.remove()
    assert list(tmp_path.iterdir()) == []


def _torn(block, folder):
    block.write_bytes(b"torn")


def _flipped(block, folder):
    data = bytearray(block.read_bytes())
    data[-1] ^= 1  # a value, not the header
    block.write_bytes(data)


def _of_another_job(block, folder):
    other, _ = _interrupted(folder.with_name("y.mp4"), {"options": "others"}, 48)
    shutil.copy(other / block.name, block)


def _moved(block, folder):
    shutil.copy(folder / "00000000.safetensors", block)


@pytest.mark.parametrize("damage", [_torn, _flipped, _of_another_job, _moved])
def test_a_damaged_or_foreign_block_is_computed_again(damage, tmp_path, caplog):
    folder, made = _interrupted(tmp_path / "x.mp4", {}, 48)
    damage(folder / "00000001.safetensors", folder)
    journal = Journal(tmp_path / "x.mp4", {}, resume=True)
    assert journal.count == 16
    assert "computed again" in caplog.text
    for patch, _, hole in made[16:]:
        journal.add(patch, hole)
    journal.leave(HostStopError, HostStopError(), None)
    assert Journal(tmp_path / "x.mp4", {}, resume=True).count == 48


def test_a_block_damaged_while_it_is_used_is_one_sentence(tmp_path, one_sentence):
    folder, made = _interrupted(tmp_path / "x.mp4", {}, 16)
    journal = Journal(tmp_path / "x.mp4", {}, resume=True)
    _flipped(folder / "00000000.safetensors", folder)
    with pytest.raises(VideoError) as error:
        journal.patch(*(made[0][0].index, *made[0][1:]))
    one_sentence(error.value)


@pytest.mark.slow
def test_a_second_job_on_one_target_is_refused_and_the_first_goes_on(
    job, options, tmp_path, one_sentence
):
    whole, target = tmp_path / "whole.mkv", tmp_path / "out.mkv"
    job(whole)
    refused = []

    def progress(done, total, note):
        if len(refused) < 2 and done >= (5, 30)[len(refused)]:
            video = VideoOptions(lossless=True, resume=bool(refused))
            with pytest.raises(VideoError, match=f"beside process {os.getpid()} on ") as error:
                job(target, video=video, options=options(feather=7, **PLAIN))
            refused.append(error.value)

    job(target, progress=progress)
    assert len(refused) == 2
    one_sentence(refused[0])
    assert torch.equal(_pixels(target), _pixels(whole))
    assert {p.name for p in tmp_path.iterdir()} == {
        "film.mkv",
        "masks.mkv",
        "out.mkv",
        "whole.mkv",
    }


@pytest.mark.slow
def test_a_result_that_cannot_be_finished_keeps_its_frames(job, tmp_path, monkeypatch, caplog):
    target, commit = tmp_path / "out.mkv", WholeFile.commit

    def full(whole):
        if whole.target == target:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        commit(whole)

    monkeypatch.setattr(WholeFile, "commit", full)
    with pytest.raises(VideoError, match="No space left"):
        job(target)
    assert "are kept in" in caplog.text
    monkeypatch.undo()
    assert job(target, video=RESUME).resumed_from == 32
    assert not (tmp_path / "out.mkv.lgtsm-partial").exists()


def test_a_journal_takes_the_space_of_the_hole_not_of_its_box(tmp_path):
    journal = Journal(tmp_path / "x.mp4", {}, resume=False)
    hole = torch.zeros(1, 96, 128)
    hole[:, :2, :2] = hole[:, -2:, -2:] = 1  # two logos in opposite corners
    for t in range(16):
        journal.add(Patch(t, Box(0, 0, 96, 128), torch.rand(3, 96, 128)), hole)
    written = sum(file.stat().st_size for file in journal.folder.iterdir())
    assert written < 16 * (8 * 3 * 4 + 200)


def test_a_journal_gives_way_where_the_disk_is_nearly_full(tmp_path, monkeypatch, caplog):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=2**20))
    journal = Journal(tmp_path / "x.mp4", {}, resume=False)
    for patch, _, hole in _patches(20):
        journal.add(patch, hole)
    assert "cannot be resumed" in caplog.text
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_job_whose_film_lies_among_its_pictures_goes_on(job, network, options, tmp_path):
    frames = tmp_path / "frames"
    job(frames)
    boxes, target = [MaskBox(4, 4, 9, 9)], frames / "film.mkv"
    values = {"model": network, "options": options(**PLAIN)}
    with pytest.raises(HostStopError):
        lgtsm.inpaint_video(frames, boxes, target, progress=stop_at(20), **values)
    report = lgtsm.inpaint_video(frames, boxes, target, video=VideoOptions(resume=True), **values)
    assert report.resumed_from == 16
    assert report.frames == NUM


@pytest.mark.slow
def test_a_journal_that_cannot_be_read_is_begun_anew(job, tmp_path):
    target = tmp_path / "out.mkv"
    with pytest.raises(HostStopError):
        job(target, progress=stop_at(20))
    (tmp_path / "out.mkv.lgtsm-partial" / "job.json").write_text("")
    report = job(target, video=RESUME)
    assert report.resumed_from == 0
    assert report.frames == NUM
