import logging
from fractions import Fraction

import av
import numpy as np
import pytest
import torch
from PIL import Image

from lgtsm.errors import VideoError
from lgtsm.video.folder import list_images
from lgtsm.video.frame import read_alpha
from lgtsm.video.image import image_kind, load_image, save_image
from lgtsm.video.layout import layout_of, samples
from lgtsm.video.probe import probe
from lgtsm.video.read import read_frames, read_masks

HOLE = (slice(3, 9), slice(4, 10))


@pytest.fixture
def make_folder(tmp_path, noise_frame):
    def make(name, fmt, suffix, *, num=3, size=(20, 24)):
        folder = tmp_path / name
        folder.mkdir()
        rng = np.random.default_rng(0)
        for i in range(num):
            frame = noise_frame(fmt, size[1], size[0], rng)
            save_image(frame, folder / f"shot {i + 8}{suffix}", image_kind(suffix))
        return folder

    return make


@pytest.mark.parametrize(
    ("fmt", "suffix"),
    [
        ("rgb24", ".png"),
        ("rgba", ".png"),
        ("rgb48be", ".png"),
        ("rgba64be", ".png"),
        ("gray", ".png"),
        ("gray16be", ".png"),
        ("ya8", ".png"),
        ("rgb24", ".tif"),
        ("rgba64le", ".tiff"),
        ("rgb48le", ".tif"),
        ("bgr24", ".bmp"),
    ],
)
def test_only_hole_samples_change(tmp_path, make_folder, refill, fmt, suffix, caplog):
    source = make_folder("in", fmt, suffix)
    with caplog.at_level(logging.WARNING):
        refill(source, tmp_path / "out", hole=HOLE)
    assert not caplog.records
    assert [p.name for p in list_images(source)] == [p.name for p in list_images(tmp_path / "out")]
    inside = np.zeros((20, 24), bool)
    inside[HOLE] = True
    for a, b in zip(list_images(source), list_images(tmp_path / "out"), strict=True):
        old, new = load_image(a), load_image(b)
        assert old.format.name == new.format.name
        layout = layout_of(old.format.name)
        for channel in layout.colours:
            same = samples(old, layout, channel) == samples(new, layout, channel)
            assert same[~inside].all()
            assert not same[inside].all()
        if layout.alpha:
            assert (samples(old, layout, layout.alpha) == samples(new, layout, layout.alpha)).all()


def test_sixteen_bit_rgba_is_read_in_full_depth(make_folder):
    source = make_folder("in", "rgba64be", ".png")
    frame = next(read_frames(source))
    native = load_image(list_images(source)[0])
    layout = layout_of(native.format.name)
    for channel, values in zip(
        (*layout.colours, layout.alpha), (*frame.rgb(), read_alpha(frame.native)[0]), strict=True
    ):
        wanted = samples(native, layout, channel).astype(np.float32) / 65535
        assert np.allclose(values.numpy(), wanted, atol=1e-7)


def test_names_sort_as_numbers_and_time_is_index_over_rate(make_folder):
    source = make_folder("in", "rgb24", ".png", num=4)
    assert [p.stem for p in list_images(source)] == ["shot 8", "shot 9", "shot 10", "shot 11"]
    frames = list(read_frames(source, start=1, end=3, rate=Fraction(25)))
    assert [f.time for f in frames] == [Fraction(1, 25), Fraction(2, 25)]
    info = probe(source)
    assert info.is_folder
    assert info.num_frames == 4
    assert info.rate == 24


def test_jpeg_becomes_png(tmp_path, refill, caplog):
    (tmp_path / "in").mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (16, 16, 3), dtype=np.uint8)
    for i in range(2):
        Image.fromarray(pixels).save(tmp_path / "in" / f"{i}.jpg", quality=95)
    refill(tmp_path / "in", tmp_path / "out", hole=HOLE)
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == ["0.png", "1.png"]
    assert "written as PNG" in caplog.text
    old, new = (next(read_frames(tmp_path / n)).rgb() for n in ("in", "out"))
    assert (old - new)[:, 12:].abs().max() <= 0.5 / 255 + 1e-6


@pytest.mark.parametrize("names", [("f1.jpg", "f1.jpeg"), ("f1.png", "f1.PNG")])
def test_images_that_would_replace_each_other_are_refused(tmp_path, refill, names, one_sentence):
    (tmp_path / "in").mkdir()
    for name in names:
        Image.new("RGB", (9, 9)).save(tmp_path / "in" / name)
    if len(list((tmp_path / "in").iterdir())) < 2:
        pytest.skip("needs a disk that tells capitals apart")
    with pytest.raises(VideoError, match="names that differ") as caught:
        refill(tmp_path / "in", tmp_path / "out")
    one_sentence(caught.value)
    assert [p.name for p in tmp_path.iterdir()] == ["in"]


