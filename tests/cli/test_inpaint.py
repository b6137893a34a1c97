from __future__ import annotations

import json
import sys

import av
import numpy as np
import pytest
import torch
from PIL import Image

from lgtsm.cli import tasks as tasks_module
from lgtsm.errors import OptionError
from lgtsm.masks.overlay import compare
from lgtsm.options import CompareAs
from lgtsm.video.read import read_frames


def _sound_packets(path):
    with av.open(str(path)) as container:
        return [bytes(p) for p in container.demux(audio=0) if p.size]


@pytest.mark.slow
def test_one_file_is_filled_with_sound_and_report(
    lgtsm, make_film, make_mask, model, read_film, tmp_path, leftovers
):
    film, mask, out = make_film(), make_mask(), tmp_path / "out.mkv"
    code, stdout, stderr = lgtsm(
        "inpaint", film, "--mask", mask, "-o", out, "--model", model, "--lossless",
        "--report", "-", "--fill-layer", tmp_path / "fill.mov", "--mask-used", tmp_path / "used",
    )  # fmt: skip
    assert code == 0, stderr
    # grey: players spread coarse chroma over a hole's edge, brightness shows what was written
    before, after = read_film(film, "gray"), read_film(out, "gray")
    assert after.shape == before.shape
    hole = read_film(tmp_path / "used" / "000000.png")[0, :, :, 0] > 0
    assert np.array_equal(after[:, ~hole], before[:, ~hole])
    assert (after[:, hole] != before[:, hole]).any()
    assert _sound_packets(out) == _sound_packets(film)
    report = json.loads(stdout)
    assert (report["frames"], report["source"], report["model"]) == (12, str(film), model.name)
    assert len(read_film(tmp_path / "fill.mov")) == 12
    assert "12 frames in" in stderr
    assert "frames/s" in stderr or "s/frame" in stderr  # of a busy machine
    assert leftovers() == []


@pytest.mark.slow
def test_grow_is_four_pixels(lgtsm, make_film, make_mask, read_film, tmp_path):
    areas = {}
    for grow in (None, 0, 4):
        used = tmp_path / f"used{grow}"
        extra = [] if grow is None else ["--grow", grow]
        code, _, stderr = lgtsm(
            "inpaint", make_film(), "--mask", make_mask(), "-o", tmp_path / "out.mp4",
            "--mode", "copy", "--quiet", "--mask-used", used, *extra,
        )  # fmt: skip
        assert (code, stderr) == (0, "")
        areas[grow] = int((read_film(used / "000003.png") > 0).sum())
    assert areas[None] == areas[4] > areas[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("size", "extra"), [((24, 32), ()), ((49, 65), ()), ((40, 64), ("--fit-mask",))]
)
def test_a_mask_of_another_size_is_stretched_with_a_note(
    size, extra, lgtsm, make_film, make_mask, read_film, tmp_path
):
    used, report = tmp_path / "used", tmp_path / "r.json"
    code, _, stderr = lgtsm(
        "inpaint", make_film(), "--mask", make_mask(size=size), "-o", tmp_path / "o.mp4",
        "--mode", "copy", "--grow", 0, "--mask-used", used, "--report", report, *extra,
    )  # fmt: skip
    assert code == 0, stderr
    note = f"the mask of {size[1]}x{size[0]} is stretched to the 64x48 of the frames"
    assert stderr.count(note) == 1
    assert json.loads(report.read_text(encoding="utf-8"))["notes"] == [note]
    drawn = read_film(used / "000000.png")[0, ..., 0] > 0
    assert drawn[17:23, 17:31].all()
    assert drawn.mean() < 0.1
    rehearsal = lgtsm(
        "inpaint",
        make_film(),
        "--mask",
        make_mask(size=size),
        "--mode",
        "copy",
        "--dry-run",
        *extra,
    )
    assert rehearsal[0] == 0, rehearsal[2]
    assert note in rehearsal[2]


