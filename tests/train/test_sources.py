"""Clips decoded once, cut into shots, divided by source."""

import csv
import json
import logging

import numpy as np
import pytest
from PIL import Image

from lgtsm.errors import OptionError
from train.data.decode import find_shots, read_masks
from train.data.layouts import Kind, find_material
from train.data.sources import Clip, Library, open_library, prepare


def _frames(folder, count=3, size=(40, 48), shade=0):
    folder.mkdir(parents=True)
    rng = np.random.default_rng(shade)
    for t in range(count):
        pixels = rng.integers(0, 255, (*size, 3)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{t:05d}.png")


def test_films_folders_and_photographs_are_decoded(toy_data, tmp_path):
    library = prepare(toy_data, tmp_path / "out")
    kinds = {clip.source: clip.num_frames for clip in library.clips}
    assert kinds == {"walk": 12, "waves": 9, "garden": 1}
    for clip in library.clips:
        array = clip.array(library.root)
        assert array.shape == (clip.num_frames, 80, 96, 3)
        assert array.dtype == np.uint8
    assert open_library(tmp_path / "out") == library


def test_what_is_decoded_is_kept(toy_data, tmp_path):
    library = prepare(toy_data, tmp_path / "out")
    paths = [library.root / clip.path for clip in library.clips]
    before = [path.stat().st_mtime_ns for path in paths]
    assert prepare(toy_data, tmp_path / "out") == library
    assert [path.stat().st_mtime_ns for path in paths] == before


def test_a_second_folder_is_added_to_what_is_there(toy_data, tmp_path):
    out = tmp_path / "out"
    first = prepare(toy_data, out)
    _frames(tmp_path / "more" / "JPEGImages" / "run")
    folder = tmp_path / "more" / "object_masks" / "run"
    folder.mkdir(parents=True)
    for t in range(2):
        Image.fromarray(np.eye(40, dtype=np.uint8)).save(folder / f"{t}.png")
    both = prepare(tmp_path / "more", out)
    assert both.clips[:3] == first.clips
    assert [clip.source for clip in both.clips[3:]] == ["run"]
    assert [mask.path for mask in both.masks] == ["masks-run.npy"]
    assert prepare(toy_data, out) == both == open_library(out)


def test_what_is_decoded_takes_the_manifests_new_source_and_licence(toy_data, tmp_path):
    before = prepare(toy_data, tmp_path / "out").clips
    row = {"name": "garden.png", "repo": "some/where", "path": "a/b.png", "licence": "CC0-1.0"}
    (toy_data / "manifest.json").write_text(json.dumps({"stills": [row]}), encoding="utf-8")
    after = prepare(toy_data, tmp_path / "out").clips
    assert [clip.path for clip in after] == [clip.path for clip in before]
    told = {clip.source: clip.licence for clip in after}
    assert told == {"walk": "not stated", "waves": "not stated", "some/where/a/b.png": "CC0-1.0"}


def test_an_interrupted_rerun_leaves_the_index_whole(toy_data, tmp_path, monkeypatch):
    library = prepare(toy_data, tmp_path / "out")
    _frames(toy_data / "train" / "aaa")

    def interrupt(array):
        raise KeyboardInterrupt

    monkeypatch.setattr("train.data.sources.find_shots", interrupt)
    with pytest.raises(KeyboardInterrupt):
        prepare(toy_data, tmp_path / "out")
    assert open_library(tmp_path / "out") == library


def test_clips_whose_array_was_deleted_are_not_kept(toy_data, tmp_path):
    library = prepare(toy_data, tmp_path / "out")
    (library.root / library.clips[0].path).unlink()
    _frames(tmp_path / "more" / "run")
    clips = prepare(tmp_path / "more", tmp_path / "out").clips
    assert clips[:2] == library.clips[1:]
    assert len(clips) == 3


def test_files_and_folders_that_share_a_stem_are_kept_apart(tmp_path):
    data = tmp_path / "data"
    for number, (name, count) in enumerate((("shot.01", 4), ("shot.02", 3), ("frames", 2))):
        _frames(data / name, count, shade=number)
    rows = [{"path": name} for name in ("shot.01", "shot.02", "frames")]
    for number, name in enumerate(("one/plate/v1", "two/plate/v1", "two/film/v1")):
        _frames(data / name, 5 + number, shade=9 + number)
        rows.append({"path": name})
    for number, name in enumerate(("a.png", "a.jpg")):
        Image.new("RGB", (40 + number, 40)).save(data / name)
        rows.append({"path": name, "source": "one film"})
    (data / "list.json").write_text(json.dumps(rows), encoding="utf-8")
    library = prepare(data / "list.json", tmp_path / "out")
    shapes = {c.path: np.load(library.root / c.path).shape[:1] for c in library.clips}
    assert [c.num_frames for c in library.clips] == [4, 3, 2, 5, 6, 7, 1, 1]
    assert len(shapes) == 8
    for clip in library.clips:
        assert shapes[clip.path] == (clip.num_frames,)
    assert len({clip.source for clip in library.clips}) == 7  # stated ones stay as stated
    usual = {"data-shot.01.npy", "data-shot.02.npy", "data-frames.npy", "film-v1.npy"}
    assert usual < set(shapes)
    assert prepare(data / "list.json", tmp_path / "out") == library


def test_a_clip_whose_name_changes_is_not_kept_twice(tmp_path):
    data, out = tmp_path / "data", tmp_path / "out"
    _frames(data / "train" / "b")
    (data / "stills").mkdir()
    Image.new("RGB", (40, 40)).save(data / "stills" / "a.png")
    first = prepare(data, out)
    Image.new("RGB", (48, 40)).save(data / "stills" / "a.jpg")
    second = prepare(data, out)
    assert len(second.clips) == 3
    assert {c.array(out).shape[2] for c in second.clips if c.num_frames == 1} == {40, 48}
    (data / "stills" / "a.jpg").unlink()
    third = prepare(data, out).clips
    assert {c.source for c in third} >= {"a", "b"}
    assert sum(c.array(out).shape[2] == 40 for c in third) == len(first.clips) - 1


def test_an_index_without_masks_is_still_read(toy_data, tmp_path):
    library = prepare(toy_data, tmp_path / "out")
    index = tmp_path / "out" / "index.json"
    rows = json.loads(index.read_text(encoding="utf-8"))["clips"]
    old = [{k: v for k, v in row.items() if k != "first"} for row in rows]
    index.write_text(json.dumps(old), encoding="utf-8")
    assert open_library(tmp_path / "out") == library


def test_the_manifest_gives_sources_and_licences(toy_data, tmp_path):
    row = {"name": "garden.png", "repo": "some/where", "path": "a/b.png", "licence": "CC0-1.0"}
    (toy_data / "manifest.json").write_text(json.dumps({"stills": [row]}), encoding="utf-8")
    clips = {clip.source: clip for clip in prepare(toy_data, tmp_path / "out").clips}
    assert clips["some/where/a/b.png"].licence == "CC0-1.0"
    assert clips["walk"].licence == "not stated"


def test_material_marked_as_non_commercial_is_refused(toy_data, tmp_path, one_sentence):
    rows = {"stills": [{"name": "garden.png", "nc": True}]}
    (toy_data / "manifest.json").write_text(json.dumps(rows), encoding="utf-8")
    with pytest.raises(OptionError, match="non-commercial") as caught:
        prepare(toy_data, tmp_path / "out")
    one_sentence(caught.value)


def test_an_empty_folder_is_an_error(tmp_path, one_sentence):
    for match, action in (
        ("found none", lambda: prepare(tmp_path, tmp_path / "out")),
        ("prepare", lambda: open_library(tmp_path)),
    ):
        with pytest.raises(OptionError, match=match) as caught:
            action()
        one_sentence(caught.value)


def test_the_published_layouts_are_read_without_their_test_part(tmp_path):
    fvi = tmp_path / "FVI"
    _frames(fvi / "Train" / "JPEGImages" / "a")
    _frames(fvi / "Train" / "object_masks" / "a")
    _frames(fvi / "Test" / "JPEGImages" / "b")
    found = {(m.kind, m.source) for m in find_material(fvi)}
    assert found == {(Kind.FRAMES, "a"), (Kind.MASKS, "a")}
    faces = tmp_path / "FaceForensics"
    _frames(faces / "Train" / "videos" / "c")
    _frames(faces / "Train" / "masks" / "c")
    found = {(m.kind, m.source) for m in find_material(faces)}
    assert found == {(Kind.FRAMES, "c"), (Kind.MASKS, "c")}


def test_a_manifest_file_lists_what_it_likes(tmp_path, one_sentence):
    _frames(tmp_path / "one")
    Image.new("RGB", (40, 40)).save(tmp_path / "two.png")
    path = tmp_path / "list.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerows(
            [("path", "source", "licence"), ("one", "film", "CC0-1.0"), ("two.png", "", "")]
        )
    found = {(m.kind, m.source, m.licence) for m in find_material(path)}
    assert found == {(Kind.FRAMES, "film", "CC0-1.0"), (Kind.STILL, "two", "not stated")}
    (tmp_path / "list.json").write_text(json.dumps([{"path": "none.mp4"}]), encoding="utf-8")
    with pytest.raises(OptionError, match=r"none\.mp4") as caught:
        find_material(tmp_path / "list.json")
    one_sentence(caught.value)