def test_exif_orientation_is_applied(tmp_path):
    pixels = np.zeros((8, 16, 3), np.uint8)
    pixels[:, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned clockwise
    Image.fromarray(pixels).save(tmp_path / "a.jpg", exif=exif, quality=95)
    frame = next(read_frames(tmp_path / "a.jpg"))
    assert frame.rgb().shape == (3, 16, 8)
    assert frame.rgb()[:, :6].mean() > 0.9
    assert frame.rgb()[:, 10:].mean() < 0.1


def test_folder_to_lossless_video_is_exact(tmp_path, make_folder, refill):
    source = make_folder("in", "rgb24", ".png")
    refill(source, tmp_path / "out.mkv", hole=HOLE, lossless=True)
    pairs = zip(read_frames(source), read_frames(tmp_path / "out.mkv"), strict=True)
    for old, new in pairs:
        difference = (old.rgb() != new.rgb()).any(0)
        assert difference.any()
        difference[HOLE] = False
        assert not difference.any()


def test_folder_to_mp4_is_tagged_and_timed(tmp_path, refill):
    (tmp_path / "in").mkdir()
    for i in range(3):
        Image.new("RGB", (32, 16), (200, 30, 60)).save(tmp_path / "in" / f"{i}.png")
    refill(tmp_path / "in", tmp_path / "out.mp4")
    info = probe(tmp_path / "out.mp4")
    assert (info.pixel_format, info.rate, info.colour.matrix) == ("yuv420p", 24, 1)
    frames = list(read_frames(tmp_path / "out.mp4"))
    assert [f.time for f in frames] == [Fraction(i, 24) for i in range(3)]
    colour = frames[1].rgb().mean((1, 2)) * 255
    assert (colour - torch.tensor((200.0, 30.0, 60.0))).abs().max() < 3


@pytest.mark.parametrize(("fmt", "wanted"), [("yuv420p", "rgb24"), ("yuv422p10le", "rgb48be")])
def test_video_to_folder_keeps_the_depth(tmp_path, make_video, refill, fmt, wanted):
    source = make_video(tmp_path / "in.mkv", codec="ffv1", fmt=fmt, num=3, size=(17, 23))
    refill(source, tmp_path / "out", hole=HOLE)
    images = list_images(tmp_path / "out")
    assert [p.name for p in images] == ["000000.png", "000001.png", "000002.png"]
    assert load_image(images[0]).format.name == wanted
    frame = next(read_frames(source))
    again = next(read_frames(tmp_path / "out"))
    assert (frame.rgb() - again.rgb())[:, 10:].abs().max() <= 0.5 / 255 + 1e-6


def test_folder_problems_are_one_sentence(tmp_path, make_folder, refill):
    source = make_folder("in", "rgb24", ".png")
    with pytest.raises(VideoError, match="another folder"):
        refill(source, source)
    (tmp_path / "empty").mkdir()
    with pytest.raises(VideoError, match="with images"):
        list(read_frames(tmp_path / "empty"))
    Image.new("RGB", (9, 9)).save(source / "shot 9.png")
    with pytest.raises(VideoError, match="to be 24x20, got 9x9"):
        list(read_frames(source))
    Image.new("RGB", (9, 9)).save(source / "x.bmp")
    with pytest.raises(VideoError, match="one kind"):
        list(read_frames(source))


def test_palette_and_bilevel_images_are_read(tmp_path):
    picture = Image.new("RGB", (12, 8), (255, 0, 0))
    picture.quantize(4).save(tmp_path / "p.png")
    Image.new("1", (12, 8), 1).save(tmp_path / "b.png")
    red = next(read_frames(tmp_path / "p.png")).rgb()
    assert torch.equal(red[:, 0, 0], torch.tensor((1.0, 0.0, 0.0)))
    assert next(read_frames(tmp_path / "b.png")).rgb().min() == 1


def test_still_mask_is_one_mask_without_its_alpha(tmp_path):
    """Where black and white are drawn, these are the mask, however transparent they are."""
    pixels = np.zeros((8, 12, 4), np.uint8)
    pixels[2:5, 3:7, :3] = 255
    pixels[..., 3] = np.arange(12) * 20
    Image.fromarray(pixels).save(tmp_path / "m.png")
    masks = list(read_masks(tmp_path / "m.png", start=5, end=9))
    assert len(masks) == 1
    wanted = torch.zeros(1, 8, 12)
    wanted[:, 2:5, 3:7] = 1
    assert torch.equal(masks[0], wanted)


def test_mask_folder_gives_a_mask_for_each_image(tmp_path):
    for i in range(11):
        image = Image.new("L", (8, 6), i * 20)
        image.putpixel((0, 0), 255)
        image.save(tmp_path / f"{i}.png")
    masks = list(read_masks(tmp_path))
    assert [round(float(m[0, 1:].mean()) * 255) for m in masks] == [i * 20 for i in range(11)]
    assert masks[0].shape == (1, 6, 8)


def test_exr_above_one_is_kept_outside_the_hole(tmp_path, caplog, refill):
    (tmp_path / "in").mkdir()
    frame = av.VideoFrame(16, 12, "gbrpf32le")
    layout = layout_of("gbrpf32le")
    for i, channel in enumerate(layout.colours):
        samples(frame, layout, channel)[:] = np.float32(0.25 + i)
    save_image(frame, tmp_path / "in" / "a.exr", image_kind(".exr"))
    refill(tmp_path / "in", tmp_path / "out", hole=HOLE)
    assert "clamped" in caplog.text
    new = load_image(tmp_path / "out" / "a.exr")
    for i, channel in enumerate(layout.colours):
        values = samples(new, layout_of(new.format.name), channel)
        assert values[0, 0] == np.float32(0.25 + i)
        assert values[5, 6] != np.float32(0.25 + i)