@pytest.mark.parametrize("extra", [(), ("--dry-run",)])
def test_an_unusual_mask_is_spoken_of_once_at_the_beginning(
    extra, lgtsm, make_film, tmp_path, monkeypatch
):
    values = np.ones((48, 64), np.uint8)
    values[:4] = 0
    Image.fromarray(values).save(tmp_path / "m.png")

    def stop(*_):
        raise OptionError("the work begins")

    monkeypatch.setattr("lgtsm.engine.run.Job.run", stop)
    monkeypatch.setattr("lgtsm.engine.trial.try_out", stop)
    _, _, stderr = lgtsm(
        "inpaint", make_film(), "--mask", tmp_path / "m.png", "-o", tmp_path / "o.mp4",
        "--mode", "copy", *extra,
    )  # fmt: skip
    labels, inverted, work = stderr.splitlines()
    assert "every value above 0 is masked" in labels
    assert "covers 92% of the picture: is it inverted?" in inverted
    assert "the work begins" in work


def test_boxes_range_and_report_file(lgtsm, make_film, read_film, tmp_path):
    film, out, used = make_film(), tmp_path / "out.mp4", tmp_path / "used.mkv"
    code, _, stderr = lgtsm(
        "inpaint", film, "--box", "8,8,16,10", "--box", "40,20,8,8@6-9", "-o", out,
        "--mode", "copy", "--start", 4, "--end", 10, "--mask-used", used, "--grow", 0,
        "--report", tmp_path / "r.json",
    )  # fmt: skip
    assert code == 0, stderr
    assert [int((m[..., 0] > 0).sum()) for m in read_film(used)] == [160] * 2 + [224] * 3 + [160]
    report = json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))
    assert report["frames"] == len(read_film(out)) == 6


@pytest.mark.slow
def test_several_inputs_go_on_after_an_error(lgtsm, make_film, make_mask, read_film, tmp_path):
    good, other, bad = make_film("a.mp4"), make_film("b.mkv"), tmp_path / "c.mp4"
    bad.write_bytes(b"no film")
    code, stdout, stderr = lgtsm(
        "inpaint", bad, good, other, "--mask", make_mask(), "-o", tmp_path / "new" / "out",
        "--mode", "copy", "--report", "-",
    )  # fmt: skip
    assert code == 1
    assert [len(read_film(tmp_path / "new" / "out" / n)) for n in ("a.mp4", "b.mkv")] == [12, 12]
    assert f"lgtsm: {bad}: Expected" in stderr
    assert stderr.rstrip().endswith(f"lgtsm: 1 of 3 failed: {bad}")
    entries = json.loads(stdout)
    assert ["error" in entry for entry in entries] == [True, False, False]


def test_a_folder_of_films_stands_for_its_films(lgtsm, make_film, make_mask, read_film, tmp_path):
    (tmp_path / "films").mkdir()
    for name in ("b2.mp4", "b10.mkv"):
        make_film(name, num=3).rename(tmp_path / "films" / name)
    (tmp_path / "films" / "notes.txt").touch()
    out = tmp_path / "clean"
    words = ["--mask", make_mask(), "-o", out, "--mode", "copy", "--motion", "none"]
    code, _, stderr = lgtsm("inpaint", tmp_path / "films", *words)
    assert code == 0, stderr
    assert [line.split(": ")[0] for line in stderr.splitlines()] == [
        str(out / "b2.mp4"), str(out / "b10.mkv"),
    ]  # fmt: skip
    assert len(read_film(out / "b2.mp4")) == 3
    (tmp_path / "films" / "b10.mkv").unlink()  # one film of a folder is written into a folder, too
    assert lgtsm("inpaint", tmp_path / "films", *words[:3], tmp_path / "one", *words[4:])[0] == 0
    assert (tmp_path / "one" / "b2.mp4").is_file()


