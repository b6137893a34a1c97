"""Rules of Windows and macOS, kept on Linux: no such machine was at hand."""

from __future__ import annotations

import errno
import os
import sys
from pathlib import Path

import pytest
import torch

import lgtsm
from lgtsm.engine.policy import choose_device
from lgtsm.errors import DeviceError, VideoError
from lgtsm.file_names import refuse_shared_names
from lgtsm.journal import journal_folder
from lgtsm.masks.boxes import MaskBox
from lgtsm.options import VideoOptions
from lgtsm.plate_names import plate_file
from lgtsm.report import peak_memory
from lgtsm.weights.header import Card
from lgtsm.weights.hub_file import parse_hub_file
from lgtsm.weights.load import load_model
from lgtsm.weights.save import save_model
from lgtsm.whole_file import WholeFile
from tests.api.stopping import HostStopError

COPY = lgtsm.InpaintOptions(mode="copy", motion="none", reach=2)


def test_the_rule_holds_in_these_tests(windows_files, tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"x")
    with path.open("rb"), pytest.raises(PermissionError):
        path.replace(tmp_path / "b")
    path.replace(tmp_path / "b")


@pytest.mark.slow
@pytest.mark.parametrize("target", ["out.mkv", "frames"])
def test_every_file_is_closed_before_it_gets_its_name(target, windows_files, make_film, tmp_path):
    film = make_film(tmp_path / "film.mkv", 20, lossless=True)
    boxes, out = [MaskBox(4, 4, 9, 9)], tmp_path / target
    named = {"fill_layer": tmp_path / "fill.mov", "mask_used": tmp_path / "used.mkv"}

    def stop(done, total, note):
        if (journal_folder(out) / "00000000.safetensors").exists():  # 16 frames are done
            raise HostStopError

    def run(**changes):
        return lgtsm.inpaint_video(film, boxes, out, options=COPY, **named, **changes)

    with pytest.raises(HostStopError):
        run(progress=stop)
    assert run(video=VideoOptions(resume=True)).resumed_from == 16
    run()  # over what is there
    kept = {"film.mkv", "fill.mov", "used.mkv", target}
    assert {path.name for path in tmp_path.iterdir()} == kept


def test_a_weight_file_can_be_written_over_the_one_it_was_read_from(
    windows_files, tiny_network, tmp_path
):
    path = tmp_path / "net.safetensors"
    card = Card(spec=tiny_network.spec, licence="Apache-2.0")
    save_model(tiny_network, path, card)
    network = load_model(path)
    save_model(network, path, card)
    assert load_model(path).digest() == tiny_network.digest()


@pytest.mark.parametrize(
    ("system", "refused"), [("linux", False), ("darwin", True), ("win32", True)]
)
def test_names_that_differ_in_case_alone_are_one_file(
    system, refused, monkeypatch, tmp_path, one_sentence
):
    monkeypatch.setattr(sys, "platform", system)
    try:
        refuse_shared_names([tmp_path / "film.mp4"], [tmp_path / "Film.mp4", None])
    except VideoError as error:
        one_sentence(error)
        assert refused
    else:
        assert not refused


def test_another_name_of_an_input_is_refused(tmp_path):
    film, other = tmp_path / "film.mp4", tmp_path / "FILM.mp4"
    film.write_bytes(b"x")
    os.link(film, other)  # as a disk that ignores case shows it
    with pytest.raises(VideoError, match="twice"):
        refuse_shared_names([film], [other])


@pytest.mark.parametrize("name", ["con.mp4", "NUL", "out.mkv ", "out.", "a?.png", "shot:1.mp4"])
def test_names_that_windows_cannot_write_are_refused_before_work(name, monkeypatch, one_sentence):
    refuse_shared_names([], [Path(name)])
    monkeypatch.setattr(sys, "platform", "win32")
    refuse_shared_names([Path(name)], [Path("console.mp4"), Path("com10.mp4"), Path(".out.mkv")])
    with pytest.raises(VideoError, match="Windows") as error:
        refuse_shared_names([], [Path(name)])
    one_sentence(error.value)


WINDOWS_PATHS = r"""
C:\nets\net.safetensors C:/nets/net.safetensors C:net.safetensors nets\net.safetensors
..\nets\net.safetensors \\server\share\net.safetensors C:\nets\owner C:/owner/name
"""


@pytest.mark.parametrize("text", WINDOWS_PATHS.split())
def test_paths_of_windows_are_no_names_on_a_hub(text):
    assert parse_hub_file(text) is None


@pytest.mark.parametrize("name", [r"C:\clips\plate.png", r"C:\clips\a@b.png", "plate.png"])
def test_a_drive_and_an_at_sign_stay_apart(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(b"x")
    assert plate_file(f"{name}@120") == (Path(name), 120)
    assert plate_file(name) == (Path(name), None)


def test_mps_is_refused_with_its_reason(monkeypatch, one_sentence):
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: True)
    for name in ("mps", "mps:0"):
        with pytest.raises(DeviceError, match="grid_sample") as error:
            choose_device(name)
        one_sentence(error.value)
    assert choose_device("auto").type in ("cpu", "cuda")


def test_memory_is_unknown_where_the_system_does_not_tell(monkeypatch):
    monkeypatch.setattr("lgtsm.resident_memory.resource", None)
    assert peak_memory("cpu") == 0


@pytest.mark.slow
def test_a_target_that_another_program_shows_keeps_what_was_computed(
    make_film, tmp_path, monkeypatch
):
    film, out = make_film(tmp_path / "film.mkv", 18, lossless=True), tmp_path / "out.mkv"
    commit = WholeFile.commit

    def shown_elsewhere(whole):
        if whole.target == out:
            raise PermissionError(errno.EACCES, "used by another process")
        commit(whole)

    monkeypatch.setattr(WholeFile, "commit", shown_elsewhere)
    job = lgtsm.inpaint_video
    with pytest.raises(VideoError, match="used by another process") as error:
        job(film, [MaskBox(4, 4, 9, 9)], out, options=COPY)
    assert "out.mkv" in str(error.value)
    monkeypatch.undo()
    resume = VideoOptions(resume=True)
    assert job(film, [MaskBox(4, 4, 9, 9)], out, options=COPY, video=resume).resumed_from == 16
