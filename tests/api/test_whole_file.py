"""Files and folders appear under their name when they are whole, or not at all."""

from __future__ import annotations

import pytest

from lgtsm.whole_file import WholeFile, WholeFolder


def test_a_file_replaces_its_target_at_the_end_of_the_block(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old", encoding="utf-8")
    with WholeFile(target) as path:
        path.write_text("new", encoding="utf-8")
        assert target.read_text(encoding="utf-8") == "old"
    assert target.read_text(encoding="utf-8") == "new"
    assert list(tmp_path.iterdir()) == [target]


def test_an_error_keeps_the_old_file_and_leaves_no_other(tmp_path):
    target = tmp_path / "a.txt"
    target.write_text("old", encoding="utf-8")
    with pytest.raises(UnicodeError), WholeFile(target) as path:
        path.write_text("new\ud800", encoding="utf-8")
    assert target.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_the_mode_is_that_of_any_new_file(tmp_path):
    plain, target = tmp_path / "plain", tmp_path / "a.txt"
    plain.touch()
    with WholeFile(target) as path:
        path.chmod(0o600)
    assert target.stat().st_mode == plain.stat().st_mode


def test_a_dropped_file_is_removed(tmp_path):
    WholeFile(tmp_path / "a.txt")
    assert list(tmp_path.iterdir()) == []


def test_a_target_that_cannot_be_replaced_leaves_nothing(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(OSError, match="a"), WholeFile(tmp_path / "a"):
        pass
    assert list(tmp_path.iterdir()) == [tmp_path / "a"]


@pytest.mark.parametrize("exists", [False, True])
def test_a_folder_is_filled_not_emptied(tmp_path, exists):
    target = tmp_path / "frames"
    if exists:
        target.mkdir()
        (target / "old.png").touch()
    with WholeFolder(target) as path:
        (path / "new.png").touch()
        assert not (target / "new.png").exists()
    assert sorted(p.name for p in target.iterdir()) == ["new.png"] + ["old.png"] * exists
    assert list(tmp_path.iterdir()) == [target]
