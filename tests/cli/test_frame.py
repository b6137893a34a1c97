"""`lgtsm frame`: a picture to paint on, and the way back."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image


def test_the_frame_of_that_number_is_saved(lgtsm, make_film, read_film, tmp_path):
    film, out = make_film(), tmp_path / "painted.png"
    code, _, stderr = lgtsm("frame", film, "--frame", 3, "-o", out)
    assert code == 0, stderr
    assert f"--track {out}@3" in stderr
    [picture] = read_film(out)
    distances = np.abs(read_film(film).astype(int) - picture).mean((1, 2, 3))
    assert distances.argmin() == 3
    assert distances[3] < 3  # the two readers interpolate chroma differently


def test_the_first_one_is_the_default(lgtsm, make_film, tmp_path):
    film = make_film()
    for name, extra in (("a.png", ()), ("b.png", ("--frame", 0))):
        assert lgtsm("frame", film, *extra, "-o", tmp_path / name)[0] == 0
    with Image.open(tmp_path / "a.png") as a, Image.open(tmp_path / "b.png") as b:
        assert a.tobytes() == b.tobytes()


def test_a_picture_with_the_object_erased_is_tracked(lgtsm, make_film, read_film, tmp_path):
    film, painted, mask = make_film(), tmp_path / "painted.png", tmp_path / "mask.mkv"
    assert lgtsm("frame", film, "-o", painted)[0] == 0
    with Image.open(painted) as picture:
        erased = picture.convert("RGBA")
    erased.paste((0, 0, 0, 0), (8, 6, 24, 20))
    erased.save(painted)
    code, _, stderr = lgtsm("track", film, "--prompt", f"{painted}@0", "-o", mask)
    assert code == 0, stderr
    first = read_film(mask)[0, ..., 0] > 127
    assert first[6:20, 8:24].all()
    assert first.sum() == 14 * 16


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--frame", 99), "a frame number below 12, got 99; the video's frames are 0 to 11"),
        (("--frame", -1), "count frames from 0"),
    ],
)
def test_a_frame_that_is_not_there_is_named(lgtsm, make_film, tmp_path, arguments, says):
    code, _, stderr = lgtsm("frame", make_film(), *arguments, "-o", tmp_path / "p.png")
    assert code == 1
    assert says in stderr
    assert not (tmp_path / "p.png").exists()


def test_the_film_is_not_written_over(lgtsm, make_film):
    film = make_film()
    before = film.read_bytes()
    assert lgtsm("frame", film, "-o", film)[0] == 1
    assert film.read_bytes() == before
