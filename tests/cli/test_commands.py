"""The smaller commands: masks, info, models, bench."""

from __future__ import annotations

import json

import pytest

from lgtsm.cli.arguments import parse_size
from lgtsm.cli.models import count_parameters
from lgtsm.cli.terminal import align_tables, format_bytes, format_seconds
from lgtsm.evaluate.bench import cases


def test_masks_of_a_kind_into_a_folder(lgtsm, read_film, tmp_path):
    out = tmp_path / "masks"
    code, stdout, stderr = lgtsm(
        "masks", "draw", "--kind", "box", "--coverage", 0.2, "--speed", 0, "--size", "64x48",
        "--frames", 3, "-o", out,
    )  # fmt: skip
    assert code == 0, stderr
    assert [p.name for p in sorted(out.iterdir())] == ["000000.png", "000001.png", "000002.png"]
    mask = read_film(out / "000000.png")[0, ..., 0]
    assert mask.shape == (48, 64)
    assert set(mask.flat) == {0, 255}
    assert mask.mean() / 255 == pytest.approx(0.2, rel=0.1)
    assert "3 masks" in stdout


def test_published_strokes_into_a_file_repeat_with_the_seed(lgtsm, read_film, tmp_path):
    clips = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        out = tmp_path / f"{name}.mkv"
        arguments = ["--preset", "object_like", "--size", "96x64", "--frames", 4, "--seed", seed]
        assert lgtsm("masks", "draw", *arguments, "-o", out)[0] == 0
        clips.append(read_film(out))
    assert clips[0].shape == (4, 64, 96, 3)
    assert (clips[0] == clips[1]).all()
    assert (clips[0] != clips[2]).any()


def test_masks_into_a_film_that_players_show(lgtsm, read_film, tmp_path):
    out = tmp_path / "m.mp4"
    code, _, stderr = lgtsm(
        "masks", "draw", "--kind", "box", "--size", "64x48", "--frames", 5, "-o", out
    )
    assert code == 0, stderr
    masks = read_film(out)
    assert masks.shape == (5, 48, 64, 3)
    assert (masks > 250).any()


@pytest.mark.slow
def test_drawn_masks_serve_inpaint(lgtsm, make_film, tmp_path):
    masks = tmp_path / "m.mkv"
    arguments = ["--kind", "logo", "--size", "64x48", "--frames", 12]
    assert lgtsm("masks", "draw", *arguments, "-o", masks)[0] == 0
    code, _, stderr = lgtsm(
        "inpaint", make_film(), "--mask", masks, "-o", tmp_path / "o.mp4", "--mode", "copy"
    )
    assert code == 0, stderr


def test_info_as_table_and_json(lgtsm, make_film):
    film = make_film()
    code, table, _ = lgtsm("info", film)
    assert code == 0
    for word in ("num frames", "12", "has audio", "yes", "h264", "yuv420p"):
        assert word in table
    code, text, _ = lgtsm("info", film, "--json")
    assert code == 0
    values = json.loads(text)
    assert (values["width"], values["height"], values["num_frames"]) == (64, 48, 12)
    assert values["rate"] == {"exact": "24", "value": 24.0}


def test_models_lists_the_default(lgtsm):
    code, stdout, _ = lgtsm("models")
    assert code == 0
    assert "refine-small (default)" in stdout
    assert stdout.splitlines()[0].split() == [
        "name", "family", "parameters", "size", "licence", "sha256", "file",
    ]  # fmt: skip


def test_models_describes_one_file(lgtsm, model, tiny_network):
    count = sum(value.numel() for value in tiny_network.state_dict().values())
    assert count_parameters(model) == count
    code, stdout, _ = lgtsm("models", model)
    assert code == 0
    for word in ("refine", f"{count:,}", "Apache-2.0", "none passed"):
        assert word in stdout


def test_models_tells_provenance_in_words(lgtsm):
    code, stdout, _ = lgtsm("models", "refine-small")
    assert code == 0
    assert not set("{}[]") & set(stdout)
    lines = stdout.splitlines()
    first = next(i for i, line in enumerate(lines) if "training licences" in line)
    assert "671 in 36 kinds" in lines[first]
    assert lines[first + 1].split(maxsplit=1) == ["174", "MIT (LICENSE)"]
    assert "stage stage1, step 4000" in stdout


@pytest.mark.slow
def test_bench_prints_a_table_and_writes_json(lgtsm, tmp_path, monkeypatch):
    small = cases.BenchCase(height=32, width=48, base_width=4, num_frames=5)
    monkeypatch.setattr(cases, "PRESETS", {"quick": (small,)})
    code, stdout, stderr = lgtsm(
        "bench", "--device", "cpu", "--json", tmp_path / "b.json", "--quiet"
    )
    assert code == 0, stderr
    assert "fps" in stdout
    assert json.loads((tmp_path / "b.json").read_text(encoding="utf-8"))["cases"]


def test_sizes_and_figures_in_words():
    assert parse_size("640x360") == (360, 640)
    assert [format_bytes(n) for n in (900, 1_500_000, 12_000_000_000)] == [
        "900 B",
        "1.5 MB",
        "12 GB",
    ]
    assert [format_seconds(s) for s in (2.34, 90, 7500)] == ["2.3 s", "1 min 30 s", "2 h 05 min"]


def test_tables_are_aligned_for_the_eye():
    text = "# A\n\n| a | long name |\n|---|---|\n| 1.25 | x |\n\nlast"
    assert align_tables(text).splitlines() == [
        "# A",
        "",
        "| a    | long name |",
        "|------|-----------|",
        "| 1.25 | x         |",
        "",
        "last",
    ]
