"""Outputs that exist already: replaced, refused, asked about, or left alone as finished."""

from __future__ import annotations

import io
import json
import os
import sys

import pytest


@pytest.fixture
def job(make_film, make_mask, tmp_path):
    """Return the words of a quick job whose output exists, and that output."""
    out = tmp_path / "out.mp4"
    out.write_bytes(b"an earlier result")
    words = ["inpaint", make_film(num=4), "--mask", make_mask(), "-o", out, "--mode", "copy"]
    return [*words, "--motion", "none"], out


@pytest.fixture
def terminal(monkeypatch):
    """terminal(answer): stdin and stderr are a terminal at which somebody types."""

    def make(answer):
        stdin = io.StringIO(answer)
        stdin.isatty = lambda: True
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)

    return make


def test_scripts_replace_and_no_overwrite_refuses_before_any_work(lgtsm, job, leftovers):
    words, out = job
    code, _, stderr = lgtsm(*words, "--no-overwrite")
    assert code == 1
    assert "Expected outputs that do not exist yet, got" in stderr
    assert out.read_bytes() == b"an earlier result"
    assert leftovers() == []
    assert lgtsm(*words)[0] == 0
    assert out.read_bytes() != b"an earlier result"


@pytest.mark.parametrize(
    ("answer", "extra", "replaced"),
    [("n\n", (), False), ("\n", (), False), ("y\n", (), True), ("", ("--overwrite",), True)],
)
def test_a_terminal_is_asked_unless_told(lgtsm, job, terminal, answer, extra, replaced):
    words, out = job
    terminal(answer)
    code, _, stderr = lgtsm(*words, *extra)
    assert (code == 0) is replaced
    assert (out.read_bytes() != b"an earlier result") is replaced
    assert ("replace it? [y/N]" in stderr) is not bool(extra)


def test_resuming_a_finished_job_does_nothing_until_its_files_change(lgtsm, job, tmp_path):
    words, out = job
    assert lgtsm(*words, "--overwrite")[0] == 0
    stamp = out.stat().st_mtime_ns
    code, _, stderr = lgtsm(*words, "--resume", "--report", tmp_path / "r.json")
    assert code == 0
    assert "complete already, skipped" in stderr
    assert out.stat().st_mtime_ns == stamp
    assert json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["skipped"] is True
    os.utime(words[3], ns=(stamp + 10**9, stamp + 10**9))  # the mask was drawn again
    assert lgtsm(*words, "--resume")[0] == 0
    assert out.stat().st_mtime_ns != stamp
