"""What pages ask for, by the same requests, without a browser."""

from __future__ import annotations

import errno
import io
import json
import shlex
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from lgtsm.batch.job_list import read_jobs
from lgtsm.cli.inpaint import collect
from lgtsm.cli.main import build_parser
from lgtsm.errors import OptionError
from lgtsm.mask_options import TRACKED_GROW_PERCENT
from lgtsm.studio.pictures import Pictures, film_pictures
from lgtsm.studio.worker import Task
from lgtsm.video.clip import write_clip
from lgtsm.video.read import read_frames
from tests.studio.serving import TOKEN, serve


def _picture(data):
    return np.asarray(Image.open(io.BytesIO(data)))


def test_frames_are_those_of_the_file(studio, film):
    opened = studio.open(film)
    frames = [frame.rgb() for frame in read_frames(film)]
    for number in (0, 7, 3, 9, 8):
        status, data = studio.ask("GET", f"{opened}/picture/before/{number}")
        assert status == 200
        expected = (frames[number] * 255).round().byte().permute(1, 2, 0).numpy()
        np.testing.assert_array_equal(_picture(data), expected)


def test_frames_beyond_the_film_are_told(studio, film, one_sentence):
    opened = studio.open(film)
    for number in (10, 10**12):
        status, answer = studio.ask("GET", f"{opened}/picture/before/{number}")
        assert status == 400
        one_sentence(OptionError(json.loads(answer)["error"]))


def test_memory_of_pictures_stays_flat_over_a_long_film(tmp_path):
    """Of a film that holds fifteen times as many frames as are kept."""
    most = 20 * 64 * 48 * 3
    noise = torch.rand(1, 3, 48, 64, generator=torch.Generator().manual_seed(1))
    write_clip(tmp_path / "long.mp4", noise.expand(300, -1, -1, -1), rate=Fraction(24))
    pictures = film_pictures(tmp_path / "long.mp4", 300, most)
    for number in (*range(0, 300, 40), *range(299, 0, -97), *range(100, 160)):
        picture = _picture(pictures.png(number))
        assert picture.shape == (48, 64, 3)
        assert pictures.kept_bytes <= most


def test_a_frame_next_to_the_last_one_is_decoded_on_the_way():
    opened = []

    def read(start):
        opened.append(start)
        return iter(range(start, 100))

    pictures = Pictures(read, lambda number: bytes([number]), 100)
    for number in (10, 11, 12, 20, 12, 11, 60):
        assert pictures.png(number) == bytes([number])
    assert opened == [10, 60]


def test_command_and_project_hold_the_options_of_the_page(studio, film, painted):
    chosen = {"grow": 0, "preset": "best", "lossless": True, "cuts": "3,7", "fill_enclosed": True}
    chosen |= {"feather": 0, "unseen": "network"}
    wanted = ["fill_layer", "mask_used", "compare"]
    state = studio.json("POST", f"{painted}/options", {**chosen, "wanted": wanted})
    arguments = build_parser().parse_args(shlex.split(state["command"])[1:])
    options, video = collect(arguments)
    (job,) = read_jobs(Path(state["project"]), str(film.parent / "out"), {"grow": 4})
    assert job.options == options
    assert job.video == video
    assert options.mask.grow == 0
    assert options.mask.grow_percent == state["options"]["grow_percent"] == TRACKED_GROW_PERCENT
    assert options.cuts == (3, 7)
    assert job.outputs == (
        "shot_clean.mkv",
        "shot_clean_fill.mov",
        "shot_clean_mask.mkv",
        "shot_clean_compare.mp4",
    )
    assert str(arguments.fill_layer).endswith("shot_clean_fill.mov")
    names = json.loads(Path(state["project"]).read_text(encoding="utf-8"))
    assert names["source"] == "shot.mp4"
    assert names["track"] == ["shot.lgtsm-studio/painted_000005.png@5"]


def test_growing_with_the_height_can_be_turned_off(studio, film, painted):
    state = studio.json("POST", f"{painted}/options", {"grow_percent": 0})
    assert state["options"]["grow_percent"] == 0
    assert "--grow-percent 0" in state["command"]
    (job,) = read_jobs(Path(state["project"]), str(film.parent / "out"), {"grow": 4})
    assert job.options.mask.grow_percent == 0
    state = studio.json("POST", f"{painted}/options", {"grow_percent": TRACKED_GROW_PERCENT})
    assert "--grow-percent" not in state["command"]


def test_what_an_option_does_not_take_is_told_and_nothing_changes(studio, painted, one_sentence):
    before = studio.json("GET", f"{painted}/state")["options"]
    for given in (
        {"grow": -1},
        {"preset": "slow"},
        {"resume": True},
        {"grow": "much"},
        {"x": 1},
        {"motion": "cpn"},
    ):
        status, answer = studio.ask("POST", f"{painted}/options", given)
        assert status == 400
        one_sentence(OptionError(json.loads(answer)["error"]))
    assert studio.json("GET", f"{painted}/state")["options"] == before


def test_a_page_names_no_network_files(studio, film, painted):
    """They could lie anywhere, or be fetched."""
    for given in (
        {"synthesiser": "../model.onnx"},
        {"tracker_model": "owner/name"},
        {"model": "x"},
    ):
        assert studio.ask("POST", f"{painted}/options", given)[0] == 400
        project = film.parent / "networks.lgtsm.json"
        project.write_text(json.dumps({"source": "shot.mp4", "box": "1,1,9,9", **given}))
        assert studio.ask("POST", "/api/open", {"path": str(project)})[0] == 400


