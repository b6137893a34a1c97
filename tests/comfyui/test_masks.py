"""Masks that are found or interpolated, in a real server."""

from __future__ import annotations

from fractions import Fraction

import pytest
import torch

from lgtsm.video.clip import write_clip
from tests.comfyui.conftest import read_tensors

SIZE = (64, 96)


def _shot():
    """A pan (20,3,64,96) with a white square in its corner."""
    wide = torch.rand(1, 3, 30, 40, generator=torch.Generator().manual_seed(1))
    wide = torch.nn.functional.interpolate(wide, scale_factor=4, mode="bilinear")[0] * 0.8
    frames = torch.stack([wide[:, 2 * t : 2 * t + 64, 3 * t : 3 * t + 96] for t in range(20)])
    frames[:, :, 6:18, 70:88] = 1
    return frames


@pytest.fixture
def run_node(server, tmp_path):
    """run_node(first node, kind, **inputs) -> the first output of a node of that kind."""

    def call(first, kind, **inputs):
        target = tmp_path / "out"
        run = server.run(
            {
                "1": first,
                "2": {"class_type": kind, "inputs": inputs},
                "3": {
                    "class_type": "ProbeSave",
                    "inputs": {"path": str(target), "value": ["2", 0]},
                },
            }
        )
        assert run.status == "success", run.error
        return read_tensors(target)[0]

    return call


@pytest.fixture
def tensors(tmp_path):
    """tensors(images, mask) -> a node that puts out both."""

    def make(images, mask):
        path = tmp_path / "in"
        torch.save({"images": images, "mask": mask}, path)
        return {"class_type": "ProbeLoad", "inputs": {"path": str(path)}}

    return make


def test_a_logo_is_found_in_images_and_in_a_video_alike(run_node, tensors, server):
    shot = _shot()
    write_clip(server.base / "input" / "logo.mp4", shot, rate=24, crf=4)
    images = tensors(shot.permute(0, 2, 3, 1).contiguous(), torch.zeros(1, *SIZE))
    video = {"class_type": "LoadVideo", "inputs": {"file": "logo.mp4"}}
    for found in (
        run_node(images, "LGTSMStaticMask", images=["1", 0]),
        run_node(video, "LGTSMStaticMask", video=["1", 0]),
    ):
        assert found.shape == (1, *SIZE)
        assert bool(found[0, 7:17, 71:87].all())
        assert float(found.mean()) < 0.07


def test_a_clip_is_given_once(server, tensors):
    images = tensors(_shot().permute(0, 2, 3, 1).contiguous(), torch.zeros(1, *SIZE))
    run = server.run(
        {
            "1": images,
            "2": {"class_type": "LGTSMStaticMask", "inputs": {}},
            "3": {"class_type": "PreviewAny", "inputs": {"source": ["2", 0]}},
        }
    )
    assert run.status == "error"
    assert "either images or video" in run.error


def test_key_masks_are_interpolated(run_node, tensors):
    keys = torch.zeros(2, *SIZE)
    keys[0, 20:40, 10:30] = keys[1, 20:40, 50:70] = 1
    found = run_node(
        tensors(torch.zeros(1, 4, 4, 3), keys),
        "LGTSMMasksBetween",
        masks=["1", 1],
        frames="2, 10",
        num_frames=12,
    )
    assert found.shape == (12, *SIZE)
    assert [int(mask.any(0).float().argmax()) for mask in found[::2]] == [10, 10, 20, 30, 40, 50]


def test_a_tracker_without_its_weights_is_refused_in_a_sentence(server, tensors):
    painted = torch.zeros(1, *SIZE)
    painted[:, 20:40, 10:30] = 1
    images = tensors(_shot().permute(0, 2, 3, 1).contiguous(), painted)
    inputs = {"images": ["1", 0], "painted": ["1", 1], "painted_frames": "0", "detect_cuts": False}
    run = server.run(
        {
            "1": images,
            "2": {"class_type": "LGTSMTrackMask", "inputs": {**inputs, "tracker": "sam2"}},
            "3": {"class_type": "PreviewAny", "inputs": {"source": ["2", 0]}},
        }
    )
    assert run.status == "error"
    assert "Expected a tracker such as sam2 and its tracker_model together" in run.error


_BOX = torch.zeros(1, *SIZE)
_BOX[:, 20:40, 10:30] = 1


@pytest.mark.parametrize(
    ("painted", "numbers", "said"),
    [
        pytest.param(0 * _BOX, "0", "got nothing painted", id="nothing painted"),
        pytest.param(_BOX[:, :, :80], "0", "paint it on a frame of this clip", id="another clip"),
        pytest.param(_BOX, "frame 0", "write numbers only", id="words"),
        pytest.param(_BOX, "0, 4", "of the painted masks (1), got 2", id="two numbers"),
        pytest.param(_BOX, "99", "on frames 0 to 19, got one on frame 99", id="no such frame"),
    ],
)
@pytest.mark.parametrize("streamed", [False, True])
def test_what_cannot_be_tracked_is_said_before_work(
    server, tensors, painted, numbers, said, streamed
):
    video = server.base / "input" / "tracked.mp4"
    write_clip(video, _shot(), rate=Fraction(24))
    clip = {"video": ["4", 0]} if streamed else {"images": ["1", 0]}
    inputs = {**clip, "painted": ["1", 1], "painted_frames": numbers, "detect_cuts": False}
    run = server.run(
        {
            "1": tensors(_shot().permute(0, 2, 3, 1).contiguous(), painted),
            "2": {"class_type": f"LGTSMTrackMask{'Video' * streamed}", "inputs": inputs},
            "3": {"class_type": "PreviewAny", "inputs": {"source": ["2", 1]}},
            "4": {"class_type": "LoadVideo", "inputs": {"file": "tracked.mp4"}},
        }
    )
    assert run.status == "error"
    assert said in run.error


