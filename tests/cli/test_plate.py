from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from lgtsm.cli.main import main
from lgtsm.plate import clean_plate


@pytest.fixture
def shot(tmp_path, rng):
    """A folder of six equal frames with a box that moves over them, its masks, and the truth."""
    truth = torch.nn.functional.interpolate(
        torch.rand(1, 3, 8, 12, generator=rng), size=(64, 96), mode="bicubic"
    )[0].clamp(0, 1)
    truth = (truth * 255).round() / 255
    for name in ("frames", "masks"):
        (tmp_path / name).mkdir()
    for t in range(6):
        frame, mask = truth.clone(), np.zeros((64, 96), np.uint8)
        frame[:, 20:40, 5 + 12 * t : 21 + 12 * t] = 0
        mask[20:40, 5 + 12 * t : 21 + 12 * t] = 255
        picture = (frame.permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
        Image.fromarray(picture).save(tmp_path / "frames" / f"{t:03}.png")
        Image.fromarray(mask).save(tmp_path / "masks" / f"{t:03}.png")
    return tmp_path, truth


def test_plate_is_written_and_used_by_inpaint(shot, capsys):
    folder, truth = shot
    frames, masks = str(folder / "frames"), str(folder / "masks")
    plate, missing, sure = (folder / n for n in ("plate.png", "missing.png", "sure.png"))
    outputs = ["-o", str(plate), "--missing", str(missing), "--confidence", str(sure)]
    code = main(["plate", frames, "--mask", masks, "--frame", "2", "--grow", "0", *outputs])
    assert code == 0
    assert "0.0%" in capsys.readouterr().err
    made = np.asarray(Image.open(plate).convert("RGB"), np.float32)
    assert np.abs(made - truth.permute(1, 2, 0).numpy() * 255).max() < 6
    assert np.asarray(Image.open(missing).convert("L")).max() == 0
    assert np.asarray(Image.open(sure).convert("L")).min() > 100

    out = folder / "out"
    outputs = ["-o", str(out), "--quiet", "--report", str(folder / "report.json")]
    inputs = [frames, "--mask", masks, "--mode", "copy", "--plate", f"{plate}@2"]
    code = main(["inpaint", *inputs, *outputs])
    assert code == 0
    assert '"plate": 1.0' in (folder / "report.json").read_text()
    for path in sorted(out.iterdir()):
        found = np.asarray(Image.open(path).convert("RGB"), np.float32)
        assert np.abs(found - truth.permute(1, 2, 0).numpy() * 255).max() < 12


@pytest.mark.parametrize(
    ("plate", "words"),
    [("none.png", "found no file"), ("none.png@x", "frame number"), ("frames@1", "found no file")],
)
def test_a_plate_that_cannot_be_read_is_one_sentence(shot, capsys, plate, words):
    folder, _ = shot
    inputs = [str(folder / "frames"), "--mask", str(folder / "masks"), "--mode", "copy"]
    outputs = ["--plate", str(folder / plate), "-o", str(folder / "out")]
    code = main(["inpaint", *inputs, *outputs])
    assert code == 1
    assert words in capsys.readouterr().err
    assert not (folder / "out").exists()


@pytest.mark.parametrize(
    ("extra", "words"),
    [(["--frame", "99"], "below 6"), (["-o", "plate.jpg"], ".png or .tif")],
)
def test_plate_says_what_is_wrong(shot, capsys, extra, words, monkeypatch):
    folder, _ = shot
    monkeypatch.chdir(folder)
    code = main(["plate", "frames", "--mask", "masks", "-o", "plate.png", *extra])
    assert code == 1
    assert words in capsys.readouterr().err
    assert not list(folder.glob("*plate*"))


@pytest.mark.parametrize("name", ["plate.jpg", "nowhere/plate.png"])
def test_a_plate_that_cannot_be_written_is_told_before_the_work(shot, capsys, name, monkeypatch):
    folder, _ = shot
    monkeypatch.setattr("lgtsm.plate.clean_plate", None)
    inputs = [str(folder / "frames"), "--mask", str(folder / "masks"), "-o", str(folder / "p.png")]
    assert main(["plate", *inputs, "--missing", str(folder / name)]) == 1
    assert "Expected" in capsys.readouterr().err
    assert not (folder / "p.png").exists()


def test_frames_beyond_a_cut_lend_nothing_to_a_plate(rng):
    one, two = torch.rand(2, 3, 48, 64, generator=rng).mul(0.2)
    frames = [one + 0.8 * (t >= 6) * two.flip(-1) + 0.6 * (t >= 6) for t in range(12)]
    holes = [torch.zeros(1, 48, 64) for _ in frames]
    for t in range(12):
        holes[t][:, 10:30, 20:40] = t in {5, 6}
        if t < 6:
            holes[t][:, 10:30, 20:40] = 1  # the first shot never shows it
    before = clean_plate(zip(frames, holes, strict=True), 5)
    after = clean_plate(zip(frames, holes, strict=True), 6)
    inside = holes[5] > 0
    assert before.missing[inside].min() == 1
    assert after.missing[inside].max() == 0
    assert (after.picture - frames[6]).abs().max() < 0.02