def test_a_film_that_is_opened_again_is_as_it_was_left(film, scene, png):
    with serve(film.parent) as studio:
        opened = studio.open(film)
        studio.json("PUT", f"{opened}/painted/5", png(scene.mask[5]))
        studio.json("POST", f"{opened}/options", {"grow": 7})
        studio.do(opened, "track")
        before = studio.json("GET", f"{opened}/state")
    with serve(film.parent) as studio:
        opened = studio.open(Path(before["project"]))
        again = studio.json("GET", f"{opened}/state")
        assert studio.ask("GET", "/film/of-an-earlier-run/state")[0] == 404
    for name in ("film", "painted", "found", "options", "command", "project"):
        assert again[name] == before[name], name


def test_a_box_and_points_become_paint(studio, film, scene):
    opened = studio.open(film)
    rows, columns = (axis.tolist() for axis in np.nonzero(scene.mask[5, 0].numpy()))
    box = [
        min(columns) - 2,
        min(rows) - 2,
        max(columns) - min(columns) + 4,
        max(rows) - min(rows) + 4,
    ]
    state = studio.json("POST", f"{opened}/mark", {"frame": 5, "box": box})
    assert list(state["painted"]) == ["5"]
    shown = _picture(studio.ask("GET", f"{opened}/picture/mask/5")[1])
    inside = scene.mask[5, 0].numpy() > 0
    assert (shown[inside] == 255).mean() > 0.5
    middle = [int(np.mean(columns)), int(np.mean(rows))]
    studio.json("POST", f"{opened}/mark", {"frame": 5, "points": [middle], "not_points": [[2, 2]]})
    for wrong in ({"frame": 5}, {"frame": 99, "box": box}, {"frame": 5, "box": [900, 0, 5, 5]}):
        assert studio.ask("POST", f"{opened}/mark", wrong)[0] == 400


def test_the_rim_that_is_filled_has_another_level(studio, painted):
    studio.json("POST", f"{painted}/options", {"grow": 3})
    shown = _picture(studio.ask("GET", f"{painted}/picture/mask/5")[1])
    assert set(np.unique(shown)) == {0, 96, 255}
    studio.json("POST", f"{painted}/options", {"grow": 0})
    shown = _picture(studio.ask("GET", f"{painted}/picture/mask/5")[1])
    assert set(np.unique(shown)) == {0, 255}


def test_nothing_painted_everything_painted_and_two_tasks_are_told(
    studio, film, png, scene, one_sentence
):
    opened = studio.open(film)
    for kind in ("track", "remove", "preview", "keys"):
        status, answer = studio.ask("POST", f"{opened}/do/{kind}", {"frame": 0})
        assert status == 400
        one_sentence(OptionError(json.loads(answer)["error"]))
    studio.json("PUT", f"{opened}/painted/5", png(torch.ones_like(scene.mask[5])))
    studio.json("POST", f"{opened}/do/track", {})
    task = studio.finished(opened)["task"]
    assert task["state"] == "failed"
    assert "100%" in task["error"]
    one_sentence(OptionError(task["error"]))
    stop = Task("hold", lambda hooks: [hooks.check() for _ in iter(int, 1)])
    studio.desk.worker.add(stop)
    studio.json("PUT", f"{opened}/painted/5", png(scene.mask[5]))
    studio.json("POST", f"{opened}/do/track", {})
    state = studio.json("GET", f"{opened}/state")
    assert state["task"]["state"] == "waiting"
    assert state["task"]["place"] == 1
    assert studio.ask("POST", f"{opened}/do/track", {})[0] == 400
    studio.json("POST", f"{opened}/cancel", {})
    assert studio.json("GET", f"{opened}/state")["task"]["state"] == "cancelled"
    stop.cancel()


def test_a_folder_that_cannot_be_written_is_told(film, one_sentence):
    film.parent.joinpath("shot.lgtsm-studio").write_text("in the way")
    with serve(film.parent) as studio:
        status, answer = studio.ask("POST", "/api/open", {"path": "shot.mp4"})
    assert status == 400
    one_sentence(OptionError(json.loads(answer)["error"]))


def test_a_full_disk_is_told_and_the_project_stays(studio, painted, scene, png, monkeypatch):
    before = studio.json("GET", f"{painted}/state")

    def full(self):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("lgtsm.whole_file.WholeFile._create", full)
    for method, path, body in (
        ("PUT", f"{painted}/painted/7", png(scene.mask[7])),
        ("PUT", "/api/film?name=new.mp4", b"film"),
        ("POST", f"{painted}/options", {"grow": 9}),
    ):
        status, answer = studio.ask(method, path, body)
        assert status == 400
        assert "No space left" in json.loads(answer)["error"]
    studio.json("POST", f"{painted}/do/track", {})
    assert "No space left" in studio.finished(painted)["task"]["error"]
    monkeypatch.undo()
    after = studio.json("GET", f"{painted}/state")
    assert after["painted"] == before["painted"]
    studio.do(painted, "track")


def test_two_studios_do_not_write_one_project(studio, film):
    studio.open(film)
    with serve(film.parent) as other:
        status, answer = other.ask("POST", "/api/open", {"path": str(film)}, token=TOKEN)
    assert status == 400
    assert "one studio" in json.loads(answer)["error"]