@pytest.mark.slow
def test_the_output_may_be_a_gif(lgtsm, make_film, make_mask, read_film, tmp_path):
    words = ["inpaint", make_film(), "--mask", make_mask(), "-o", tmp_path / "o.gif"]
    words += ["--mode", "copy", "--motion", "none"]
    assert lgtsm(*words, "--dry-run")[0] == 0
    code, _, stderr = lgtsm(*words)
    assert code == 0, stderr
    assert "256 colours" in stderr
    assert read_film(tmp_path / "o.gif").shape == (12, 48, 64, 3)


@pytest.mark.parametrize(
    ("extra", "size"),
    [
        ((), (48, 128)),
        pytest.param(("--compare-as", "wipe"), (48, 64), marks=pytest.mark.slow),
    ],
)
def test_before_and_after_are_written_as_a_film(
    extra, size, lgtsm, make_film, make_mask, read_film, tmp_path
):
    film, out, shown = make_film(), tmp_path / "o.mkv", tmp_path / "compare.mp4"
    code, _, stderr = lgtsm(
        "inpaint", film, "--mask", make_mask(), "-o", out, "--mode", "copy", "--motion", "none",
        "--lossless", "--start", 2, "--compare", shown, "--report", tmp_path / "r.json", *extra,
    )  # fmt: skip
    assert code == 0, stderr
    before, after, both = (read_film(path).astype(int) for path in (film, out, shown))
    assert both.shape == (10, *size, 3)
    left, right = (before[2:], after) if size[1] == 128 else (after, before[2:])
    # the line of a wipe begins in the middle
    assert np.abs(both[0, :, :20] - left[0, :, :20]).mean() < 4
    assert np.abs(both[0, :, -20:] - right[0, :, -20:]).mean() < 4
    assert str(shown) in json.loads((tmp_path / "r.json").read_text(encoding="utf-8"))["outputs"]


def test_a_comparison_shows_the_mask_that_was_filled_and_the_numbers_of_the_source(
    lgtsm, make_film, make_mask, tmp_path
):
    film, out, shown, used = make_film(), tmp_path / "o.mkv", tmp_path / "look", tmp_path / "u.mkv"
    code, _, stderr = lgtsm(
        "inpaint", film, "--mask", make_mask(), "-o", out, "--mode", "copy", "--motion", "none",
        "--lossless", "--start", 2, "--compare", shown, "--compare-as", "mask", "--mask-used", used,
    )  # fmt: skip
    assert code == 0, stderr
    before, holes, found = (
        torch.stack([frame.rgb() for frame in read_frames(path)]) for path in (film, used, shown)
    )
    before, holes = before[2:], holes[:, :1] > 0.5
    left = compare(before, before, CompareAs.MASK, holes=holes, start=2)[..., :64]
    assert torch.allclose(found[..., :64], left, atol=1 / 255)
    right = torch.where(holes, found[..., 64:], before)
    assert torch.allclose(found[..., 64:], right, atol=1 / 255)


@pytest.mark.slow
def test_resume_of_several_leaves_whole_outputs_alone(lgtsm, make_film, make_mask, tmp_path):
    films, out = [make_film("a.mp4"), make_film("b.mp4")], tmp_path / "out"
    common = ["inpaint", *films, "--mask", make_mask(), "-o", out, "--mode", "copy"]
    assert lgtsm(*common)[0] == 0
    stamp = (out / "a.mp4").stat().st_mtime_ns
    (out / "b.mp4").unlink()
    code, _, stderr = lgtsm(*common, "--resume")
    assert code == 0
    assert "skipped" in stderr
    assert (out / "a.mp4").stat().st_mtime_ns == stamp
    assert (out / "b.mp4").is_file()


