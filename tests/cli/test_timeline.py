"""`lgtsm timeline`: exit codes, what is told of clips, options of markers."""

import pytest

otio = pytest.importorskip("opentimelineio", reason="needs opentimelineio")

FAST = ("--mode", "copy", "--motion", "none", "--unseen", "network", "--threads", "1")


@pytest.fixture
def edit(tmp_path, make_film, make_mask, monkeypatch):
    """edit(*masks) -> path of an edit with a marked clip for each mask, None for one without a film."""
    from tests.batch.conftest import InProcess

    monkeypatch.setattr("lgtsm.batch.run.WorkerPool", lambda number, retries: InProcess())
    make_film("a.mkv", 20)
    make_mask("mask.png")
    second = otio.opentime.TimeRange(
        otio.opentime.RationalTime(4, 24), otio.opentime.RationalTime(5, 24)
    )

    def make(*masks):
        items = [
            otio.schema.Clip(
                name="a" if mask else "lost",
                media_reference=otio.schema.ExternalReference("a.mkv" if mask else "lost.mkv"),
                source_range=second,
                markers=[otio.schema.Marker("lgtsm", metadata={"lgtsm": {"mask": mask}})],
            )
            for mask in masks
        ]
        made = otio.schema.Timeline("edit")
        made.tracks.append(otio.schema.Track("V1", items, kind="Video"))
        otio.adapters.write_to_file(made, str(tmp_path / "edit.otio"))
        return tmp_path / "edit.otio"

    return make


def test_the_exit_code_tells_all_some_or_none(lgtsm, edit, tmp_path):
    target = tmp_path / "clean.otio"
    code, _, err = lgtsm("timeline", edit("mask.png"), "-o", target, "--handles", "2", *FAST)
    assert code == 0
    assert "clips laid above: 1" in err
    assert (tmp_path / "clean_clips" / "a_000002-000011.mkv").is_file()
    code, _, err = lgtsm("timeline", edit("mask.png", None), "-o", target, "--quiet", *FAST)
    assert code == 4
    assert "lgtsm: lost (track V1, at 00:00:00.20" in err
    code, _, err = lgtsm("timeline", edit(None), "-o", tmp_path / "none.otio", *FAST)
    assert code == 1
    assert "lgtsm: Expected " in err
    assert not (tmp_path / "none.otio").exists()


def test_mistakes_in_markers_are_told_and_nothing_is_written(lgtsm, edit, tmp_path):
    code, _, err = lgtsm("timeline", edit("x.png", "y.png"), "-o", tmp_path / "c.otio", *FAST)
    assert code == 1
    assert err.count("found no") == 2
    assert "2 mistakes, nothing was done" in err
    assert not (tmp_path / "c.otio").exists()


def test_results_lie_where_they_are_wanted(lgtsm, edit, tmp_path):
    target, clips = tmp_path / "c.otio", tmp_path / "films"
    words = ("--clips", clips, "--layer-only", "--lossless", "--handles", "0", "--quiet")
    assert lgtsm("timeline", edit("mask.png"), "-o", target, *words, *FAST)[0] == 0
    found = sorted(p.name for p in clips.iterdir() if p.suffix in (".mkv", ".mov"))
    assert found == ["a_000004-000009.mkv", "a_000004-000009_fill.mov"]
    above = otio.adapters.read_from_file(str(target)).tracks[1]
    assert above[0].media_reference.name == "a_000004-000009_fill.mov"
