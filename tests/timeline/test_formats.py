"""Other formats than .otio: what their adapters keep is used, what they lose is told."""

import opentimelineio as otio
import pytest

from lgtsm.errors import DeviceError, OptionError
from lgtsm.timeline.call import clean_timeline
from tests.batch.conftest import write_mask
from tests.timeline.conftest import clip, dissolve, times

EDL = """TITLE: edit
FCM: NON-DROP FRAME

001  AX       V     C        00:00:00:03 00:00:00:09 01:00:00:00 01:00:00:06
* FROM CLIP NAME: b
* FROM CLIP: {folder}/b.mp4
002  AX       V     C        00:00:00:07 00:00:00:12 01:00:00:06 01:00:00:11
* FROM CLIP NAME: a
* FROM CLIP: {folder}/a.mp4
* LOC: 01:00:00:06 RED     lgtsm | grow: 6
003  AX       V     C        00:00:00:07 00:00:00:12 01:00:00:11 01:00:00:16
* FROM CLIP NAME: a
* LOC: 01:00:00:12 RED     lgtsm
"""


@pytest.fixture
def edit(films, save):
    """An edit with a marker that holds nothing; its mask lies beside the film."""
    write_mask(films / "a_mask.png")
    made = save([clip(films / "b.mp4", 3, 6), clip(films / "a.mp4", 7, 5, marker={})])
    return otio.adapters.read_from_file(str(made))


def _write(edit, path, package):
    pytest.importorskip(package, reason=f"needs {package}")
    otio.adapters.write_to_file(edit, str(path))
    return path


def _check(made):
    above = made.tracks[1]
    assert [type(item).__name__ for item in above] == ["Gap", "Clip"]
    assert above[1].range_in_parent() == times(6, 5)
    assert above[1].media_reference.name == "a_000004-000015.mp4"
    assert above[1].source_range == times(3, 5)


def test_fcp7_xml_keeps_names_and_comments_of_markers(films, edit, clean):
    file = _write(edit, films / "edit.xml", "otio_fcp_adapter")
    result, made = clean(file, handles=3)
    _check(made)
    assert "comment" in result.notes[0]
    comment = "<name>lgtsm</name><comment>box: 8,8,20,20\ngrow: 9</comment>"
    file.write_text(file.read_text().replace("<name>lgtsm</name>", comment))
    (films / "a_mask.png").unlink()  # the box of the comment serves
    result, _ = clean(file, target=films / "other.otio")
    assert (result.num_clean, [entry.state for entry in result.batch.entries]) == (1, ["done"])


def test_a_change_of_speed_in_fcp7_xml_is_seen(films, edit, clean):
    file = _write(edit, films / "edit.xml", "otio_fcp_adapter")
    remap = (
        "<filter><effect><name>Time Remap</name><effectid>timeremap</effectid>"
        "<parameter><parameterid>speed</parameterid><value>50</value></parameter></effect></filter>"
    )
    text = file.read_text()
    file.write_text(text.replace("<marker>", f"{remap}<marker>", 1))
    with pytest.raises(OptionError, match="speed is changed"):
        clean(file)


def test_fcpx_xml_keeps_names_of_markers_but_no_transitions(films, save, clean):
    write_mask(films / "a_mask.png")
    items = [clip(films / "a.mp4", 7, 5, marker={}), dissolve(1, 1), clip(films / "b.mp4", 3, 6)]
    edit = otio.adapters.read_from_file(str(save(items)))
    file = _write(edit, films / "edit.fcpxml", "otio_fcpx_xml_adapter")
    result, made = clean(file)
    assert result.num_clean == 1
    assert "transitions" in result.notes[0]
    assert [type(item).__name__ for item in made.tracks[1]] == ["Clip", "Gap"]


def test_an_edl_keeps_names_of_markers_and_films_only_where_it_names_them(films, clean):
    pytest.importorskip("otio_cmx3600_adapter", reason="needs otio-cmx3600-adapter")
    write_mask(films / "a_mask.png")
    file = films / "edit.edl"
    file.write_text(EDL.format(folder=films))
    result, made = clean(file, handles=3)
    assert [type(item).__name__ for item in made.tracks[1]] == ["Gap", "Clip", "Gap"]
    assert made.tracks[1][1].source_range == times(3, 5)
    assert "--edl-rate" in result.notes[0]
    assert len(result.left) == 1
    assert "media is missing" in result.left[0]


def test_a_format_without_its_adapter_names_the_package(films, edit, clean, monkeypatch):
    file = films / "edit.edl"
    file.write_text("")
    from lgtsm.timeline import files

    def refuse(*_, **__):
        raise otio.exceptions.NoKnownAdapterForExtensionError("edl")

    monkeypatch.setattr(files.adapters, "read_from_file", refuse)
    with pytest.raises(OptionError, match="pip install otio-cmx3600-adapter"):
        clean(file)


def test_without_opentimelineio_one_sentence_names_the_package(monkeypatch):
    monkeypatch.setattr("lgtsm.timeline.call.find_spec", lambda name: None)
    with pytest.raises(DeviceError, match="pip install opentimelineio"):
        clean_timeline("edit.otio", "clean.otio")
