"""Key frames in a real server: out of one node, filled by another, back into the plates of a third."""

from __future__ import annotations

import pytest
import torch

import lgtsm
from lgtsm.mask_options import MaskOptions
from lgtsm.options import InpaintOptions
from tests.comfyui.conftest import FILL, read_tensors

ASKED = {
    **{
        name: FILL[name] for name in ("source_frames", "reach", "detect_cuts", "max_side", "motion")
    },
    "grow": 0,
    "preset": "normal",
    "unseen": "auto",
}


@pytest.fixture
def still(rng, tmp_path):
    """Store six equal frames of noise (48,64) with a fixed square, and return its path with both."""

    def make(holes_in=range(6)):
        images = torch.rand(1, 48, 64, 3, generator=rng).expand(6, -1, -1, -1).contiguous()
        mask = torch.zeros(6, 48, 64)
        mask[list(holes_in), 12:36, 20:46] = 1
        path = tmp_path / "clip.pt"
        torch.save({"images": images, "mask": mask}, path)
        return path, images, mask

    return make


def _load(path):
    return {"class_type": "ProbeLoad", "inputs": {"path": str(path)}}


def _save(path, **links):
    return {"class_type": "ProbeSave", "inputs": {"path": str(path), **links}}


def _keys(**more):
    inputs = {"images": ["1", 0], "mask": ["1", 1], **ASKED, **more}
    return {"class_type": "LGTSMKeyFrames", "inputs": inputs}


def test_filled_key_frames_are_carried_through_the_clip(server, still, tmp_path):
    path, images, mask = still()
    plates = {"plate": ["3", 0], "plate_frames": ["2", 2], "plate_masks": ["2", 1]}
    clip = {"images": ["1", 0], "mask": ["1", 1]}
    run = server.run(
        {
            "1": _load(path),
            "2": _keys(),
            "3": {"class_type": "ImageInvert", "inputs": {"image": ["2", 0]}},
            "4": {"class_type": "LGTSMInpaint", "inputs": {**clip, **FILL, "grow": 0, **plates}},
            "5": _save(tmp_path / "a.pt", value=["2", 0], second=["2", 1], third=["2", 2]),
            "6": _save(tmp_path / "b.pt", value=["3", 0], second=["4", 0]),
        }
    )
    assert run.status == "success", run.error
    frames, masks, numbers = read_tensors(tmp_path / "a.pt")
    options = InpaintOptions(mask=MaskOptions())
    expected = lgtsm.key_frames(images.permute(0, 3, 1, 2), mask[:, None], options)
    assert numbers == "0"
    assert torch.equal(frames, expected.frames.permute(0, 2, 3, 1))
    assert torch.equal(masks, expected.masks[:, 0])
    painted, repaired = read_tensors(tmp_path / "b.pt")[:2]
    inside = masks[0] > 0
    assert torch.equal(repaired[0][inside], painted[0][inside])
    assert torch.equal(repaired[mask == 0], images[mask == 0])  # inverted there in the plate
    plate = lgtsm.Plate(painted[0].permute(2, 0, 1), 0, masks)
    whole = lgtsm.inpaint(
        images.permute(0, 3, 1, 2), mask[:, None], options=options, plates=[plate]
    )
    assert torch.equal(repaired, whole.permute(0, 2, 3, 1))


def test_nothing_missing_gives_one_frame_under_an_empty_mask_and_says_so(server, still, tmp_path):
    path, images, _ = still(holes_in=[2, 3])
    nodes = {
        "1": _load(path),
        "2": _keys(),
        "3": _save(tmp_path / "a.pt", value=["2", 0], second=["2", 1], third=["2", 2]),
    }
    run = server.run(nodes)
    assert run.status == "success", run.error
    frames, masks, numbers = read_tensors(tmp_path / "a.pt")
    assert numbers == "2"
    assert frames.shape == (1, 48, 64, 3)
    assert (frames - images[2]).abs().max() < 0.03
    assert not masks.any()
    [text] = [event["data"] for event in run.events if event["type"] == "text"]
    assert text.startswith("Warning: there is no key frame")


def test_plate_masks_of_another_number_are_one_sentence(server, still, tmp_path):
    path, *_ = still()
    clip = {"images": ["1", 0], "mask": ["1", 1]}
    plates = {"plate": ["2", 0], "plate_frames": ["2", 2], "plate_masks": ["1", 1]}
    run = server.run(
        {
            "1": _load(path),
            "2": _keys(),
            "4": {"class_type": "LGTSMInpaint", "inputs": {**clip, **FILL, **plates}},
            "5": _save(tmp_path / "a.pt", value=["4", 0]),
        }
    )
    assert run.status == "error"
    assert run.error.startswith(
        "Expected one mask for each of the 1 plates, or one for all, got 6; "
    )


def test_key_frames_of_a_video_go_back_into_the_repair_of_the_video(server, tmp_path):
    box = {"boxes": "200,40,40,40", "length": "error"}
    fill = {**FILL, **box, "grow": 0, "quality": 16, "lossless": False}
    at = {"x": 0, "y": 0, "resize_source": False}
    plates = {"plate": ["3", 0], "plate_frames": ["2", 2], "plate_masks": ["2", 1]}
    run = server.run(
        {
            "1": {"class_type": "LoadVideo", "inputs": {"file": "lgtsm_sample_clip.mp4"}},
            "2": {
                "class_type": "LGTSMKeyFramesVideo",
                "inputs": {"video": ["1", 0], **ASKED, **box},
            },
            "0": {"class_type": "ImageInvert", "inputs": {"image": ["2", 0]}},
            "3": {
                "class_type": "ImageCompositeMasked",
                "inputs": {"destination": ["2", 0], "source": ["0", 0], "mask": ["2", 1], **at},
            },
            "4": {
                "class_type": "LGTSMInpaintVideo",
                "inputs": {"video": ["1", 0], **fill, **plates},
            },
            "5": {"class_type": "GetVideoComponents", "inputs": {"video": ["4", 0]}},
            "6": _save(tmp_path / "a.pt", value=["3", 0], second=["2", 1], third=["2", 2]),
            "7": _save(tmp_path / "b.pt", value=["5", 0]),
        }
    )
    assert run.status == "success", run.error
    painted, masks, numbers = read_tensors(tmp_path / "a.pt")
    repaired = read_tensors(tmp_path / "b.pt")[0]
    assert numbers.startswith("0")
    assert masks.shape[1:] == (180, 320)
    assert masks[0, 41:79, 201:239].all()
    assert masks[0].sum() == 40 * 40
    for t in (0, 8, 15):
        change = (repaired[t] - painted[0])[44:76, 204:236].abs().mean()
        assert change < 0.08, t
