"""The written timeline as a real editor's engine shows it: rendered by melt, of MLT (Kdenlive, Shotcut)."""

import os
import shutil
import subprocess

import av
import numpy as np
import opentimelineio as otio
import pytest
from opentimelineio.opentime import RationalTime

from tests.batch.conftest import RATE, SIZE
from tests.timeline.conftest import clip, dissolve
from tests.timeline.test_clean import EXACT, HOLE

MELT = os.environ.get("LGTSM_MELT") or shutil.which("melt")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(MELT is None, reason="needs melt (Debian: apt install melt), or LGTSM_MELT"),
]
PROFILE = {
    "width": SIZE[1],
    "height": SIZE[0],
    "frame_rate_num": RATE,
    "frame_rate_den": 1,
    "progressive": 1,
    "sample_aspect_num": 1,
    "sample_aspect_den": 1,
    "display_aspect_num": 4,
    "display_aspect_den": 3,
    "colorspace": 601,
}
ENCODER = ("vcodec=ffv1", "pix_fmt=yuv420p", "an=1", "real_time=-1")


def _luma(path):
    with av.open(str(path)) as film:
        frames = [f.to_ndarray(format="yuv420p")[: SIZE[0]] for f in film.decode(video=0)]
    return np.stack(frames).astype(int)


def _rendered(timeline, folder, name):
    """Render a timeline; return its luma (T,H,W)."""
    pytest.importorskip("otio_mlt_adapter", reason="needs otio-mlt-adapter")
    timeline.global_start_time = RationalTime(0, RATE)  # from which the adapter takes the rate
    edit, film = folder / f"{name}.mlt", folder / f"{name}.mkv"
    otio.adapters.write_to_file(timeline, str(edit), **PROFILE)
    for _ in range(3):
        ended = subprocess.run(
            [MELT, str(edit), "-consumer", f"avformat:{film}", *ENCODER],
            check=True,
            capture_output=True,
            timeout=120,
            env=os.environ | {"QT_QPA_PLATFORM": "offscreen"},
        )
        try:
            return _luma(film)
        except av.error.InvalidDataError:  # seen once, on a busy machine; the cause is not known
            film.unlink()
    raise AssertionError(f"melt wrote no film: {ended.stderr[-2000:]!r}")


def _clean_luma(item):
    """Return the luma of all frames of a clean film, and which of them its clip shows first."""
    path = otio.url_utils.filepath_from_url(item.media_reference.target_url)
    return _luma(path), round(item.source_range.start_time.value)


def test_the_clean_timeline_equals_the_source_outside_holes_and_the_clean_clips_inside(
    films, save, clean
):
    marker = {"mask": "mask.png"}
    edit = save(
        [
            clip(films / "b.mp4", 3, 6),
            clip(films / "a.mp4", 7, 9, marker=marker),
            clip(films / "b.mp4", 12, 5),
            clip(films / "a.mp4", 20, 4, marker=marker),
        ]
    )
    _, made = clean(edit, defaults=EXACT, handles=3)
    source = _rendered(otio.adapters.read_from_file(str(edit)), films, "edit")
    shown = _rendered(made, films, "clean")
    assert len(shown) == len(source) == 24
    assert np.array_equal(shown[:, ~HOLE], source[:, ~HOLE])
    others = [*range(6), *range(15, 20)]
    assert np.array_equal(shown[others], source[others])
    for item, first, length in ((made.tracks[1][1], 6, 9), (made.tracks[1][3], 20, 4)):
        film, begin = _clean_luma(item)
        for offset in range(length):
            filled = film[begin + offset]
            assert np.array_equal(shown[first + offset][HOLE], filled[HOLE])
            assert not np.array_equal(source[first + offset][HOLE], filled[HOLE])


def test_a_dissolve_shows_the_clean_clip_and_its_neighbour(films, save, clean):
    edit = save(
        [
            clip(films / "b.mp4", 5, 8),
            dissolve(2, 3),
            clip(films / "a.mp4", 7, 9, marker={"mask": "mask.png"}),
            dissolve(3, 2),
            clip(films / "b.mp4", 10, 6),
        ]
    )
    _, made = clean(edit, defaults=EXACT, handles=0)
    source = _rendered(otio.adapters.read_from_file(str(edit)), films, "edit")
    shown = _rendered(made, films, "clean")
    assert len(shown) == len(source) == 23
    assert np.array_equal(shown[:, ~HOLE], source[:, ~HOLE])
    film, begin = _clean_luma(made.tracks[1][3])
    assert np.array_equal(shown[12][HOLE], film[begin + 4][HOLE])
    differs = np.abs(shown - source)[:, HOLE].max(1)
    assert (differs > 0).nonzero()[0].tolist() == list(range(6 + 1, 19))
