from __future__ import annotations

import math

import pytest
import torch

from lgtsm.metrics.fidelity import hole_psnr


def test_hole_psnr_counts_the_hole_alone():
    truth, holes = torch.zeros(2, 3, 4, 4), torch.zeros(2, 1, 4, 4)
    holes[:, :, 1:3, 1:3] = 1
    assert hole_psnr(truth, truth, holes) == math.inf
    wrong = torch.full_like(truth, 0.1)
    assert hole_psnr(wrong, truth, holes) == pytest.approx(20, abs=1e-4)
    assert hole_psnr(torch.where(holes > 0, truth, wrong), truth, holes) == math.inf


def test_demo_writes_a_film_and_a_sheet(lgtsm, model, read_film, tmp_path, leftovers):
    out = tmp_path / "demo"
    code, stdout, stderr = lgtsm(
        "demo", "--frames", 6, "--size", "96x64", "--camera", "planar", "--seed", 3,
        "--model", model, "-o", out, "--quiet",
    )  # fmt: skip
    assert code == 0, stderr
    assert sorted(p.name for p in out.iterdir()) == ["demo.mp4", "demo.png"]
    film = read_film(out / "demo.mp4")
    assert len(film) == 6
    assert film.shape[2] >= 3 * 96
    assert str(out / "demo.mp4") in stdout
    assert stdout.count(" dB") == 2
    assert leftovers() == []


def test_demo_into_a_file_is_refused(lgtsm, model, tmp_path):
    (tmp_path / "taken").touch()
    code, _, stderr = lgtsm("demo", "--model", model, "-o", tmp_path / "taken")
    assert code == 1
    assert stderr.startswith("lgtsm: Expected a folder")
