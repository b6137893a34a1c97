"""Clips decoded once, divided by source."""

import json

import numpy as np
import pytest

from train.sources import Clip, Library, open_library, prepare


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


def test_the_manifest_gives_sources_and_licences(toy_data, tmp_path):
    row = {"name": "garden.png", "repo": "some/where", "path": "a/b.png", "licence": "CC0-1.0"}
    (toy_data / "manifest.json").write_text(json.dumps({"stills": [row]}), encoding="utf-8")
    clips = {clip.source: clip for clip in prepare(toy_data, tmp_path / "out").clips}
    assert clips["some/where/a/b.png"].licence == "CC0-1.0"
    assert clips["walk"].licence == "not stated"


def test_material_marked_as_non_commercial_is_refused(toy_data, tmp_path):
    rows = {"stills": [{"name": "garden.png", "nc": True}]}
    (toy_data / "manifest.json").write_text(json.dumps(rows), encoding="utf-8")
    with pytest.raises(ValueError, match="non-commercial"):
        prepare(toy_data, tmp_path / "out")


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(ValueError, match="found none"):
        prepare(tmp_path, tmp_path / "out")
    with pytest.raises(ValueError, match="prepare"):
        open_library(tmp_path)


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
