from __future__ import annotations

import os
import pickle
import shutil

import pytest


@pytest.fixture
def refused(lgtsm, leftovers):
    """refused(*arguments, says=...) checks exit code 1, one sentence, and that nothing is left."""

    def check(*arguments, says):
        code, stdout, stderr = lgtsm(*arguments)
        assert (code, stdout) == (1, "")
        lines = stderr.splitlines()
        assert len(lines) == 1, stderr
        assert lines[0].startswith("lgtsm: Expected ")
        assert lines[0].endswith(".")
        assert says in lines[0]
        assert leftovers() == []

    return check


def _job(film, mask, out, *extra):
    return ["inpaint", film, "--mask", mask, "-o", out, "--mode", "copy", *extra]


def test_missing_film(refused, make_mask, tmp_path):
    refused(*_job(tmp_path / "no.mp4", make_mask(), tmp_path / "o.mp4"), says="no.mp4")


def test_missing_mask(refused, make_film, tmp_path):
    refused(*_job(make_film(), tmp_path / "no.png", tmp_path / "o.mp4"), says="no.png")


def test_mask_of_another_size(refused, make_film, make_mask, tmp_path):
    mask = make_mask(size=(40, 64))
    refused(*_job(make_film(), mask, tmp_path / "o.mp4"), says="64x48")
    refused(*_job(make_film(), mask, tmp_path / "o.mp4"), says="--fit-mask")


def test_mask_of_another_length(refused, make_film, make_mask, tmp_path):
    mask = make_mask("masks", num=7)
    refused(*_job(make_film(), mask, tmp_path / "o.mp4"), says="got 7")
    refused(*_job(make_film(), mask, tmp_path / "o.mp4"), says="--length hold")


@pytest.mark.slow
def test_a_short_mask_may_be_held(lgtsm, make_film, make_mask, tmp_path):
    mask = make_mask("masks", num=7)
    code, _, stderr = lgtsm(*_job(make_film(), mask, tmp_path / "o.mp4", "--length", "hold"))
    assert code == 0, stderr


def test_missing_output_folder(refused, make_film, make_mask, tmp_path):
    refused(*_job(make_film(), make_mask(), tmp_path / "no" / "o.mp4"), says="existing folder")
    assert not (tmp_path / "no").exists()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="rights do not bind root")
def test_output_folder_without_rights(refused, make_film, make_mask, tmp_path):
    film, mask, shut = make_film(), make_mask(), tmp_path / "shut"
    shut.mkdir(mode=0o500)
    refused(*_job(film, mask, shut / "o.mp4"), says="rights")


def test_output_below_a_file(refused, make_film, make_mask, tmp_path):
    film = make_film()
    refused(*_job(film, make_mask(), film / "o.mp4"), says="existing folder")


def test_unknown_suffix(refused, make_film, make_mask, tmp_path):
    refused(*_job(make_film(), make_mask(), tmp_path / "o.xyz"), says="o.xyz")


def test_lossless_needs_matroska(refused, make_film, make_mask, tmp_path):
    refused(*_job(make_film(), make_mask(), tmp_path / "o.mp4", "--lossless"), says=".mkv")


def test_target_equals_source(refused, make_film, make_mask):
    film = make_film()
    before = film.read_bytes()
    refused(*_job(film, make_mask(), film), says="twice")
    assert film.read_bytes() == before


def test_outputs_do_not_replace_masks_or_each_other(refused, make_film, make_mask, tmp_path):
    film, mask = make_film(), make_mask("mask.mkv.d", num=12)
    refused(*_job(film, mask, tmp_path / "o.mp4", "--mask-used", mask), says="twice")
    out = tmp_path / "o.mov"
    refused(*_job(film, mask, out, "--fill-layer", out), says="twice")


def test_empty_file(refused, make_mask, tmp_path):
    film = tmp_path / "empty.mp4"
    film.touch()
    refused(*_job(film, make_mask(), tmp_path / "o.mp4"), says="empty")


def test_film_without_frames(refused, make_film, make_mask, tmp_path):
    film = make_film(num=0)
    refused(*_job(film, make_mask(), tmp_path / "o.mp4"), says=film.name)


def test_range_behind_the_end(refused, make_film, make_mask, tmp_path):
    refused(*_job(make_film(), make_mask(), tmp_path / "o.mp4", "--start", 50), says="50")


def test_option_out_of_range(refused, make_film, make_mask, tmp_path):
    job = _job(make_film(), make_mask(), tmp_path / "o.mp4")
    refused(*job, "--feather", 99, says="feather")
    refused(*job, "--device", "abacus", says="abacus")
    refused(*job, "--report", tmp_path / "no" / "r.json", says="report")


