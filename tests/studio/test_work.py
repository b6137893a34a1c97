"""Tracking, finding, removing and key frames by requests: what is made, and that commands make the same."""

from __future__ import annotations

import io
import json
import shlex
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lgtsm.cli.main import main
from lgtsm.errors import OptionError
from lgtsm.masks.overlay import overlay
from lgtsm.studio.worker import Task
from lgtsm.video.clip import write_clip
from lgtsm.video.read import read_frames, read_masks
from tests.studio.serving import serve


def _picture(data):
    return np.asarray(Image.open(io.BytesIO(data)))


def test_from_painting_to_a_saved_result(studio, film, painted, scene):
    state = studio.do(painted, "track")
    assert state["found"]["kind"] == "track"
    assert len(state["found"]["confidence"]) == 10
    assert state["found"]["confidence"][5] == 100
    mask = torch.stack(list(read_masks(film.parent / "shot.lgtsm-studio" / "mask.mkv")))
    both = (mask * scene.mask).sum() / ((mask + scene.mask) > 0).sum()
    assert both > 0.6
    state = studio.do(painted, "remove")
    whole = state["results"]["whole"]
    assert whole["passed"], whole["verdict"]
    assert Path(whole["outputs"]["target"]["path"]) == film.parent / "shot_clean.mkv"
    status, data = studio.ask("GET", f"{painted}/result/target")
    assert status == 200
    assert data == (film.parent / "shot_clean.mkv").read_bytes()
    after = _picture(studio.ask("GET", f"{painted}/picture/whole/5")[1]).astype(float)
    before = _picture(studio.ask("GET", f"{painted}/picture/before/5")[1]).astype(float)
    truth = scene.truth[5].permute(1, 2, 0).numpy() * 255
    hole = scene.mask[5, 0].numpy() > 0
    assert np.abs(after - truth)[hole].mean() < np.abs(before - truth)[hole].mean() / 2


@pytest.mark.slow
def test_the_printed_command_and_a_batch_of_the_project_make_the_same_film(
    studio, film, painted, tmp_path
):
    state = studio.do(painted, "remove")
    words = shlex.split(state["command"])
    assert words[:2] == ["lgtsm", "inpaint"]
    words[words.index("-o") + 1] = str(tmp_path / "again.mkv")
    assert main([*words[1:], "--quiet"]) == 0
    assert main(["batch", state["project"], "-o", str(tmp_path / "out"), "--quiet"]) == 0
    ours = [frame.rgb() for frame in read_frames(film.parent / "shot_clean.mkv")]
    for other in (tmp_path / "again.mkv", tmp_path / "out" / "shot_clean.mkv"):
        for one, frame in zip(ours, read_frames(other), strict=True):
            assert torch.equal(one, frame.rgb()), other


def test_a_file_that_the_studio_did_not_make_is_not_replaced(studio, film, painted, one_sentence):
    studio.json("POST", f"{painted}/options", {"start": 4, "end": 7})
    mine = film.parent / "shot_clean.mkv"
    mine.write_bytes(b"mine")
    studio.json("POST", f"{painted}/do/remove", {})
    task = studio.finished(painted)["task"]
    assert task["state"] == "failed"
    one_sentence(OptionError(task["error"]))
    assert mine.read_bytes() == b"mine"
    mine.unlink()
    studio.do(painted, "remove")
    studio.do(painted, "remove")  # its own result is replaced


@pytest.mark.slow
def test_one_more_painted_frame_costs_only_the_frames_next_to_it(studio, painted, scene, png):
    studio.json("PUT", f"{painted}/painted/2", png(scene.mask[2]))
    studio.do(painted, "track")
    folder = studio.desk.sessions()[0].folder / "tracked"
    kept = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    studio.json("PUT", f"{painted}/painted/7", png(scene.mask[7]))
    assert studio.json("GET", f"{painted}/state")["found"]["stale"]
    state = studio.do(painted, "track")
    assert not state["found"]["stale"]
    new = {path.name for path in folder.iterdir()} - kept.keys()
    # from 5 to 7 both ways, and from 7 to the end; what lies before 5 is kept as it was
    assert len(new) == 3
    assert kept.items() <= {p.name: p.stat().st_mtime_ns for p in folder.iterdir()}.items()


def test_a_preview_fills_a_second_at_most_and_leaves_the_result_alone(studio, film, painted):
    state = studio.do(painted, "preview", frame=9, half=True)
    assert state["results"]["preview"]["start"] == 0  # the film is shorter than a second
    assert state["results"]["preview"]["count"] == 10
    assert "whole" not in state["results"]
    assert not (film.parent / "shot_clean.mkv").exists()
    assert studio.ask("GET", f"{painted}/picture/preview/9")[0] == 200


