"""Files in, files out."""

import av
import pytest
import torch
from PIL import Image

import lgtsm
import lgtsm.mask_source as mask_source
from lgtsm.errors import Cancelled, ShapeError, VideoError
from lgtsm.mask_options import LengthPolicy, MaskOptions
from lgtsm.masks.boxes import MaskBox
from lgtsm.options import Mode, VideoOptions
from lgtsm.video.layout import samples
from lgtsm.video.probe import probe
from lgtsm.video.read import read_frames, read_masks
from tests.api.plain import PLAIN

LOSSLESS = VideoOptions(lossless=True)


def _pixels(path):
    return torch.stack([frame.rgb() for frame in read_frames(path)])


def _packets(path):
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        return [(p.pts * p.time_base, bytes(p)) for p in container.demux(stream) if p.size]


def _count_changes(source, target, holes, hole_samples):
    """Compare all samples outside the holes; return how many inside differ."""
    changed = 0
    for old, new, hole in zip(read_frames(source), read_frames(target), holes, strict=True):
        masks = hole_samples(hole, old.layout.name)
        assert old.layout == new.layout
        for channel in old.layout.colours:
            before = samples(old.native, old.layout, channel)
            after = samples(new.native, new.layout, channel)
            outside = ~masks[channel.plane].numpy()
            assert (before == after)[outside].all()
            changed += int((before != after).sum())
    return changed


def test_frames_rate_and_sound_are_kept(
    make_film, holes_of, save_masks, network, options, tmp_path
):
    film = make_film(tmp_path / "film.mp4", sound=True)
    masks = save_masks(tmp_path / "masks.mkv", holes_of(20))
    target = tmp_path / "out.mp4"
    seen = []
    report = lgtsm.inpaint_video(
        film,
        masks,
        target,
        model=network,
        options=options(**PLAIN),
        progress=lambda *a: seen.append(a),
    )
    old, new = probe(film), probe(target)
    assert (new.num_frames, new.rate, new.width, new.height) == (20, old.rate, 64, 48)
    assert [f.time for f in read_frames(film)] == [f.time for f in read_frames(target)]
    assert _packets(film) == _packets(target)
    assert seen[-1] == (20, 20, "filling")
    assert (report.frames, report.model, report.outputs) == (20, "tiny", [str(target)])
    assert report.coverage == pytest.approx(float(holes_of(20).mean()))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["film.mp4", "masks.mkv", "out.mp4"]


@pytest.mark.parametrize(
    "mode", [Mode.COPY_FILL, Mode.FILL, pytest.param(Mode.COPY, marks=pytest.mark.slow)]
)
def test_a_lossless_file_is_exact_outside_the_hole(
    mode, make_film, holes_of, save_masks, network, options, tmp_path, hole_samples
):
    film = make_film(tmp_path / "film.mkv", lossless=True)
    masks = save_masks(tmp_path / "masks.mkv", holes_of(20))
    target = tmp_path / "out.mkv"
    lgtsm.inpaint_video(
        film, masks, target, model=network, options=options(mode=mode), video=LOSSLESS
    )
    assert _count_changes(film, target, holes_of(20), hole_samples) > 0


@pytest.mark.slow
def test_a_file_gets_what_the_clip_in_memory_gets(
    make_film, holes_of, save_masks, network, options, tmp_path
):
    film = make_film(tmp_path / "film.mkv", lossless=True, fmt="bgr0")
    masks = save_masks(tmp_path / "masks.mkv", holes_of(20))
    target = tmp_path / "frames"
    lgtsm.inpaint_video(film, masks, target, model=network, options=options(feather=3))
    wanted = lgtsm.inpaint(_pixels(film), holes_of(20), network, options(feather=3))
    inside = holes_of(20).expand_as(wanted) > 0
    assert (_pixels(target) - wanted)[inside].abs().max() <= 0.51 / 255