def test_dry_run_writes_nothing(lgtsm, make_film, make_mask, model, tmp_path):
    film, mask = make_film(), make_mask()
    before = sorted(tmp_path.rglob("*"))
    code, stdout, stderr = lgtsm(
        "inpaint", film, "--mask", mask, "--model", model, "--dry-run",
        "-o", tmp_path / "out.mp4", "--report", tmp_path / "r.json",
    )  # fmt: skip
    assert code == 0, stderr
    assert sorted(tmp_path.rglob("*")) == before
    for word in ("12 of 64x48", "memory", "MB", "frames/s", "one mask for all frames"):
        assert word in stdout
    assert lgtsm("inpaint", film, "--mask", mask, "--mode", "copy", "--dry-run")[0] == 0


@pytest.mark.slow
def test_a_bar_shows_speed_on_a_terminal(lgtsm, make_film, make_mask, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    _, _, stderr = lgtsm(
        "inpaint", make_film(), "--mask", make_mask(), "-o", tmp_path / "o.mp4", "--mode", "copy"
    )
    assert "12/12" in stderr
    assert "frame/s" in stderr


@pytest.fixture
def plan(tmp_path):
    """plan(inputs, **arguments) -> tasks."""

    def run(*inputs, **arguments):
        given = {
            "inputs": [tmp_path / name for name in inputs],
            "mask": tmp_path / "masks",
            "box": None,
            "output": tmp_path / "out",
            "fill_layer": None,
            "mask_used": None,
            "compare": None,
            "lossless": False,
        }
        given.update(arguments)
        return tasks_module.plan_tasks(type("Arguments", (), given))

    return run


def test_a_mask_folder_serves_each_input_its_own(plan, tmp_path):
    masks = tmp_path / "masks"
    (masks / "a").mkdir(parents=True)
    (masks / "b.png").touch()
    first, second = plan("a.avi", "b.mov", fill_layer=tmp_path / "fills")
    assert (first.mask, second.mask) == (masks / "a", masks / "b.png")
    assert (first.target, second.target) == (tmp_path / "out/a.mp4", tmp_path / "out/b.mov")
    assert second.fill_layer == tmp_path / "fills" / "b.mov"
    assert plan("a.avi", "b.mov", lossless=True)[1].target.name == "b.mkv"


def test_a_mask_folder_of_other_names_is_a_clip_for_all(plan, tmp_path):
    masks = tmp_path / "masks"
    masks.mkdir()
    (masks / "0001.png").touch()
    assert [task.mask for task in plan("a.mp4", "b.mp4")] == [masks, masks]


def test_a_mask_folder_that_misses_an_input_is_refused(plan, tmp_path, one_sentence):
    (tmp_path / "masks").mkdir()
    (tmp_path / "masks" / "a.png").touch()
    with pytest.raises(OptionError, match="named b") as caught:
        plan("a.mp4", "b.mp4")
    one_sentence(caught.value)


def test_inputs_of_one_name_are_refused(plan, one_sentence):
    with pytest.raises(OptionError, match="different names") as caught:
        plan("x/a.mp4", "y/a.mov")
    one_sentence(caught.value)


@pytest.mark.slow
def test_a_model_of_the_users_synthesises(lgtsm, make_film, make_mask, tmp_path):
    pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    from tests.synthesis.onnx_files import save_model

    path = save_model(tmp_path / "mean.onnx", takes=(-1.0, 1.0), gives=(-1.0, 1.0), inverted=True)
    given = ["--synthesiser", path, "--synthesiser-range=-1..1", "--synthesiser-mask", "known"]
    film, mask = make_film(), make_mask()
    call = ["inpaint", film, "--mask", mask, "--mode", "copy", *given]
    code, stdout, stderr = lgtsm(*call, "-o", tmp_path / "o.mkv", "--report", "-")
    assert code == 0, stderr
    report = json.loads(stdout)
    assert report["synthesiser"] == "mean.onnx"
    code, stdout, stderr = lgtsm(*call, "--dry-run")
    assert code == 0, stderr
    assert "synthesised by mean.onnx" in stdout