@pytest.mark.slow
def test_a_removal_that_is_cancelled_goes_on_where_it_was(studio, film, painted, monkeypatch):
    monkeypatch.setattr("lgtsm.journal._BLOCK", 2)
    session = studio.desk.sessions()[0]
    seen = []

    def watched(task=Task._report):
        def report(self, done, total, note):
            task(self, done, total, note)
            seen.append(done)
            if done >= 6 and self.kind == "remove" and len(seen) < 10**6:
                seen.extend([0] * 10**6)  # once
                self.cancel()

        return report

    studio.do(painted, "track")
    monkeypatch.setattr(Task, "_report", watched())
    studio.json("POST", f"{painted}/do/remove", {})
    state = studio.finished(painted)
    assert state["task"]["state"] == "cancelled"
    assert state["resumable"]
    assert not (film.parent / "shot_clean.mkv").exists()
    state = studio.do(painted, "remove")
    assert not state["resumable"]
    assert session.results["whole"].film.exists()


def test_masks_are_loaded_and_what_does_not_fit_is_told(studio, film, scene, png, one_sentence):
    opened = studio.open(film)
    state = studio.json("PUT", f"{opened}/mask?name=m.png", png(scene.mask[5]))
    assert state["found"]["kind"] == "file"
    assert state["problem"] == ""
    assert "--mask" in state["command"]
    shown = _picture(studio.ask("GET", f"{opened}/picture/mask/2")[1])
    np.testing.assert_array_equal(shown == 255, scene.mask[5, 0].numpy() > 0.5)
    for name, data in (("m.png", b"no picture"), ("m.exe", png(scene.mask[5]))):
        status, answer = studio.ask("PUT", f"{opened}/mask?name={name}", data)
        assert status == 400
        one_sentence(OptionError(json.loads(answer)["error"]))
    # painting goes before a mask that was loaded
    state = studio.json("PUT", f"{opened}/painted/5", png(scene.mask[5]))
    assert state["found"] is None
    assert "--track" in state["command"]


def test_a_logo_is_found_by_a_button(tmp_path, scene):
    frames = scene.frames.clone()
    frames[:, :, 8:20, 120:150] = 1.0
    frames[:, :, 11:17, 124:146] = 0.0
    film = tmp_path / "logo.mp4"
    write_clip(film, overlay(frames, torch.zeros(1, 1, 90, 160)), rate=scene.rate, crf=4)
    with serve(tmp_path) as studio:
        opened = studio.open(film)
        state = studio.do(opened, "static")
        shown = _picture(studio.ask("GET", f"{opened}/picture/mask/3")[1])
    assert state["found"]["kind"] == "static"
    assert (shown[8:20, 120:150] == 255).mean() > 0.9


def test_a_key_frame_that_is_painted_is_carried_into_the_result(studio, still, scene, png):
    painted = studio.open(still)
    studio.json("PUT", f"{painted}/mask?name=m.png", png(scene.mask[5]))
    quick = {"mode": "copy", "motion": "none", "lossless": True}
    studio.json("POST", f"{painted}/options", quick)
    state = studio.do(painted, "keys")
    number = state["keys"]["numbers"][0]
    unseen = _picture(studio.ask("GET", f"{painted}/picture/unseen/{number}")[1]) > 127
    assert unseen.any()
    key = _picture(studio.ask("GET", f"{painted}/picture/key/{number}")[1]).copy()
    key[unseen] = (0, 255, 0)
    buffer = io.BytesIO()
    Image.fromarray(key).save(buffer, "PNG")
    state = studio.json("PUT", f"{painted}/key/{number}", buffer.getvalue())
    assert state["keys"]["painted"] == [number]
    assert "--plate" in state["command"]
    studio.do(painted, "remove")
    after = _picture(studio.ask("GET", f"{painted}/picture/whole/{number}")[1]).astype(int)
    assert np.abs(after[unseen] - (0, 255, 0)).mean() < 40
    assert studio.ask("PUT", f"{painted}/key/999", buffer.getvalue())[0] == 400


def test_results_go_into_a_folder_of_their_own(film, tmp_path):
    results = tmp_path / "results"
    results.mkdir()
    before = set(film.parent.iterdir())
    with serve(film.parent, results=results) as studio:
        state = studio.json("GET", studio.open(film) + "/state")
    assert Path(state["output"]).parent == results
    assert set(film.parent.iterdir()) == before
