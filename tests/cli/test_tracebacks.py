"""Whatever a user types ends in one sentence; the trace is there for those who ask for it."""

from __future__ import annotations

import io
import os
import shutil
import sys

import pytest

from lgtsm.cli import info
from lgtsm.cli.main import UNEXPECTED
from lgtsm.errors import OptionError, VideoError
from lgtsm.options import VideoOptions

LONG = "x" * 300
posix = pytest.mark.skipif(os.name != "posix", reason="names of bytes and links are POSIX's")


@pytest.fixture
def words(make_film, make_mask, tmp_path):
    """words(**changes) -> arguments of a quick job whose files are in the working folder."""

    def make(source=None, mask=None, out="o.mp4", *extra):
        source, mask = source or make_film(num=3), mask or make_mask()
        out = tmp_path / out
        return ["inpaint", source, "--mask", mask, "-o", out, "--mode", "copy", *extra]

    return make


@pytest.fixture
def sentence(lgtsm, leftovers):
    """sentence(*arguments) -> the one line on stderr of a command that fails."""

    def run(*arguments):
        code, stdout, stderr = lgtsm(*arguments)
        assert (code, stdout) == (1, ""), stderr
        assert stderr.count("\n") == 1, stderr
        assert stderr.startswith("lgtsm: Expected ")
        assert stderr.endswith(".\n")
        assert len(stderr) < 900
        assert leftovers() == []
        return stderr

    return run


def _names(bad, words):
    """Return a command for every place that takes a name."""
    return [
        ["info", bad],
        ["models", bad],
        words(bad),
        words(None, bad),
        words(None, None, bad),
        words(None, None, "o.mp4", "--report", bad),
        words(None, None, "o.mp4", "--plate", bad),
        words(None, None, "o.mp4", "--mask-used", bad),
        ["check", bad, bad, bad],
        ["convert", bad, "n.safetensors"],
        ["masks", "draw", "--frames", 1, "-o", bad],
    ]


@posix
@pytest.mark.parametrize("place", range(11))
def test_a_name_that_is_too_long(place, sentence, words, tmp_path):
    sentence(*_names(tmp_path / f"{LONG}.mp4", words)[place])


@posix
@pytest.mark.parametrize("place", range(11))
def test_a_loop_of_links(place, sentence, words, tmp_path):
    (tmp_path / "a.mp4").symlink_to(tmp_path / "b.mp4")
    (tmp_path / "b.mp4").symlink_to(tmp_path / "a.mp4")
    sentence(*_names(tmp_path / "a.mp4", words)[place])


@posix
def test_names_that_are_no_text_are_used_and_printed(lgtsm, words, tmp_path, monkeypatch):
    def named(path):
        new = tmp_path / os.fsdecode(b"f\xff" + os.fsencode(path.suffix))
        return path.rename(new)

    plain = words()
    out = os.fsdecode(b"o\xff.mp4")
    code, _, stderr = lgtsm(*words(named(plain[1]), named(plain[3]), out, "--motion", "none"))
    assert code == 0, stderr
    assert (tmp_path / out).is_file()
    strict = io.TextIOWrapper(io.BytesIO(), "ascii", "strict")
    monkeypatch.setattr(sys, "stdout", strict)
    assert lgtsm("info", tmp_path / out)[0] == 0
    strict.seek(0)
    assert "o\\udcff.mp4" in strict.read()


@pytest.mark.parametrize("frame", ["²", "9" * 99, "-1", "x", ""])
def test_a_plate_of_no_frame(sentence, words, make_mask, frame):
    text = sentence(*words(None, None, "o.mp4", "--plate", f"{make_mask('p.png')}@{frame}"))
    assert "frame number" in text


@pytest.mark.parametrize("device", ["meta", "abacus", "cuda:99", "vulkan"])
def test_a_device_that_computes_nothing(sentence, words, device):
    sentence(*words(None, None, "o.mp4", "--device", device))


