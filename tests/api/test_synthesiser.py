"""A job with a synthesiser of the user's own: what it fills, what it tells, and how it is resumed."""

import shutil

import pytest
import torch

import lgtsm
from lgtsm.errors import OptionError, WeightsError
from lgtsm.options import InpaintOptions, Mode, RunOptions, Unseen, VideoOptions

pytest.importorskip("onnxruntime", reason="needs the extra onnx")

from lgtsm.video.read import read_frames
from tests.api.stopping import HostStopError, stop_at
from tests.synthesis.onnx_files import save_model

RUN = RunOptions(device="cpu", threads=1)


def _options(path, **changes):
    settings = {"mode": Mode.COPY, "feather": 0, "cuts": (), "run": RUN, **changes}
    return InpaintOptions(synthesiser=path, **settings)


@pytest.fixture
def still(rng):
    """Five equal frames of grain; nothing shows what a fixed square hides."""
    frames = torch.rand(1, 3, 64, 96, generator=rng).expand(5, -1, -1, -1).contiguous()
    holes = torch.zeros(5, 1, 64, 96)
    holes[..., 20:44, 30:60] = 1
    return frames, holes


def _mean(frames, holes):
    known = 1 - holes
    return ((frames * known).sum((2, 3)) / known.sum((2, 3)))[0, :, None]


def _inside(frames, holes):
    """Return (3, pixels) of every frame, away from the hole's soft border."""
    inner = 1 - torch.nn.functional.max_pool2d(1 - holes, 9, 1, 4)
    return [f[:, h[0] > 0] for f, h in zip(frames, inner, strict=True)]


def test_what_no_frame_shows_is_what_the_model_made(still, tmp_path):
    frames, holes = still
    path = save_model(tmp_path / "mean.onnx")
    result = lgtsm.inpaint_clip(frames, holes, None, _options(path))
    for filled in _inside(result.frames, holes):
        assert (filled - _mean(frames, holes)).abs().max() < 0.02
    outside = (holes == 0).expand_as(frames)
    assert torch.equal(result.frames[outside], frames[outside])
    assert result.report.synthesiser == "mean.onnx"
    assert len(result.report.synthesiser_sha256) == 64
    assert result.report.sources["synthesised"] > 0.9
    plain = lgtsm.inpaint_clip(frames, holes, None, _options(None))
    assert (plain.report.synthesiser, plain.report.synthesiser_sha256) == ("built-in", "")


def test_a_large_frame_is_filled_at_working_size(rng, tmp_path):
    frames = torch.rand(1, 3, 160, 224, generator=rng).expand(3, -1, -1, -1).contiguous()
    holes = torch.zeros(3, 1, 160, 224)
    holes[..., 50:110, 80:150] = 1
    path = save_model(tmp_path / "mean.onnx", size=(64, 64), gives=(0.0, 255.0))
    run = RunOptions(device="cpu", threads=1, max_side=112)
    result = lgtsm.inpaint_clip(frames, holes, None, _options(path, run=run))
    for filled in _inside(result.frames, holes):
        assert (filled - 0.5).abs().max() < 0.05


def test_a_model_is_tried_before_any_frame_is_filled(still, tmp_path, one_sentence):
    frames, holes = still
    told = []
    path = save_model(tmp_path / "odd.onnx", fault="nan")
    with pytest.raises(WeightsError, match="NaN") as caught:
        lgtsm.inpaint_clip(frames, holes, None, _options(path), progress=lambda *a: told.append(a))
    one_sentence(caught.value)
    assert told == []


def test_without_a_hole_no_model_is_opened(still, tmp_path):
    frames, holes = still
    result = lgtsm.inpaint_clip(frames, 0 * holes, None, _options(tmp_path / "none.onnx"))
    assert torch.equal(result.frames, frames)


@pytest.mark.parametrize(
    "changes", [{"unseen": Unseen.NETWORK}, {"mode": Mode.FILL}, {"synthesiser": 3}]
)
def test_a_synthesiser_that_nothing_asks_is_refused(changes, one_sentence):
    with pytest.raises(OptionError, match="synthesiser") as caught:
        InpaintOptions(**{"synthesiser": "a.onnx", **changes})
    one_sentence(caught.value)


@pytest.mark.parametrize("name", ["none.onnx", "a/b", "a/b:x.safetensors", "x" * 5000, "a\0b"])
def test_a_name_of_nothing_is_one_sentence(name, still, one_sentence):
    frames, holes = still
    with pytest.raises(WeightsError, match="ONNX file") as caught:
        lgtsm.inpaint_clip(frames, holes, None, _options(name))
    one_sentence(caught.value)


@pytest.mark.slow
def test_a_job_goes_on_with_the_same_file_only(make_film, holes_of, save_masks, tmp_path):
    film = make_film(tmp_path / "film.mkv", 24, lossless=True)
    holes = holes_of(24)
    holes[..., 12:30, 22:42] = 1  # never shown
    masks = save_masks(tmp_path / "masks.mkv", holes)
    first = save_model(tmp_path / "first.onnx")
    other = save_model(tmp_path / "other.onnx", fill="shift")
    target, whole = tmp_path / "out.mkv", tmp_path / "whole.mkv"

    def job(target, path, **changes):
        video = VideoOptions(lossless=True, resume="progress" not in changes)
        return lgtsm.inpaint_video(
            film, masks, target, options=_options(path, reach=4), video=video, **changes
        )

    job(whole, first)
    with pytest.raises(HostStopError):
        job(target, first, progress=stop_at(18))
    for path in (other, None):
        with pytest.raises(OptionError, match="same job"):
            job(target, path)
    (tmp_path / "elsewhere").mkdir()
    moved = shutil.copy(first, tmp_path / "elsewhere" / "renamed.onnx")
    report = job(target, moved)
    assert (report.resumed_from, report.synthesiser) == (16, "renamed.onnx")
    one, two = ([frame.rgb() for frame in read_frames(path)] for path in (target, whole))
    assert torch.equal(torch.stack(one), torch.stack(two))


def test_a_model_that_fails_later_leaves_no_half_film(
    make_film, save_masks, tmp_path, one_sentence
):
    film = make_film(tmp_path / "film.mkv", 6, lossless=True)
    holes = torch.zeros(6, 1, 48, 64)
    holes[..., 12:30, 22:42] = 1
    masks = save_masks(tmp_path / "masks.mkv", holes)
    path = save_model(tmp_path / "odd.onnx", inverted=True)
    with pytest.raises(WeightsError, match="known pixels") as caught:
        lgtsm.inpaint_video(film, masks, tmp_path / "out.mkv", options=_options(path))
    one_sentence(caught.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["film.mkv", "masks.mkv", "odd.onnx"]


def test_pypatchmatch_completes_key_frames_to_compare_with(still):
    pytest.importorskip("patchmatch", reason="needs the extra patchmatch, Python 3.11 or later")
    frames, holes = still
    result = lgtsm.inpaint_clip(frames, holes, None, _options("pypatchmatch"))
    assert result.report.synthesiser == "pypatchmatch"
    first, *others = _inside(result.frames, holes)
    assert first.std() > 0.5 * frames.std()  # texture, not a smear
    assert all((other - first).abs().max() < 0.02 for other in others)
