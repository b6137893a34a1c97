"""`lgtsm score`: the quick run, what it leaves behind, and every input it refuses."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from lgtsm.cli import score as score_command

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def make_clip(tmp_path):
    """make_clip(name, num=4, masks=4, size=(36, 48)) -> the data folder with a clip in it."""

    def make(name, num=4, masks=4, size=(36, 48)):
        folder = tmp_path / "data" / name
        folder.mkdir(parents=True)
        seed = sum(name.encode())
        texture = np.random.default_rng(seed).integers(0, 255, (9, 12 + num, 3), np.uint8)
        for t in range(num):
            picture = Image.fromarray(texture[:, t : t + 12]).resize(size[::-1], Image.BICUBIC)
            picture.save(folder / f"{t:05d}.png")
        if masks:
            (folder / "masks").mkdir()
        for t in range(masks):
            mask = np.zeros(size, np.uint8)
            mask[10:20, 8 + 2 * t : 20 + 2 * t] = 255
            Image.fromarray(mask).save(folder / "masks" / f"{t:05d}.png")
        return tmp_path / "data"

    return make


@pytest.fixture
def score(lgtsm, model, tmp_path):
    """score(*options) -> (exit code, stdout, stderr) with a tiny network and no processes."""

    def run(*options, out="out", extra=("--methods", "mean,smooth,nearest")):
        common = ("--model", model, "--workers", 1, "--quiet", "-o", tmp_path / out)
        return lgtsm("score", *common, *extra, *options)

    return run


@pytest.mark.slow
def test_quick_needs_no_file_and_writes_everything(score, tmp_path):
    code, out, err = score("--quick", "--frames", 4, extra=())
    assert code == 0, err
    folder = tmp_path / "out"
    results = json.loads((folder / "results.json").read_text())
    assert results["protocol"]["name"] == "scene"
    assert {c["clip"] for c in results["cases"]} == {"locked", "planar", "parallax"}
    assert all(len(c["frames_sha256"]) == 64 for c in results["cases"])
    truth = [row for row in results["scores"] if row["method"] == "truth"]
    assert [row["psnr"] for row in truth] == ["inf"] * 3
    ours = [row for row in results["scores"] if row["method"] == "lgtsm"]
    assert all(row["psnr"] > 10 for row in ours)
    for column in ("oracle", "| truth | inf |", "Worst cases of lgtsm", "lgtsm - smooth"):
        assert column in out
    assert (folder / "tables.md").read_text() in out
    summary = json.loads((folder / "summary.json").read_text())
    best = next(d for d in summary["own"]["differences"] if d["other"] == "oracle")
    assert set(best["by_clip"]) == {"locked", "planar", "parallax"}
    pictures = {p.name for p in (folder / "pictures").iterdir()}
    assert {"index.md", "planar.own.mp4", "planar.own.jpg"} <= pictures
    assert str(tmp_path) not in (folder / "results.json").read_text()


@pytest.mark.slow
def test_a_second_run_takes_the_cells_of_the_first(score, tmp_path, make_clip):
    data = make_clip("a")
    options = ("--data", data, "--protocol", "folder", "--no-pictures")
    assert score(*options)[0] == 0
    cells = sorted((tmp_path / "out" / "cells").rglob("*.json"))
    assert len(cells) == 2 * 5
    times = {p: p.stat().st_mtime_ns for p in cells}
    first = (tmp_path / "out" / "results.json").read_text()
    cells[0].write_text("damaged")
    assert score(*options)[0] == 0
    again = {p: p.stat().st_mtime_ns for p in cells}
    assert [p for p in cells if times[p] != again[p]] == [cells[0]]
    before, after = (
        json.loads(x)["scores"] for x in (first, (tmp_path / "out" / "results.json").read_text())
    )
    keep = [{k: v for k, v in row.items() if k != "seconds_per_frame"} for row in before]
    assert keep == [{k: v for k, v in row.items() if k != "seconds_per_frame"} for row in after]


@pytest.mark.slow
def test_another_option_or_mask_runs_only_what_depends_on_it(score, tmp_path, make_clip):
    options = ("--data", make_clip("a"), "--protocol", "folder", "--no-pictures")
    assert score(*options)[0] == 0
    cells = sorted((tmp_path / "out" / "cells").rglob("*.json"))
    times = {p: p.stat().st_mtime_ns for p in cells}
    assert score(*options, "--reach", 3)[0] == 0
    changed = {p.stem for p in cells if times[p] != p.stat().st_mtime_ns}
    assert changed == {"lgtsm"}


def test_own_options_reach_the_product_and_variants_are_rows(score, make_clip, tmp_path):
    data = make_clip("a")
    code, out, err = score(
        *("--data", data, "--protocol", "folder", "--mode", "copy", "--no-pictures"),
        *("--variant", "few=--mode copy --source-frames 1"),
    )
    assert code == 0, err
    methods = json.loads((tmp_path / "out" / "results.json").read_text())["methods"]
    assert methods["lgtsm"]["options"]["mode"] == "copy"
    assert methods["few"]["options"]["source_frames"] == 1
    assert methods["lgtsm"]["options"]["feather"] == 0
    assert "| **few** |" in out


@pytest.mark.slow
def test_moving_holes_come_from_another_clip_and_report_the_background_apart(
    score, make_clip, tmp_path
):
    make_clip("a")
    data = make_clip("b", masks=0)
    fast = ("--frames", 2, "--methods", "mean", "--mode", "copy")
    code, out, err = score("--data", data, "--no-pictures", *fast)
    assert code == 0, err
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert {(c["clip"], c["holes"]) for c in results["cases"]} >= {("b", "object"), ("a", "blob")}
    # a is the only annotated clip, so nobody lends it an object: said, not dropped in silence
    assert [(e["clip"], e["holes"]) for e in results["excluded"]] == [("a", "object")]
    assert "### Excluded" in out
    assert "no annotated object that fits" in out


def test_removal_without_truth_has_temporal_figures_only(score, make_clip, tmp_path):
    code, out, err = score("--data", make_clip("a"), "--protocol", "removal", "--no-pictures")
    assert code == 0, err
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    row = next(r for r in results["scores"] if r["method"] == "lgtsm")
    assert "psnr" not in row
    assert row["flicker"] > 0
    assert row["residual"] is not None
    assert "truth: no truth" in out


def test_removal_with_a_plate_is_compared_with_it(score, make_clip, tmp_path):
    data = make_clip("a")
    first = Image.open(data / "a" / "00000.png")
    Image.eval(first, lambda v: min(255, v + 9)).save(data / "a" / "plate.png")
    code, out, err = score("--data", data, "--protocol", "removal", "--no-pictures")
    assert code == 0, err
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["cases"][0]["floor_mse"] > 0
    assert "PSNR of known pixels against the relit plate, the best a fill can reach: a " in out
    assert results["cases"][0]["frames"] == 4
    assert next(r for r in results["scores"] if r["method"] == "lgtsm")["psnr"] > 5


@pytest.mark.slow
def test_frames_of_another_tool_are_a_row(score, make_clip, tmp_path):
    data = make_clip("a")
    options = ("--data", data, "--protocol", "folder")
    code, out, err = score(*options, "--export", tmp_path / "inputs")
    assert (code, out) == (0, f"2 cases written to {tmp_path / 'inputs'}\n"), err
    theirs = tmp_path / "theirs"
    for case in ("a.blob", "a.squares"):
        (theirs / case).mkdir(parents=True)
        for path in sorted((tmp_path / "inputs" / case / "frames").iterdir()):
            mask = np.array(Image.open(path.parents[1] / "masks" / path.name))
            picture = np.array(Image.open(path))
            assert (picture[mask > 0] == 0).all()
            assert set(np.unique(mask)) == {0, 255}
            (Image.open(data / "a" / path.name)).save(theirs / case / path.name)
    code, out, err = score(*options, "--theirs", f"other={theirs}", "--no-pictures")
    assert code == 0, err
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    other = [row["psnr"] for row in results["scores"] if row["method"] == "other"]
    assert other == ["inf", "inf"]  # the clean frames: reported, not dropped
    assert "| other | inf |" in out


@pytest.mark.parametrize("damage", ["length", "size", "missing"])
def test_frames_of_another_tool_that_do_not_fit_are_refused(score, make_clip, tmp_path, damage):
    data, theirs = make_clip("a"), tmp_path / "theirs"
    size = (40, 36) if damage == "size" else (48, 36)
    for case in ("a.blob", "a.squares") if damage != "missing" else ():
        (theirs / case).mkdir(parents=True)
        for t in range(3 if damage == "length" else 4):
            Image.new("RGB", size).save(theirs / case / f"{t}.png")
    theirs.mkdir(exist_ok=True)
    code, out, err = score(
        "--data", data, "--protocol", "folder", "--theirs", f"other={theirs}", "--no-pictures"
    )
    assert (code, out) == (1, "")
    assert err.startswith("lgtsm: Expected ")
    assert "other" in err
    assert err.count("\n") == 1


def test_unmatched_masks_are_refused_and_one_frame_is_an_exclusion(score, make_clip, tmp_path):
    data = make_clip("a", num=4, masks=3)
    code, _, err = score("--data", data, "--protocol", "removal", "--no-pictures")
    assert code == 1
    assert "4 masks" in err
    data = make_clip("more", num=4, masks=6)
    code, _, err = score("--data", data / "more", "--protocol", "removal", "--no-pictures")
    assert code == 1
    assert "more" in err
    code, out, err = score("--data", data, "--protocol", "folder", "--frames", 1, "--no-pictures")
    assert code == 1, out
    assert "too short" in err


@pytest.mark.parametrize(
    "options",
    [
        ("--protocol", "moving"),
        ("--protocol", "moving", "--data", "no/such/folder"),
        ("--protocol", "fvi", "--data", "."),
        ("--quick", "--methods", "telepathy"),
        ("--quick", "--theirs", "name"),
        ("--quick", "--theirs", "name=no/such/folder"),
        ("--quick", "--variant", "smooth=--mode copy"),
        ("--quick", "--variant", "oracle=--mode copy"),
        ("--quick", "--frames", -1),
        ("--quick", "--clips", 0),
        ("--quick", "--workers", 0),
        ("--quick", "--perceptual", "no/such/file"),
    ],
)
def test_what_cannot_be_run_is_one_sentence(lgtsm, tmp_path, monkeypatch, options):
    monkeypatch.chdir(tmp_path)
    code, out, err = lgtsm("score", *options, "--quiet")
    assert (code, out) == (1, "")
    assert err.startswith("lgtsm: Expected ")
    assert err.count("\n") == 1


def test_an_empty_folder_and_a_file_as_output_are_refused(score, make_clip, tmp_path):
    (tmp_path / "empty").mkdir()
    code, _, err = score("--data", tmp_path / "empty")
    assert code == 1
    assert "found none" in err
    (tmp_path / "file").write_text("")
    code, _, err = score("--data", make_clip("a"), "--protocol", "folder", out="file")
    assert code == 1
    assert "Expected a folder" in err


@pytest.mark.slow
def test_without_the_extra_it_runs_and_says_what_is_missing(tmp_path):
    code = (
        "import sys\n"
        "for name in ('cv2', 'matplotlib'): sys.modules[name] = None\n"
        "from lgtsm.cli.main import main\n"
        "sys.exit(main(['score', '--quick', '--frames', '2', '--mode', 'copy', '--clips', '1',\n"
        f"    '--methods', 'mean,telea', '--workers', '1', '-o', {str(tmp_path / 'out')!r}]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert "telea: needs OpenCV, pip install opencv-python-headless: all clips" in done.stdout
    assert "warping" not in done.stdout.split("###")[1]


@pytest.mark.slow
def test_processes_give_what_one_process_gives(score, make_clip, tmp_path):
    make_clip("a")
    options = ("--data", make_clip("b"), "--protocol", "folder", "--no-pictures")
    assert score(*options, out="one")[0] == 0
    assert score(*options, "--workers", 2, out="two")[0] == 0
    one, two = (json.loads((tmp_path / n / "results.json").read_text()) for n in ("one", "two"))
    assert one["cases"] == two["cases"]
    for a, b in zip(one["scores"], two["scores"], strict=True):
        assert a | {"seconds_per_frame": 0} == b | {"seconds_per_frame": 0}


def test_a_variant_may_name_a_path_of_windows():
    name, _, network = score_command._variant(r"""mine=--mode fill --model 'C:\my nets\net'""")
    assert (name, network) == ("mine", r"C:\my nets\net")


@pytest.mark.parametrize("protocol", ["tracking", "shadow", "text"])
def test_a_folder_that_cannot_be_made_is_told_before_anything_is_measured(
    protocol, lgtsm, tmp_path
):
    (tmp_path / "file").write_text("")
    code, out, err = lgtsm("score", "--protocol", protocol, "-o", tmp_path / "file", "--quiet")
    assert (code, out) == (1, "")
    assert err.startswith("lgtsm: Expected to write the results to")
    assert err.count("\n") == 1
