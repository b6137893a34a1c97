"""What decoders attach to frames: listing it crashes nothing and loses no orientation."""

from __future__ import annotations

import subprocess
import sys

import av
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from lgtsm.video.read import read_frames

# a process of its own: where listing goes wrong, it dies
_JOB = """
import gc, sys
from pathlib import Path
from lgtsm.api import inpaint_video
from lgtsm.options import InpaintOptions
from lgtsm.copying.plates import Plate
from lgtsm.video.image import read_picture
from lgtsm.video.probe import probe
for folder in map(Path, sys.argv[1:]):
    plate = Plate(read_picture(folder / "frames" / "0.png"), 0)
    print(probe(folder / "frames" / "0.png").width, probe(folder / "film.mov").width)
    for source, target in (("frames", "out"), ("film.mov", "out.mkv")):
        inpaint_video(
            folder / source, folder / "mask.png", folder / target,
            options=InpaintOptions(mode="copy", motion="none"), plates=[plate],
        )
    gc.collect()
    print("done")
"""


def _profile():
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _film(path, images):
    """Put PNG files as they are into a MOV, as some editors store them."""
    with av.open(str(path), "w") as out:
        stream = out.add_stream("png", rate=24)
        stream.width, stream.height, stream.pix_fmt = 40, 32, "rgb24"
        out.start_encoding()
        for number, image in enumerate(images):
            packet = av.Packet(image.read_bytes())
            packet.stream, packet.time_base, packet.is_keyframe = stream, stream.time_base, True
            packet.pts = packet.dts = round(number / 24 / stream.time_base)
            out.mux(packet)


def _write_sources(folder, exif):
    """Write frames, a mask and a film with a colour profile."""
    (folder / "frames").mkdir(parents=True)
    options = {"icc_profile": _profile(), "exif": exif}
    pixels = np.random.default_rng(0).integers(0, 255, (32, 40, 3), dtype=np.uint8)
    images = [folder / "frames" / f"{number}.png" for number in range(2)]
    for image in images:
        Image.fromarray(pixels).save(image, **options)
    mask = np.zeros((32, 40), np.uint8)
    mask[8:20, 10:24] = 255
    Image.fromarray(mask).save(folder / "mask.png", **options)
    _film(folder / "film.mov", images)


@pytest.mark.slow
def test_png_with_a_colour_profile(tmp_path):
    plain, edited = Image.Exif(), Image.Exif()
    edited[0x0131] = "an editor"
    _write_sources(tmp_path / "plain", plain)
    _write_sources(tmp_path / "edited", edited)
    command = [sys.executable, "-c", _JOB, str(tmp_path / "plain"), str(tmp_path / "edited")]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stdout.split()) == (0, 2 * ["40", "40", "done"]), ran.stderr


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
@pytest.mark.parametrize("number", range(1, 9))
def test_all_orientations_of_photographs(tmp_path, number, suffix):
    pixels = np.zeros((16, 32, 3), np.uint8)
    pixels[:, :16, 0], pixels[:8, :, 1] = 255, 255
    exif = Image.Exif()
    exif[0x0112] = number
    path = tmp_path / f"a{suffix}"
    Image.fromarray(pixels).save(
        path, exif=exif, **({"lossless": True} if suffix == ".webp" else {})
    )
    wanted = np.asarray(ImageOps.exif_transpose(Image.open(path)).convert("RGB"))
    read = next(read_frames(path)).rgb().permute(1, 2, 0).numpy() * 255
    assert read.shape == wanted.shape
    assert np.abs(read - wanted).mean() < 8