def test_a_report_or_output_never_replaces_a_file_of_the_job(
    refused, make_film, make_mask, tmp_path
):
    film, mask, plate = make_film(), make_mask(), tmp_path / "plate.png"
    plate.write_bytes(mask.read_bytes())
    (tmp_path / "frames").mkdir()
    inside = tmp_path / "frames" / "plate.png"
    inside.write_bytes(mask.read_bytes())
    kept = {path: path.read_bytes() for path in (film, mask, plate, inside)}
    job = _job(film, mask, tmp_path / "o.mp4", "--plate", plate)
    for report in (film, mask, plate, tmp_path / "o.mp4"):
        refused(*job, "--report", report, says="twice")
    refused(*job, "--report", tmp_path, says="report")
    refused(*job, "--fill-layer", plate, says="twice")
    refused(*_job(film, mask, tmp_path / "frames", "--plate", inside), says="outside the folder")
    assert {path: path.read_bytes() for path in kept} == kept
    assert not (tmp_path / "o.mp4").exists()


def test_bad_box(refused, make_film, tmp_path):
    refused("inpaint", make_film(), "--box", "1,2,3", "-o", tmp_path / "o.mp4", says="'1,2,3'")
    refused(
        "inpaint", make_film(), "--box", "99,0,5,5", "-o", tmp_path / "o.mp4", says="inside 64x48"
    )


def test_unknown_model(refused, make_film, make_mask, tmp_path):
    job = ["inpaint", make_film(), "--mask", make_mask(), "-o", tmp_path / "o.mp4"]
    refused(*job, "--model", "no-such", says="no-such")


def test_pickle_as_model(refused, make_film, make_mask, tmp_path):
    trap = tmp_path / "model.pth"
    trap.write_bytes(pickle.dumps({"weights": 1}))
    job = ["inpaint", make_film(), "--mask", make_mask(), "-o", tmp_path / "o.mp4"]
    refused(*job, "--model", trap, says="pickle")
    refused("models", trap, says="pickle")


def test_journal_of_another_job(refused, lgtsm, make_film, make_mask, tmp_path):
    job = _job(make_film(), make_mask(), tmp_path / "o.mp4")
    journal = tmp_path / "o.mp4.lgtsm-partial"
    journal.mkdir()
    (journal / "job.json").write_text("{}", encoding="utf-8")
    code, _, stderr = lgtsm(*job, "--resume")
    assert code == 1
    assert "same job" in stderr
    assert journal.is_dir()
    shutil.rmtree(journal)


def test_a_bad_target_keeps_an_older_journal(lgtsm, make_film, make_mask, tmp_path):
    journal = tmp_path / "o.xyz.lgtsm-partial"
    journal.mkdir()
    (journal / "job.json").write_text("{}", encoding="utf-8")
    assert lgtsm(*_job(make_film(), make_mask(), tmp_path / "o.xyz"))[0] == 1
    assert journal.is_dir()


def test_info_of_a_missing_file(refused, tmp_path):
    refused("info", tmp_path / "no.mp4", says="no.mp4")


def test_masks_out_of_range(refused, tmp_path):
    refused("masks", "draw", "--kind", "logo", "--coverage", 0.9, "-o", tmp_path / "m", says="logo")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nonsense"],
        ["inpaint", "a.mp4"],
        ["inpaint", "a.mp4", "--mask", "m.png"],
        ["inpaint", "a.mp4", "--mask", "m.png", "--box", "1,1,2,2", "-o", "o.mp4"],
        ["inpaint", "a.mp4", "--mask", "m.png", "-o", "o.mp4", "--mode", "magic"],
        ["inpaint", "a.mp4", "--mask", "m.png", "-o", "o.mp4", "--cuts", "a,b"],
        ["masks", "draw", "-o", "m", "--size", "0x4"],
        ["masks", "draw", "-o", "m", "--coverage", "0.1"],
    ],
    ids=" ".join,
)
def test_wrong_usage_ends_with_two(lgtsm, arguments):
    code, _, stderr = lgtsm(*arguments)
    assert code == 2
    assert "usage:" in stderr


def test_a_missing_output_is_said_clearly(lgtsm):
    assert "add -o OUT" in lgtsm("inpaint", "a.mp4", "--mask", "m.png")[2]


def test_synthesisers_that_cannot_serve(refused, make_film, make_mask, tmp_path):
    pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    from tests.synthesis.onnx_files import save_model

    film, mask, out = make_film(), make_mask(), tmp_path / "o.mp4"
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(b"\x80\x04")
    odd = save_model(tmp_path / "odd.onnx", fault="size")
    for file, says in (("no.onnx", "no.onnx"), (damaged, "whole ONNX"), (odd, "of the size")):
        refused(*_job(film, mask, out, "--synthesiser", file), says=says)
        refused(*_job(film, mask, out, "--synthesiser", file, "--dry-run"), says=says)
    refused(*_job(film, mask, out, "--synthesiser", odd, "--unseen", "network"), says="network")