@pytest.mark.parametrize("grow", [pytest.param(0, marks=pytest.mark.slow), 4])
def test_what_the_mask_covers_does_not_reach_the_file(
    grow, holes_of, save_masks, network, options, tmp_path, rng
):
    holes = holes_of(6)
    frames = torch.rand(6, 3, 48, 64, generator=rng)
    other = torch.where(holes > 0, torch.rand(frames.shape, generator=rng), frames)
    masks = save_masks(tmp_path / "masks.mkv", holes)
    grown = options(feather=2, mask=MaskOptions(grow=grow))
    results = []
    for name, clip in {"one": frames, "other": other}.items():
        (tmp_path / name).mkdir()
        for t, frame in enumerate(clip):
            array = (255 * frame).byte().permute(1, 2, 0).numpy()
            Image.fromarray(array).save(tmp_path / name / f"{t:04d}.png")
        target = tmp_path / f"{name}.mkv"
        lgtsm.inpaint_video(
            tmp_path / name, masks, target, model=network, options=grown, video=LOSSLESS
        )
        results.append(_pixels(target))
    assert torch.equal(*results)


@pytest.mark.parametrize(
    "form",
    [
        "film.mkv",
        "boxes",
        pytest.param("still.png", marks=pytest.mark.slow),
        pytest.param("folder", marks=pytest.mark.slow),
    ],
)
def test_masks_come_in_every_form(
    form, make_film, holes_of, save_masks, network, options, tmp_path, hole_samples
):
    film = make_film(tmp_path / "source.mkv", lossless=True)
    holes = holes_of(20)
    if form == "boxes":
        mask = [MaskBox(10, 8, 20, 12), MaskBox(40, 30, 8, 8, 5, 9)]
        holes = torch.zeros(20, 1, 48, 64)
        holes[..., 8:20, 10:30] = 1
        holes[5:9, :, 30:38, 40:48] = 1
    else:
        mask = save_masks(tmp_path / form, holes)
        holes = holes[:1].repeat(20, 1, 1, 1) if form == "still.png" else holes
    used, target = tmp_path / "used.mkv", tmp_path / "out.mkv"
    lgtsm.inpaint_video(
        film,
        mask,
        target,
        model=network,
        options=options(**PLAIN),
        video=LOSSLESS,
        mask_used=used,
    )
    assert torch.equal(torch.stack(list(read_masks(used))), holes)
    assert _count_changes(film, target, holes, hole_samples) > 0


def test_the_fill_layer_and_the_used_mask_have_every_frame(
    make_film, holes_of, save_masks, network, options, tmp_path
):
    film = make_film(tmp_path / "film.mp4")
    masks = save_masks(tmp_path / "masks", holes_of(20))
    layer, used = tmp_path / "layer.mov", tmp_path / "used"
    report = lgtsm.inpaint_video(
        film, masks, tmp_path / "out.mp4", model=network,
        options=options(mask=MaskOptions(grow=2), **PLAIN), fill_layer=layer, mask_used=used,
    )  # fmt: skip
    info = probe(layer)
    assert (info.num_frames, info.has_alpha) == (20, True)
    found = torch.stack(list(read_masks(used)))
    assert len(found) == 20
    assert float(found.mean()) > float(holes_of(20).mean())
    assert report.outputs == [str(tmp_path / "out.mp4"), str(layer), str(used)]


def test_a_range_is_cut_out(make_film, holes_of, save_masks, network, options, tmp_path):
    film = make_film(tmp_path / "film.mkv", lossless=True, fmt="bgr0")
    masks = save_masks(tmp_path / "masks.mkv", holes_of(20))
    target, used = tmp_path / "out", tmp_path / "used.mkv"
    report = lgtsm.inpaint_video(
        film, masks, target, model=network, options=options(),
        video=VideoOptions(start=4, end=13), mask_used=used,
    )  # fmt: skip
    assert report.frames == 9
    assert torch.equal(torch.stack(list(read_masks(used))), holes_of(20)[4:13])
    wanted = lgtsm.inpaint(_pixels(film)[4:13], holes_of(20)[4:13], network, options())
    inside = holes_of(20)[4:13].expand_as(wanted) > 0
    assert (_pixels(target) - wanted)[inside].abs().max() <= 0.51 / 255


