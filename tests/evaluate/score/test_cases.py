"""Clips, holes and cases: their authors' layouts, fixed seeds, digests."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from lgtsm.errors import OptionError, ShapeError
from lgtsm.evaluate.score.cases import Material, digest, load_case, plan_cases
from lgtsm.evaluate.score.cells import Cells
from lgtsm.evaluate.score.clips import Clip, Footage, find_clips, read_footage
from lgtsm.evaluate.score.holes import cut_holes
from lgtsm.evaluate.score.methods import (
    SIMPLE,
    Kind,
    Method,
    choose_methods,
    mean_colour,
    temporal_median,
)
from lgtsm.evaluate.score.protocols import PROTOCOLS, HoleRule, Shape, find_protocol
from lgtsm.options import InpaintOptions


@pytest.fixture
def make_clip(tmp_path):
    """make_clip(path, num=3) -> a folder of small frames below tmp_path."""

    def make(path, num=3, size=(24, 32)):
        folder = tmp_path / path
        folder.mkdir(parents=True)
        for t in range(num):
            Image.new("RGB", size[::-1], (10 * t, 90, 40)).save(folder / f"{t:05d}.jpg")
        return tmp_path

    return make


@pytest.mark.parametrize(
    ("protocol", "path", "size"),
    [
        ("fvi", "Test/JPEGImages/clip", (180, 320)),
        ("faces", "Test/videos/clip", (128, 128)),
        ("moving", "clip", (240, 432)),
        ("folder", "clip", (24, 32)),
    ],
)
def test_clips_are_found_in_their_authors_layout(make_clip, protocol, path, size):
    root = make_clip(path)
    spec = find_protocol(protocol)
    (clip,) = find_clips(spec, root)
    assert clip.name == "clip"
    frames = read_footage(clip, spec.size, 2).frames
    assert frames.shape == (2, 3, *size)


def test_published_protocols_have_the_published_numbers():
    fvi, faces = PROTOCOLS["fvi"], PROTOCOLS["faces"]
    assert (fvi.size, fvi.num_frames, fvi.max_clips) == ((180, 320), 15, 100)
    assert (faces.size, faces.num_frames, faces.max_clips) == ((128, 128), 32, 150)
    assert [rule.table for rule in fvi.holes] == ["object"] * 7 + ["curve"] * 7
    assert {rule.table for rule in faces.holes} == {"box", "object", "curve"}
    for spec in PROTOCOLS.values():
        assert len({rule.name for rule in spec.holes}) == len(spec.holes)


@pytest.mark.parametrize(
    "rule",
    [
        # the more a curve covers, the more draws are thrown away
        pytest.param(
            rule, marks=pytest.mark.slow if rule.name > "curve_3" and rule.table == "curve" else ()
        )
        for rule in PROTOCOLS["fvi"].holes
    ],
    ids=lambda rule: rule.name,
)
def test_published_strokes_fall_into_their_bin(rule):
    footage = Footage(torch.zeros(15, 3, 180, 320), None)
    holes = cut_holes(rule, footage, 0, ())
    assert abs(float(holes.mean()) - rule.coverage) <= 0.05
    assert torch.equal(holes, cut_holes(rule, footage, 0, ()))
    assert not torch.equal(holes, cut_holes(rule, footage, 1, ()))


def test_a_bin_that_no_draw_reaches_is_refused(one_sentence):
    rule = HoleRule(name="x", shape=Shape.STROKES, preset="object_like", coverage=0.3)
    with pytest.raises(OptionError) as caught:
        cut_holes(rule, Footage(torch.zeros(1, 3, 8, 8), None), 0, ())
    one_sentence(caught.value)


def test_squares_are_static_and_meet_their_coverage():
    holes = cut_holes(
        PROTOCOLS["moving"].holes[2], Footage(torch.zeros(4, 3, 240, 432), None), 3, ()
    )
    assert torch.equal(holes[0], holes[3])
    assert float(holes.mean()) == pytest.approx(0.06, abs=0.003)
    assert holes[..., 0, :].sum() == holes[..., :, 0].sum() == 0


def test_objects_come_from_the_first_clip_of_suitable_object_size(tmp_path):
    donors = []
    for name, area in (("tiny", 2), ("short", 40), ("fits", 40), ("other", 50)):
        folder = tmp_path / name
        folder.mkdir()
        for t in range(2 if name == "short" else 3):
            mask = np.zeros((60, 100), np.uint8)
            mask[:area, :20] = 255
            Image.fromarray(mask).save(folder / f"{t}.png")
        donors.append(Clip(name=name, masks=folder))
    rule = PROTOCOLS["moving"].holes[0]
    footage = Footage(torch.zeros(3, 3, 60, 100), None)
    holes = cut_holes(rule, footage, 0, (Clip(name="bare"), *donors))
    assert float(holes.mean()) == pytest.approx(40 * 20 / 6000)
    assert cut_holes(rule, footage, 0, donors[:1]) is None


def test_cases_names_numbers_and_donors_are_deterministic(make_clip):
    for name in ("a", "b", "c"):
        root = make_clip(name)
    cases = plan_cases(PROTOCOLS["folder"], root, num_frames=2, max_clips=2)
    assert [c.name for c in cases] == ["a.blob", "a.squares", "b.blob", "b.squares"]
    assert [d.name for d in cases[2].donors] == ["c", "a"]
    one, two = load_case(cases[0]), load_case(cases[0])
    assert digest(one.holes) == digest(two.holes) == one.facts(cases[0])["holes_sha256"]
    assert digest(one.holes) != digest(load_case(cases[1]).holes)
    assert (one.masked * one.holes).sum() == 0


@pytest.mark.slow
def test_the_rendered_scene_knows_its_truth():
    case = plan_cases(PROTOCOLS["scene"], None, num_frames=2)[0]
    material = load_case(case)
    outside = 1 - material.holes
    assert float(((material.frames - material.truth) * outside).abs().max()) <= 1.01 / 255
    assert float((material.frames - material.truth).abs().max()) > 0.1


def test_pictures_of_another_size_are_resized_and_other_lengths_refused(
    make_clip, tmp_path, one_sentence
):
    make_clip("a")
    masks = tmp_path / "a" / "masks"
    masks.mkdir()
    for t in range(2):
        Image.new("L", (64, 48), 255).save(masks / f"{t}.png")
    clip = find_clips(PROTOCOLS["folder"], tmp_path)[0]
    assert read_footage(clip, None, 2).own.shape == (2, 1, 24, 32)
    with pytest.raises(ShapeError) as caught:
        read_footage(clip, None, 3)
    one_sentence(caught.value)


def test_simple_fills_keep_known_pixels_and_fill_the_rest(toy_clip, toy_holes):
    chosen = choose_methods(None, ())
    masked = toy_clip * (1 - toy_holes)
    for method in chosen.methods:
        if method.name == "truth":
            continue
        filled = SIMPLE[method.name].fill(masked, toy_holes)
        assert filled.shape == toy_clip.shape
        error = float(((filled - toy_clip).abs() * toy_holes).sum() / toy_holes.sum() / 3)
        assert error < 0.35, method.name
        assert torch.isfinite(filled).all()


def test_mean_and_median_have_closed_forms():
    frames = torch.tensor([0.2, 0.4, 0.9]).view(3, 1, 1, 1).expand(3, 3, 4, 4).clone()
    holes = torch.zeros(3, 1, 4, 4)
    holes[:, :, 0, 0] = 1
    holes[0, :, 1, 1] = 1
    assert float(mean_colour(frames, holes)[1, 0, 0, 0]) == pytest.approx(0.4)
    median = temporal_median(frames, holes)
    assert float(median[0, 0, 1, 1]) == pytest.approx(0.4)  # of 0.4 and 0.9, the lower
    assert float(median[2, 0, 0, 0]) == pytest.approx(0.9)  # nobody knows: smooth


def test_copies_follow_the_given_motion(toy_clip):
    from lgtsm.evaluate.score.tracing import trace_copy

    holes = torch.zeros(8, 1, 48, 64)
    holes[3, :, 20:28, 20:32] = 1
    masked = toy_clip * (1 - holes)

    def step(points, t, direction):
        return points + direction * points.new_tensor([2.0, 1.0])

    copied = trace_copy(masked, holes, step)
    torch.testing.assert_close(copied, toy_clip, atol=1e-4, rtol=0)
    still = trace_copy(masked, holes, lambda points, t, direction: points)
    torch.testing.assert_close(
        still[3, :, 20:28, 20:32], toy_clip[2, :, 20:28, 20:32], atol=1e-6, rtol=0
    )


def test_homographies_and_flow_follow_a_moving_picture(rng):
    pytest.importorskip("cv2")
    from lgtsm.evaluate.score.tracing import flow_copy, homography_copy, nearest_copy

    fine = torch.rand(1, 3, 40, 60, generator=rng)
    big = torch.nn.functional.interpolate(fine, scale_factor=4, mode="bicubic").clamp(0, 1)[0]
    clip = torch.stack([big[:, t : t + 120, 3 * t : 3 * t + 180] for t in range(4)])
    holes = torch.zeros(4, 1, 120, 180)
    for t in range(4):
        holes[t, :, 40:70, 30 + 30 * t : 50 + 30 * t] = 1
    masked = clip * (1 - holes)
    error = {
        fill.__name__: float(((fill(masked, holes) - clip) ** 2 * holes).sum() / holes.sum() / 3)
        for fill in (nearest_copy, homography_copy, flow_copy)
    }
    assert error["homography_copy"] < 0.05 * error["nearest_copy"]
    assert error["flow_copy"] < 0.3 * error["nearest_copy"]


def test_method_facts_hold_no_path():
    method = Method(
        name="x",
        kind=choose_methods((), ()).methods[0].kind,
        model="/a/b/net.safetensors",
        folder=Path("/a/b"),
    )
    assert "/a" not in str(method.facts())


def test_another_synthesiser_is_another_cell_and_its_folder_is_not_told(tmp_path):
    path = tmp_path / "model.onnx"
    method = Method(name="x", kind=Kind.OURS, options=InpaintOptions(synthesiser=path))
    frames = torch.zeros(1, 3, 8, 8)
    material = Material(frames=frames, holes=frames[:, :1], truth=None, own=None, floor=None)
    keys = set()
    for content in (b"one", b"other"):
        path.write_bytes(content)
        keys.add(Cells(tmp_path).key(method, material, ""))
    assert len(keys) == 2
    assert method.facts()["options"]["synthesiser"] == "model.onnx"


def test_a_stray_video_does_not_hide_the_folders_beside_it(make_clip):
    make_clip("data/a")
    root = make_clip("data/b") / "data"
    (root / "c.mp4").touch()
    assert [clip.name for clip in find_clips(PROTOCOLS["folder"], root)] == ["a", "b", "c"]


def test_a_folder_with_masks_is_one_clip(make_clip):
    make_clip("clip/masks")
    root = make_clip("more") / "clip"
    for file in (root.parent / "more").iterdir():
        file.rename(root / file.name)
    assert [clip.frames for clip in find_clips(PROTOCOLS["folder"], root)] == [root]


def test_two_clips_of_one_name_are_refused(make_clip, one_sentence):
    root = make_clip("data/a") / "data"
    (root / "a.mp4").touch()
    with pytest.raises(OptionError) as error:
        find_clips(PROTOCOLS["folder"], root)
    one_sentence(error.value)