@pytest.mark.parametrize("rate", ["999.9999999", "23.976023976", "1/3"])
def test_a_rate_of_many_digits(lgtsm, words, make_mask, rate):
    folder = make_mask("frames", num=3)
    code, _, stderr = lgtsm(*words(folder, None, "o.mp4", "--rate", rate, "--motion", "none"))
    assert code == 0, stderr


def test_a_rate_is_taken_as_near_as_files_hold_it():
    assert str(VideoOptions(rate="23.976023976").rate) == "24000/1001"
    assert str(VideoOptions(rate=24000 / 1001).rate) == "24000/1001"
    assert str(VideoOptions(rate="999.9999999").rate) == "1000"
    assert str(VideoOptions(rate="23.976024").rate) == "2997003/125000"
    with pytest.raises(OptionError, match="rate"):
        VideoOptions(rate=float("nan"))


@pytest.mark.parametrize("text", ['x="', "x=--feather nine", "x=--no-such", "x"])
def test_a_variant_that_cannot_be_read(lgtsm, tmp_path, text):
    code, stdout, stderr = lgtsm("score", "--quick", "-o", tmp_path / "s", "--variant", text)
    assert (code in (1, 2), stdout) == (True, "")
    assert "Traceback" not in stderr


def test_files_that_are_no_text(sentence, tmp_path):
    for name in ("results.json", "model.safetensors", "config.json", "README.md", "SHA256SUMS"):
        (tmp_path / name).write_bytes(b"\xff\xfe  x\n")
    sentence("score", "--page", tmp_path)
    sentence("bench", "--compare", tmp_path / "results.json")
    sentence("publish", "a/b", "--folder", tmp_path)


def test_a_file_in_the_cache_of_a_hub_that_is_no_text(lgtsm, model, tmp_path, monkeypatch):
    commit = "0" * 40
    path = tmp_path / "hub" / "models--a--b" / "snapshots" / commit / "model.safetensors"
    path.parent.mkdir(parents=True)
    shutil.copy(model, path)
    (path.parents[2] / "refs").mkdir()
    (path.parents[2] / "refs" / "main").write_bytes(b"\xff\xfe")
    monkeypatch.setattr("lgtsm.weights.hub._cache", lambda: tmp_path / "hub")
    code, stdout, stderr = lgtsm("models")
    assert (code, stderr) == (0, "")
    assert f"a/b@{commit}" in stdout


@pytest.mark.parametrize("box", ["1,2,3," + "9" * 5000, "1,2,3,4@1-" + "9" * 5000])
def test_a_box_of_many_digits(sentence, make_film, tmp_path, box):
    sentence("inpaint", make_film(), "--box", box, "-o", tmp_path / "o.mp4")


def test_an_unexpected_error_is_one_sentence_with_a_code_of_its_own(lgtsm, monkeypatch, tmp_path):
    def broken(*_):
        raise ZeroDivisionError("some\nlines")

    monkeypatch.setattr(info, "run", broken)
    code, stdout, stderr = lgtsm("info", tmp_path)
    assert (code, stdout) == (UNEXPECTED, "")
    assert stderr.count("\n") == 1
    assert "ZeroDivisionError" in stderr
    assert "--debug" in stderr
    for words in (["--debug", "info", tmp_path], ["info", tmp_path, "--debug"]):
        code, _, stderr = lgtsm(*words)
        assert code == UNEXPECTED
        assert "Traceback (most recent call last)" in stderr


def test_a_full_disk_is_an_error_of_files(lgtsm, monkeypatch, tmp_path):
    def full(*_):
        raise OSError(28, "No space left on device", str(tmp_path / "x"))

    monkeypatch.setattr(info, "run", full)
    code, _, stderr = lgtsm("info", tmp_path)
    assert code == 1
    assert stderr == f"lgtsm: Expected to use {tmp_path / 'x'}, got: No space left on device.\n"


def test_the_trace_of_an_expected_error_is_shown_on_request(lgtsm, tmp_path):
    code, _, stderr = lgtsm("info", tmp_path / "none.mp4", "--debug")
    assert code == 1
    assert VideoError.__name__ in stderr
    assert "Traceback" in stderr
