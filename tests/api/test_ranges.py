"""Ranges of a file: everything is numbered like the file, everything written begins together."""

from dataclasses import replace
from fractions import Fraction

import pytest
import torch

import lgtsm
from lgtsm.errors import OptionError
from lgtsm.mask_options import LengthPolicy, MaskOptions
from lgtsm.masks.boxes import MaskBox
from lgtsm.options import VideoOptions
from lgtsm.video.read import read_frames, read_masks


@pytest.fixture
def film(make_film, tmp_path):
    return make_film(tmp_path / "film.mkv", 24, lossless=True)


def _used(film, mask, tmp_path, network, options, **video):
    used = tmp_path / "used.mkv"
    report = lgtsm.inpaint_video(
        film, mask, tmp_path / "out.mkv", model=network, options=options,
        video=VideoOptions(lossless=True, **video), mask_used=used,
    )  # fmt: skip
    return torch.stack(list(read_masks(used))), report


def test_cuts_are_numbered_like_the_file(film, network, options, tmp_path):
    _, report = _used(
        film, [MaskBox(4, 4, 9, 9)], tmp_path, network, options(cuts=(3, 15)), start=8, end=20
    )
    assert report.shots == [8, 15]


def test_boxes_are_numbered_like_the_file(film, network, options, tmp_path):
    used, _ = _used(film, [MaskBox(4, 4, 9, 9, 10, 12)], tmp_path, network, options(), start=8)
    assert [bool(m.any()) for m in used] == [t in (10, 11) for t in range(8, 24)]


def test_a_hole_behind_the_range_grows_into_it(film, save_masks, network, options, tmp_path):
    holes = torch.zeros(24, 1, 48, 64)
    holes[15:, :, 10:20, 10:20] = 1
    mask = save_masks(tmp_path / "masks.mkv", holes)
    grown = options(mask=MaskOptions(temporal_grow=2))
    used, _ = _used(film, mask, tmp_path, network, grown, start=5, end=15)
    assert [bool(m.any()) for m in used] == [t >= 13 for t in range(5, 15)]


@pytest.mark.parametrize(("policy", "wanted"), [("hold", 2), ("loop", None)])
def test_short_masks_go_on_as_from_the_start_of_the_file(
    film, save_masks, network, options, tmp_path, policy, wanted
):
    holes = torch.zeros(3, 1, 48, 64)
    for i in range(3):
        holes[i, :, :, 10 * i : 10 * i + 8] = 1
    mask = save_masks(tmp_path / "masks.mkv", holes)
    chosen = options(mask=MaskOptions(length=LengthPolicy(policy)))
    used, _ = _used(film, mask, tmp_path, network, chosen, start=7, end=12)
    for t, found in zip(range(7, 12), used, strict=True):
        assert torch.equal(found, holes[wanted if wanted is not None else t % 3])


def test_all_files_of_a_range_begin_at_the_same_time(film, network, options, tmp_path):
    lgtsm.inpaint_video(
        film, [MaskBox(4, 4, 9, 9)], tmp_path / "out.mkv", model=network, options=options(),
        video=VideoOptions(lossless=True, start=10, end=16), mask_used=tmp_path / "used.mkv",
        fill_layer=tmp_path / "fill.mov",
    )  # fmt: skip
    times = {
        name: [frame.time for frame in read_frames(tmp_path / name)]
        for name in ("out.mkv", "used.mkv", "fill.mov")
    }
    for other in times.values():
        assert len(other) == 6
        assert all(
            abs(a - b) < Fraction(2, 1000) for a, b in zip(other, times["out.mkv"], strict=True)
        )


@pytest.mark.slow
def test_a_folder_gets_the_rate_it_is_given(film, network, options, tmp_path):
    lgtsm.inpaint_video(film, [MaskBox(4, 4, 9, 9)], tmp_path / "frames", model=network,
                        options=options())  # fmt: skip
    report = lgtsm.inpaint_video(
        tmp_path / "frames", [MaskBox(4, 4, 9, 9)], tmp_path / "again.mkv", model=network,
        options=options(), video=VideoOptions(lossless=True, rate=Fraction(12)),
    )  # fmt: skip
    times = [frame.time for frame in read_frames(tmp_path / "again.mkv")]
    assert report.frames == 24
    assert abs(times[12] - times[0] - 1) < Fraction(2, 1000)


@pytest.mark.slow
def test_other_weights_of_the_same_name_cannot_go_on(film, network, options, tmp_path):
    def stop(done, total, note):
        if done == 18 and note == "filling":
            raise KeyboardInterrupt

    boxes, target = [MaskBox(4, 4, 9, 9)], tmp_path / "out.mkv"
    with pytest.raises(KeyboardInterrupt):
        lgtsm.inpaint_video(film, boxes, target, model=network, options=options(), progress=stop,
                            video=VideoOptions(lossless=True))  # fmt: skip
    with torch.no_grad():
        next(network.parameters()).add_(1.0)
    with pytest.raises(OptionError):
        lgtsm.inpaint_video(film, boxes, target, model=network, options=options(),
                            video=VideoOptions(lossless=True, resume=True))  # fmt: skip


def test_boxes_without_area_are_refused():
    for wrong in ({"width": -3}, {"height": 0}, {"start": -1}, {"start": 5, "end": 5}):
        with pytest.raises(OptionError):
            replace(MaskBox(4, 4, 9, 9), **wrong)


@pytest.mark.slow
@pytest.mark.parametrize("rate", [Fraction(24), Fraction(30), Fraction(60)])
def test_the_layers_of_a_folder_run_on_its_clock(film, network, options, tmp_path, rate):
    boxes = [MaskBox(4, 4, 9, 9)]
    lgtsm.inpaint_video(film, boxes, tmp_path / "frames", model=network, options=options())
    names = ("again.mov", "fill.mov", "used.mkv")
    target, fill, used = (tmp_path / name for name in names)
    lgtsm.inpaint_video(
        tmp_path / "frames", boxes, target, model=network, options=options(),
        video=VideoOptions(rate=rate), fill_layer=fill, mask_used=used,
    )  # fmt: skip
    for path in (target, fill, used):
        times = [frame.time for frame in read_frames(path)]
        assert all(abs(t - i / rate) < Fraction(1, 1000) for i, t in enumerate(times))
