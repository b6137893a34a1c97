"""Key frames into a folder, painted there, and back as plates."""

from __future__ import annotations

import json

import av
import numpy as np
import pytest
from PIL import Image

SIZE = (64, 96)


@pytest.fixture
def grain():
    """Two scenes of grain, bytes (2,64,96,3)."""
    drawn = np.random.default_rng(5).integers(40, 200, (2, *SIZE, 3))
    drawn[1] //= 4
    return drawn.astype(np.uint8)


@pytest.fixture
def shot(tmp_path, grain):
    """A lossless film of two still shots, four frames each, and a mask of a fixed square."""
    film, mask = tmp_path / "shot.mkv", np.zeros(SIZE, np.uint8)
    with av.open(str(film), "w") as out:
        stream = out.add_stream("ffv1", rate=24)
        stream.height, stream.width, stream.pix_fmt = *SIZE, "bgr0"
        for t in range(8):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(grain[t // 4], format="rgb24")))
        out.mux(stream.encode(None))
    mask[20:44, 30:60] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    return film


def _keyframes(lgtsm, shot, *more):
    fixed = ("--mask", shot.parent / "mask.png", "--grow", 0, "--device", "cpu")
    return lgtsm("keyframes", shot, *fixed, *more)


def _inpaint(lgtsm, shot, out, *more):
    fixed = ("--mask", shot.parent / "mask.png", "--grow", 0, "--device", "cpu", "--mode", "copy")
    return lgtsm("inpaint", shot, *fixed, "-o", out, *more)


def test_painted_key_frames_are_carried_through_their_shots(
    lgtsm, shot, grain, tmp_path, read_film, leftovers
):
    keys = tmp_path / "keys"
    code, _, said = _keyframes(lgtsm, shot, "-o", keys)
    assert code == 0, said
    assert "key frames 0, 4" in said
    assert "100.0% of the hole" in said
    assert f"--plate {keys}" in said
    names = [f"{kind}_{n:06}.png" for kind in ("frame", "mask") for n in (0, 4)]
    assert sorted(p.name for p in keys.iterdir()) == names
    assert leftovers() == []
    for number, colour in ((0, (250, 0, 0)), (4, (0, 0, 250))):
        path = keys / f"frame_{number:06}.png"
        made = np.array(Image.open(path).convert("RGB"))
        mask = np.array(Image.open(keys / f"mask_{number:06}.png").convert("L")) > 127
        assert (np.argwhere(mask).min(0) == (20, 30)).all()
        assert (np.argwhere(mask).max(0) == (43, 59)).all()
        assert np.abs(made[~mask].astype(int) - grain[number // 4][~mask]).max() <= 1
        Image.fromarray(np.where(mask[..., None], np.uint8(colour), made)).save(path)

    out, report = tmp_path / "out.mkv", tmp_path / "report.json"
    code, _, said = _inpaint(lgtsm, shot, out, "--lossless", "--plate", keys, "--report", report)
    assert code == 0, said
    frames = read_film(out).astype(int)
    inside = np.zeros(SIZE, bool)
    inside[20:44, 30:60] = True
    for t in range(8):
        assert np.abs(frames[t][inside] - ((250, 0, 0), (0, 0, 250))[t // 4]).max() < 60, t
        assert np.abs(frames[t][~inside] - grain[t // 4][~inside]).max() <= 1
    assert json.loads(report.read_text())["sources"]["plate"] > 0.99


def test_numbers_are_those_of_the_file(lgtsm, shot, tmp_path):
    keys = tmp_path / "keys"
    code, _, said = _keyframes(lgtsm, shot, "--start", 2, "--cuts", 4, "-o", keys)
    assert code == 0, said
    assert sorted(p.name for p in keys.glob("frame*")) == ["frame_000002.png", "frame_000004.png"]


def test_a_painted_frame_leaves_the_others_to_paint(lgtsm, shot, tmp_path):
    keys, rest = tmp_path / "keys", tmp_path / "rest"
    assert _keyframes(lgtsm, shot, "-o", keys)[0] == 0
    code, _, said = _keyframes(lgtsm, shot, "-o", rest, "--plate", f"{keys / 'frame_000000.png'}@0")
    assert code == 0, said
    assert sorted(p.name for p in rest.iterdir()) == ["frame_000004.png", "mask_000004.png"]


def test_nothing_to_paint_writes_nothing(lgtsm, shot, tmp_path, leftovers):
    boxes = ("--box", "30,20,30,24@0-2", "--box", "30,20,30,24@5-6")
    code, _, said = lgtsm(
        "keyframes", shot, *boxes, "-o", tmp_path / "keys", "--grow", 0, "--device", "cpu"
    )
    assert code == 0, said
    [line] = said.splitlines()
    assert "nothing to paint" in line
    assert not (tmp_path / "keys").exists()
    assert leftovers() == []


def test_ten_bits_are_kept(lgtsm, tmp_path):
    film = tmp_path / "deep.mkv"
    level = np.linspace(10000, 50000, 96, dtype=np.uint16)
    picture = np.broadcast_to(level[None, :, None], (*SIZE, 3)).copy()
    with av.open(str(film), "w") as out:
        stream = out.add_stream("ffv1", rate=24)
        stream.height, stream.width, stream.pix_fmt = *SIZE, "gbrp10le"
        frame = av.VideoFrame.from_ndarray(picture, format="rgb48le")
        out.mux(stream.encode(frame.reformat(format="gbrp10le")))
        out.mux(stream.encode(None))
    keys = tmp_path / "keys"
    options = ("--box", "30,20,20,20", "--grow", 0, "--device", "cpu", "-o", keys)
    code, _, said = lgtsm("keyframes", film, *options)
    assert code == 0, said
    with av.open(str(keys / "frame_000000.png")) as container:
        read = next(container.decode(video=0)).to_ndarray(format="rgb48le")
    assert np.abs(read[:, :30].astype(int) - picture[:, :30]).max() < 64  # one level of ten bits
    assert len(np.unique(read[0, :, 0])) > 80


def test_painted_work_is_never_replaced(lgtsm, shot, tmp_path):
    keys = tmp_path / "keys"
    keys.mkdir()
    (keys / "frame_000000.png").write_bytes(b"painted")
    code, _, said = _keyframes(lgtsm, shot, "-o", keys)
    assert code == 1
    assert "painted already" in said
    assert (keys / "frame_000000.png").read_bytes() == b"painted"


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], "got"),
        (["mask_000001.png"], "frame_000120.png"),
        (["frame_000001.png", "sketch.png"], "end in the number of their frame"),
        (["frame_000001.png", "painted_1.png"], "one picture for frame 1"),
    ],
)
def test_a_folder_that_is_no_set_of_plates_is_one_sentence(lgtsm, shot, tmp_path, names, words):
    folder = tmp_path / "plates"
    folder.mkdir()
    for name in names:
        Image.new("RGB", (SIZE[1], SIZE[0])).save(folder / name)
    out = tmp_path / "out.mkv"
    code, _, said = _inpaint(lgtsm, shot, out, "--plate", folder)
    assert code == 1
    [line] = said.splitlines()
    assert line.startswith("lgtsm: Expected")
    assert words in line
    assert not out.exists()


def test_a_picture_that_cannot_be_read_is_one_sentence(lgtsm, shot, tmp_path):
    folder = tmp_path / "plates"
    folder.mkdir()
    (folder / "frame_000001.png").write_bytes(b"no picture")
    code, _, said = _inpaint(lgtsm, shot, tmp_path / "out.mkv", "--plate", folder)
    assert code == 1
    assert "Expected pictures as plates" in said