def test_a_tracked_video_shows_its_mask(server, tensors):
    video = server.base / "input" / "tracked.mp4"
    write_clip(video, _shot(), rate=Fraction(24))
    inputs = {"video": ["4", 0], "painted": ["1", 1], "painted_frames": "0", "detect_cuts": False}
    run = server.run(
        {
            "1": tensors(torch.zeros(1, 4, 4, 3), _BOX),
            "2": {"class_type": "LGTSMTrackMaskVideo", "inputs": inputs},
            "3": {"class_type": "PreviewAny", "inputs": {"source": ["2", 1]}},
            "4": {"class_type": "LoadVideo", "inputs": {"file": "tracked.mp4"}},
        }
    )
    assert run.status == "success", run.error
    assert 1 <= len(run.entry["outputs"]["2"]["images"]) <= 6


def _shadowed_shot():
    """Return frames (12,3,64,96) of a panning camera, a moving object (12,64,96), and its shadow."""
    wide = torch.rand(1, 3, 16, 30, generator=torch.Generator().manual_seed(2))
    wide = torch.nn.functional.interpolate(wide, scale_factor=4, mode="bicubic")[0].clamp(0.2, 0.8)
    frames = torch.stack([wide[:, :64, t : t + 96] for t in range(12)])
    objects, shadows = torch.zeros(12, *SIZE), torch.zeros(12, *SIZE)
    for t in range(12):
        left = 4 + 6 * t
        objects[t, 20:36, left : left + 16] = shadows[t, 36:44, left : left + 16] = 1
    frames = torch.where(shadows[:, None] > 0, 0.5 * frames, frames)
    frames = torch.where(objects[:, None] > 0, torch.tensor([0.9, 0.1, 0.1]).view(3, 1, 1), frames)
    return frames, objects, shadows


def test_mask_video_adds_the_shadow_of_a_moving_object(run_node, tensors):
    frames, objects, shadows = _shadowed_shot()
    given = tensors(frames.permute(0, 2, 3, 1).contiguous(), objects)
    inputs = {"images": ["1", 0], "mask": ["1", 1], "threshold": 0.5, "invert": False, "grow": 0}
    inputs |= {"fill_enclosed": False, "temporal_gap": 0, "temporal_grow": 0, "length": "error"}
    inputs |= {"resize": False, "preview_as": "veil"}
    plain = run_node(given, "MaskVideo", **inputs)
    shown = run_node(given, "MaskVideo", **inputs, complete="shadow,rim")
    changed = ((plain - shown).abs().amax(-1) > 0.02).float()
    assert (changed * shadows).sum() > 0.6 * shadows.sum()
    assert (changed * (1 - shadows)).sum() < 0.3 * shadows.sum()


@pytest.mark.parametrize("trimmed", [0, 4])
def test_a_tracked_video_adds_the_shadow(server, tensors, tmp_path, trimmed):
    frames, objects, shadows = _shadowed_shot()
    video = server.base / "input" / "shadowed.mkv"
    write_clip(video, frames, rate=Fraction(24), crf=4)
    inputs = {"video": ["5", 0], "painted": ["1", 1], "painted_frames": "0", "detect_cuts": False}
    trim = {
        "video": ["4", 0],
        "start_time": trimmed / 24,
        "duration": 0.0,
        "strict_duration": False,
    }

    def found(complete: str) -> torch.Tensor:
        run = server.run(
            {
                "1": tensors(torch.zeros(1, 4, 4, 3), objects[trimmed : trimmed + 1]),
                "2": {
                    "class_type": "LGTSMTrackMaskVideo",
                    "inputs": {**inputs, "complete": complete},
                },
                "3": {"class_type": "GetVideoComponents", "inputs": {"video": ["2", 0]}},
                "4": {"class_type": "LoadVideo", "inputs": {"file": "shadowed.mkv"}},
                "5": {"class_type": "Video Slice", "inputs": trim},
                "6": {
                    "class_type": "ProbeSave",
                    "inputs": {"path": str(tmp_path / complete), "value": ["3", 0]},
                },
                "7": {"class_type": "PreviewAny", "inputs": {"source": ["2", 3]}},
            }
        )
        assert run.status == "success", run.error
        assert ("shadow" in run.text("7")) == (complete == "shadow")
        return (read_tensors(tmp_path / complete)[0][..., 0] > 0.5).float()

    plain, whole, shadows = found("nothing"), found("shadow"), shadows[trimmed:]
    assert len(plain) == len(whole) == 12 - trimmed
    assert (whole * shadows).sum() > 0.6 * shadows.sum()
    assert (plain * shadows).sum() < 0.1 * shadows.sum()
    assert ((1 - whole) * plain).sum() == 0
