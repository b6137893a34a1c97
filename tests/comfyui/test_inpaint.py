"""LGTSMInpaint in a real server: exact outside the mask, whatever comes in."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
import torch

import lgtsm
from lgtsm.mask_options import MaskOptions
from lgtsm.options import InpaintOptions
from tests.comfyui.conftest import FILL, cancelled, long_job, progress_values, read_tensors


@pytest.fixture
def clip(rng):
    """Return images (T,H,W,3) and mask (T,H,W) of a given size: noise and a moving square."""

    def make(num_frames=6, height=48, width=64, channels=3):
        images = torch.rand(num_frames, height, width, channels, generator=rng)
        mask = torch.zeros(num_frames, height, width)
        for t in range(num_frames):
            mask[t, 10 : height - 16, 8 + 2 * t : 20 + 2 * t] = 1
        return images, mask

    return make


def _check_exact(result, images):
    assert result.run.status == "success", result.run.error
    assert result.images.shape == images.shape
    outside = result.mask == 0
    assert torch.equal(result.images[outside], images[outside])
    assert torch.equal(result.images[..., 3:], images[..., 3:])
    assert torch.isfinite(result.images).all()


def test_outside_mask_used_nothing_changes_and_the_library_says_the_same(inpaint, clip):
    images, mask = clip()
    result = inpaint(images, mask)
    _check_exact(result, images)
    inside = result.mask > 0
    assert (result.images[inside] != images[inside]).any(-1).float().mean() > 0.99
    options = InpaintOptions(mask=MaskOptions(grow=4))
    expected = lgtsm.inpaint(images.permute(0, 3, 1, 2), mask[:, None], options=options)
    assert torch.equal(result.images, expected.permute(0, 2, 3, 1))
    report = json.loads(result.run.text("4"))
    assert report["model"] == "refine-small"
    assert report["device"] == "cpu"
    # half precision where the processor has matrix units for it
    assert report["dtype"] in ("float32", "bfloat16")
    assert report["size"] == [64, 48]
    assert report["crop"] == [4, 6, 30, 30]
    assert report["chunk"] >= 1
    assert report["seconds_per_frame"] > 0
    assert report["peak_memory"] > 1e6
    assert report["notes"] == []
    assert progress_values(result.run)[-1] == 6


@pytest.mark.parametrize("size", [(33, 47), (64, 17), (50, 1)])
def test_odd_sizes_keep_their_size(inpaint, rng, size):
    images = torch.rand(3, *size, 3, generator=rng)
    mask = torch.zeros(3, *size)
    mask[:, 5:9, : size[1] // 2 + 1] = 1
    _check_exact(inpaint(images, mask, grow=0), images)


def test_alpha_is_kept_and_the_layer_has_the_mask_as_alpha(inpaint, clip):
    images, mask = clip(channels=4)
    result = inpaint(images, mask)
    _check_exact(result, images)
    assert torch.equal(result.layer[..., 3], result.mask)
    assert torch.equal(result.layer[..., :3], result.images[..., :3])


def test_one_frame_and_one_mask_for_all_frames(inpaint, clip):
    images, mask = clip(num_frames=1)
    _check_exact(inpaint(images, mask), images)
    images, mask = clip(num_frames=4)
    result = inpaint(images, mask[:1], grow=0)
    _check_exact(result, images)
    assert torch.equal(result.mask, mask[:1].expand(4, -1, -1))


def test_an_empty_mask_returns_the_images(inpaint, clip):
    images, mask = clip()
    result = inpaint(images, torch.zeros_like(mask))
    assert torch.equal(result.images, images)
    assert not result.mask.any()
    assert "empty" in json.loads(result.run.text("4"))["notes"][0]


def test_an_inverted_mask_is_said_on_the_node_before_the_work(inpaint, clip):
    images, mask = clip()
    run = inpaint(images, 1 - mask, mode="copy").run
    kinds = [event["type"] for event in run.events]
    first, last = (event["data"] for event in run.events if event["type"] == "text")
    assert first.startswith("Warning: the mask covers 9")
    assert last.startswith(f"{first}\nMasked pixels: ")
    assert kinds.index("text") < kinds.index("progress")


@pytest.mark.parametrize("mode", ["copy", "fill"])
def test_each_mode_runs(inpaint, clip, mode):
    images, mask = clip()
    result = inpaint(images, mask, mode=mode)
    _check_exact(result, images)
    model = json.loads(result.run.text("4"))["model"]
    assert model == ("none" if mode == "copy" else "refine-small")


@pytest.mark.parametrize(
    ("mask", "says"),
    [
        (torch.ones(5, 48, 64), "Expected a mask of 1 or 6 frames, got 5; "),
        (torch.ones(1, 40, 64), "Expected a mask of 64x48 like the frames, got 64x40; "),
        (torch.zeros(1, 64, 64), "the empty 64x64 mask that Load Image makes"),
        (torch.full((6, 48, 64), float("nan")), "Expected mask values in 0..1"),
    ],
)
def test_wrong_masks_are_named_in_one_sentence(inpaint, clip, mask, says):
    images, _ = clip()
    result = inpaint(images, mask)
    assert result.run.status == "error"
    assert says in result.run.error
    assert result.run.error.startswith("Expected ")
    assert "\n" not in result.run.error


def test_cancel_in_the_middle_leaves_a_server_that_works(server, inpaint, clip, tmp_path):
    run = cancelled(server, long_job(tmp_path))
    assert run.events[-1]["type"] == "execution_interrupted"
    assert run.events[-1]["data"]["node_id"] == "2"
    assert not (tmp_path / "never.pt").exists()
    small, its_mask = clip()
    _check_exact(inpaint(small, its_mask), small)


@pytest.fixture
def chain(server, tmp_path):
    """chain(nodes, *links) runs nodes and returns the values that the links carry."""

    def call(nodes, *links):
        target = tmp_path / "chain.pt"
        names = ("value", "second", "third")
        save = {name: list(link) for name, link in zip(names, links, strict=False)}
        nodes["save"] = {"class_type": "ProbeSave", "inputs": {"path": str(target), **save}}
        run = server.run(nodes)
        assert run.status == "success", run.error
        return SimpleNamespace(run=run, values=read_tensors(target)[: len(links)])

    return call


MASK = {
    "threshold": 0.5,
    "invert": False,
    "grow": 0,
    "fill_enclosed": False,
    "temporal_gap": 0,
    "temporal_grow": 0,
    "length": "error",
    "resize": False,
    "preview_as": "veil",
}


def _mask_video(stored, **inputs):
    return {
        "1": {"class_type": "ProbeLoad", "inputs": {"path": str(stored)}},
        "2": {
            "class_type": "MaskVideo",
            "inputs": {"images": ["1", 0], "mask": ["1", 1], **MASK, **inputs},
        },
    }


def test_mask_video_makes_masks_right_and_shows_them(chain, clip, tmp_path):
    images, mask = clip()
    mask[2] = 0
    stored = tmp_path / "mask.pt"
    torch.save({"images": images, "mask": 0.8 * mask}, stored)
    done = chain(_mask_video(stored, temporal_gap=1), ("2", 0), ("2", 1), ("2", 3))
    shown, holes, info = done.values
    assert set(holes.unique().tolist()) == {0.0, 1.0}
    assert holes[2].any()  # the gap is closed
    assert torch.equal(holes[3], mask[3])
    assert torch.equal(shown[holes == 0], images[holes == 0])
    assert (shown[holes > 0] != images[holes > 0]).any()
    assert json.loads(info)["frames"] == 6
    assert len(done.run.entry["outputs"]["2"]["images"]) == 3

    done = chain(_mask_video(stored), ("2", 3))
    assert json.loads(done.values[0])["empty"] == [2]
    assert "temporal_gap" in json.loads(done.values[0])["warnings"][0]


def test_mask_video_stretches_and_repeats_masks_when_asked(chain, clip, tmp_path):
    images, mask = clip(num_frames=4)
    stored = tmp_path / "small.pt"
    torch.save({"images": images, "mask": mask[:2, ::2, ::2]}, stored)
    [holes] = chain(_mask_video(stored, resize=True, length="hold"), ("2", 1)).values
    assert holes.shape == mask.shape
    assert torch.equal(holes[3], holes[1])
    assert (holes[:2] * mask[:2]).sum() > 0.8 * mask[:2].sum()


MASKS = {
    "width": 96,
    "height": 64,
    "frames": 5,
    "preset": "object_like",
    "kind": "strokes",
    "coverage": 0.0,
    "speed": 1.0,
    "num_strokes": 0,
    "border": 0,
    "seed": 3,
}


def test_free_form_masks_are_those_of_the_library(chain, clip, tmp_path):
    node = {"1": {"class_type": "GenerateFreeFormMasks", "inputs": MASKS}}
    mask, covered = chain(node, ("1", 0), ("1", 1)).values
    expected = lgtsm.free_form_masks(5, 64, 96, preset="object_like", seed=3)
    assert torch.equal(mask, expected[:, 0])
    assert covered == pytest.approx(float(expected.mean()))

    images, unused = clip(num_frames=7, height=50, width=70)
    torch.save({"images": images, "mask": unused}, tmp_path / "like.pt")
    inputs = {**MASKS, "preset": "custom", "kind": "box", "coverage": 0.1, "border": 4}
    nodes = {
        "0": {"class_type": "ProbeLoad", "inputs": {"path": str(tmp_path / "like.pt")}},
        "1": {"class_type": "GenerateFreeFormMasks", "inputs": {**inputs, "like": ["0", 0]}},
    }
    [mask] = chain(nodes, ("1", 0)).values
    assert mask.shape == (7, 50, 70)
    assert not mask[:, :4].any()
    assert 0.05 < mask.mean() < 0.12


def _check(stored, **inputs):
    limits = {"tolerance": 0, "max_seam": 0, "max_flicker": 0, "max_residual": 0}
    return {
        "1": {"class_type": "ProbeLoad", "inputs": {"path": str(stored[0])}},
        "2": {"class_type": "ProbeLoad", "inputs": {"path": str(stored[1])}},
        "3": {
            "class_type": "LGTSMCheckResult",
            "inputs": {
                "before": ["1", 0],
                "after": ["2", 0],
                "mask": ["1", 1],
                "stop_on_failure": False,
                "truth": ["1", 0],
                **limits,
                **inputs,
            },
        },
    }


def test_check_result_finds_one_changed_pixel(server, chain, clip, tmp_path):
    images, mask = clip()
    changed = torch.where(mask[..., None] > 0, 1 - images, images)
    stored = tmp_path / "before.pt", tmp_path / "after.pt"
    torch.save({"images": images, "mask": mask}, stored[0])
    torch.save({"images": changed, "mask": mask}, stored[1])
    after, passed, report = chain(_check(stored), ("3", 0), ("3", 1), ("3", 2)).values
    assert passed is True
    assert torch.equal(after, changed)
    assert report.startswith("Passed: nothing outside the mask changed. ")
    assert report.splitlines()[0].endswith(" dB to the truth.")

    changed[3, 2, 5] = 1 - changed[3, 2, 5]
    torch.save({"images": changed, "mask": mask}, stored[1])
    nodes = _check(stored)
    nodes["2"]["inputs"]["path"] = f"{stored[1].parent}/./{stored[1].name}"  # another prompt
    passed, report, heat = chain(nodes, ("3", 1), ("3", 2), ("3", 3)).values
    assert passed is False
    assert report.startswith("Failed: 1 pixels outside the mask changed")
    assert heat[3, 2, 5].tolist() == pytest.approx([1.0, 0.1, 0.1])
    nodes["3"]["inputs"]["stop_on_failure"] = True
    run = server.run(nodes)
    assert run.status == "error"
    assert "1 pixels outside the mask changed" in run.error


def test_plates_take_precedence_as_in_the_library(server, rng, tmp_path):
    images = torch.rand(4, 48, 64, 3, generator=rng)
    mask = torch.zeros(1, 48, 64)
    mask[:, 10:30, 20:40] = 1
    torch.save({"images": images, "mask": mask}, tmp_path / "clip.pt")
    torch.save({"images": 1 - images[2:3], "mask": mask}, tmp_path / "plate.pt")
    load = [
        {"class_type": "ProbeLoad", "inputs": {"path": str(tmp_path / name)}}
        for name in ("clip.pt", "plate.pt")
    ]
    fill = {"images": ["1", 0], "mask": ["1", 1], "plate": ["2", 0], **FILL, "grow": 0}
    save = {"path": str(tmp_path / "out.pt"), "value": ["3", 0]}
    prompt = {
        "1": load[0],
        "2": load[1],
        "3": {"class_type": "LGTSMInpaint", "inputs": {**fill, "plate_frames": "2"}},
        "4": {"class_type": "ProbeSave", "inputs": save},
    }
    run = server.run(prompt)
    assert run.status == "success", run.error
    repaired = read_tensors(tmp_path / "out.pt")[0]
    expected = lgtsm.inpaint(
        images.permute(0, 3, 1, 2),
        mask[:, None],
        plates=[lgtsm.Plate((1 - images[2]).permute(2, 0, 1), 2)],
    )
    assert torch.equal(repaired, expected.permute(0, 2, 3, 1))
    prompt["3"]["inputs"]["plate_frames"] = "0, 2"
    assert "Expected one frame number for each of the plates (1), got 2" in (
        server.run(prompt).error
    )


def test_clean_plate_keeps_the_frame_and_fills_the_mask(chain, clip, tmp_path):
    images, mask = clip(num_frames=5)
    still = images[:1].expand(5, -1, -1, -1).clone()
    moving = torch.where(mask[..., None] > 0, 1 - still, still)
    torch.save({"images": moving, "mask": mask}, tmp_path / "plate.pt")
    inputs = {"frame": 2, "motion": "none", "grow": 0, "source_frames": 16, "reach": 192}
    nodes = {
        "1": {"class_type": "ProbeLoad", "inputs": {"path": str(tmp_path / "plate.pt")}},
        "2": {
            "class_type": "LGTSMCleanPlate",
            "inputs": {"images": ["1", 0], "mask": ["1", 1], **inputs},
        },
    }
    plate, missing, confidence = chain(nodes, ("2", 0), ("2", 1), ("2", 2)).values
    assert plate.shape == (1, 48, 64, 3)
    outside = mask[2] == 0
    assert torch.equal(plate[0][outside], moving[2][outside])
    assert missing.shape == confidence.shape == (1, 48, 64)
    assert not missing[0][outside].any()
    assert (confidence[0][outside] == 1).all()