def test_an_empty_mask_loads_nothing(make_film, save_masks, options, tmp_path):
    film = make_film(tmp_path / "film.mkv", lossless=True)
    mask = save_masks(tmp_path / "mask.png", torch.zeros(1, 1, 48, 64))
    target = tmp_path / "out.mkv"
    report = lgtsm.inpaint_video(
        film, mask, target, model=tmp_path / "missing", options=options(), video=LOSSLESS
    )
    assert torch.equal(_pixels(target), _pixels(film))
    assert report.model == "none"
    assert report.notes


def test_masks_that_do_not_fit_are_refused_before_any_output(
    make_film, holes_of, save_masks, network, options, tmp_path, one_sentence
):
    film = make_film(tmp_path / "film.mp4")
    small = save_masks(tmp_path / "small.png", torch.ones(1, 1, 24, 40))
    short = save_masks(tmp_path / "short.mkv", holes_of(12))
    before = sorted(tmp_path.iterdir())
    for mask in (small, short):
        with pytest.raises(ShapeError) as error:
            lgtsm.inpaint_video(film, mask, tmp_path / "out.mp4", model=network, options=options())
        one_sentence(error.value)
        assert sorted(tmp_path.iterdir()) == before
    held = options(mask=MaskOptions(length=LengthPolicy.HOLD), **PLAIN)
    report = lgtsm.inpaint_video(film, short, tmp_path / "out.mp4", model=network, options=held)
    assert report.frames == 20


def test_files_that_cannot_be_used_are_named(make_film, network, options, tmp_path, one_sentence):
    film, mask = make_film(tmp_path / "film.mp4"), [MaskBox(4, 4, 8, 8)]
    for source, target in (
        (tmp_path / "missing.mp4", tmp_path / "out.mp4"),
        (film, tmp_path / "out.xyz"),
        (film, film),
    ):
        with pytest.raises(VideoError) as error:
            lgtsm.inpaint_video(source, mask, target, model=network, options=options())
        one_sentence(error.value)
    with pytest.raises(VideoError):
        lgtsm.inpaint_video(
            film, tmp_path / "no_mask.png", tmp_path / "out.mp4", model=network, options=options()
        )


def test_a_weight_file_that_is_none_leaves_no_output(make_film, options, tmp_path):
    film = make_film(tmp_path / "film.mp4")
    with pytest.raises(lgtsm.LgtsmError):
        lgtsm.inpaint_video(
            film, [MaskBox(4, 4, 8, 8)], tmp_path / "out.mp4",
            model=tmp_path / "missing.safetensors", options=options(),
        )  # fmt: skip
    assert [p.name for p in tmp_path.iterdir()] == ["film.mp4"]


def test_cancelling_leaves_no_target(make_film, network, options, tmp_path):
    film = make_film(tmp_path / "film.mp4")
    asked = []
    with pytest.raises(Cancelled):
        lgtsm.inpaint_video(
            film, [MaskBox(4, 4, 8, 8)], tmp_path / "out.mp4", model=network, options=options(),
            cancel=lambda: asked.append(1) or len(asked) > 60,
        )  # fmt: skip
    assert not (tmp_path / "out.mp4").exists()


def test_a_stop_is_heard_while_masks_before_the_range_are_passed(
    make_film, network, options, tmp_path, monkeypatch
):
    film, masks = (
        make_film(tmp_path / "film.mp4", 60),
        make_film(tmp_path / "m.mp4", 60, fmt="gray"),
    )
    read = []
    whole = mask_source.read_masks

    def counted(*args, **kwargs):
        for mask in whole(*args, **kwargs):
            read.append(1)
            yield mask

    monkeypatch.setattr(mask_source, "read_masks", counted)
    with pytest.raises(Cancelled):
        lgtsm.inpaint_video(
            film, masks, tmp_path / "out.mp4", model=network, options=options(),
            video=VideoOptions(start=55), cancel=lambda: len(read) > 5,
        )  # fmt: skip
    # up to the first hole they are looked at; then some are read ahead, not all before the range
    assert len(read) < 5 + 30