def test_corrupt_and_tiny_clips_are_left_out_named_and_counted(toy_data, tmp_path, caplog):
    (toy_data / "train" / "broken.mp4").write_bytes(b"\0" * 200)
    (toy_data / "stills" / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    _frames(toy_data / "train" / "tiny", size=(20, 20))
    _frames(toy_data / "train" / "lonely", count=1)
    with caplog.at_level(logging.WARNING):
        library = prepare(toy_data, tmp_path / "out")
    assert {clip.source for clip in library.clips} == {"walk", "waves", "garden"}
    for name in ("broken.mp4", "torn.png", "tiny", "lonely", "4 of 7"):
        assert name in caplog.text


def test_a_lone_frame_after_a_full_array_is_left_out_alone(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("train.data.decode.CHUNK_FRAMES", 4)
    _frames(tmp_path / "data" / "long", count=5)
    clips = prepare(tmp_path / "data", tmp_path / "out").clips
    assert sum(clip.num_frames for clip in clips) == 4
    assert caplog.text == ""


def test_nothing_that_can_be_decoded_is_an_error(tmp_path, one_sentence):
    (tmp_path / "data" / "train").mkdir(parents=True)
    (tmp_path / "data" / "train" / "broken.mp4").write_bytes(b"\0" * 200)
    with pytest.raises(OptionError, match="decoded") as caught:
        prepare(tmp_path / "data", tmp_path / "out")
    one_sentence(caught.value)


def test_items_never_cross_a_cut():
    y, x = np.mgrid[:60, :80]
    first = np.stack([120 + 60 * np.sin((x - 2 * t) / 9) for t in range(8)])
    second = np.stack([40 + 30 * np.cos((y + t) / 5) + x / 4 for t in range(6)])
    clip = np.concatenate([first, 255 - second]).clip(0, 255).astype(np.uint8)
    assert find_shots(np.repeat(clip[..., None], 3, -1)) == [(0, 8), (8, 14)]


def test_masks_upside_down_are_refused(tmp_path, one_sentence):
    for name, value in (("right", 0), ("wrong", 255)):
        (tmp_path / name).mkdir()
        image = Image.new("L", (40, 40), value)
        image.paste(255 - value, (10, 10, 20, 20))
        image.save(tmp_path / name / "00000.png")
    assert read_masks(tmp_path / "right").mean() == pytest.approx(100 / 1600)
    with pytest.raises(OptionError, match="94%") as caught:
        read_masks(tmp_path / "wrong")
    one_sentence(caught.value)


@pytest.mark.slow
def test_rendered_scenes_are_training_clips(tmp_path):
    library = prepare(None, tmp_path / "out", num_scenes=1)
    assert [c.source for c in library.clips] == ["scene-0000"]
    assert library.clips[0].array(library.root).std() > 10


def test_training_and_validation_share_no_source(tmp_path):
    clips = tuple(
        Clip(path=f"{s}-{i}.npy", source=f"film {s}", licence="x", num_frames=1 + 8 * (s % 3 > 0))
        for s in range(200)
        for i in range(2)
    )
    training, held = Library(tmp_path, clips).split()
    names = [{clip.source for clip in part.clips} for part in (training, held)]
    assert names[0].isdisjoint(names[1])
    assert len(training.clips) + len(held.clips) == len(clips)
    assert 0.02 * len(clips) < len(held.clips) < 0.2 * len(clips)
    assert all(clip.num_frames > 1 for clip in held.clips)
    assert Library(tmp_path, clips[::-1]).split()[1].clips == held.clips[::-1]
    assert Library(tmp_path, clips).split(0.0)[1].clips == ()
    for clip in held.clips[:1]:  # alone, it is trained on all the same
        assert Library(tmp_path, (clip,)).split()[0].clips == (clip,)
