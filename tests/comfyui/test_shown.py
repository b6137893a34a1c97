"""Nodes that show and prepare: one frame of a video, before and after, samples."""

from __future__ import annotations

import json
from fractions import Fraction

import pytest
import torch
from PIL import Image

from lgtsm.file_comparison import VideoRange, compare_files
from lgtsm.masks.overlay import compare
from lgtsm.options import CompareAs
from lgtsm.video.clip import write_clip, write_mask_clip
from lgtsm.video.read import read_frames
from tests.comfyui.conftest import read_tensors
from tests.comfyui.serving import ROOT


def _frame(number: int) -> dict:
    return {
        "1": {"class_type": "LoadVideo", "inputs": {"file": "shown.mp4"}},
        "2": {"class_type": "LGTSMVideoFrame", "inputs": {"video": ["1", 0], "frame": number}},
        "3": {"class_type": "PreviewAny", "inputs": {"source": ["2", 1]}},
    }


@pytest.fixture
def film(server):
    """A film of 8 frames in the input folder."""
    path = server.base / "input" / "shown.mp4"
    steps = torch.arange(8.0).view(8, 1, 1, 1) / 10
    write_clip(path, steps.expand(8, 3, 48, 64), rate=Fraction(24))
    return path


def test_a_frame_is_saved_where_load_image_finds_it(server, film):
    run = server.run(_frame(5))
    assert run.status == "success", run.error
    name = run.text("3")
    assert run.entry["outputs"]["2"]["images"] == [
        {"filename": name, "subfolder": "", "type": "input"}
    ]
    with Image.open(server.base / "input" / name) as picture:
        assert picture.size == (64, 48)
        shown = picture.convert("RGB").getpixel((30, 20))
    expected = list(read_frames(film))[5].rgb()[:, 20, 30] * 255
    assert shown == pytest.approx(expected.tolist(), abs=1)
    _, info = server.call("/object_info/LoadImage")
    assert name in json.dumps(info)
    [told] = [event["data"] for event in run.events if event["type"] == "text"]
    assert " ".join(told.split()) == f"Saved as {name}"


def test_a_picture_of_the_users_is_not_replaced(server, film):
    mine = server.base / "input" / "shown_frame2.png"
    mine.write_bytes(b"mine")
    run = server.run(_frame(2))
    assert run.text("3") == "shown_frame2_2.png"
    assert mine.read_bytes() == b"mine"


def test_a_frame_that_is_not_there_is_named(server, film):
    assert "a frame number below 8, got 99" in server.run(_frame(99)).error


@pytest.mark.parametrize("how", list(CompareAs))
def test_before_and_after_are_one_picture(server, tmp_path, how):
    before, after = torch.rand(3, 8, 12, 3), torch.rand(3, 8, 12, 3)
    mask = torch.zeros(1, 8, 12)
    mask[:, 2:5, 3:9] = 1
    for name, images in (("before", before), ("after", after)):
        torch.save({"images": images, "mask": mask}, tmp_path / f"{name}.pt")
    prompt = {
        "1": {"class_type": "ProbeLoad", "inputs": {"path": str(tmp_path / "before.pt")}},
        "2": {"class_type": "ProbeLoad", "inputs": {"path": str(tmp_path / "after.pt")}},
        "3": {
            "class_type": "LGTSMCompare",
            "inputs": {
                "before": ["1", 0],
                "after": ["2", 0],
                "compare_as": how.value,
                "mask": ["1", 1],
            },
        },
        "4": {
            "class_type": "ProbeSave",
            "inputs": {"path": str(tmp_path / "out.pt"), "value": ["3", 0]},
        },
    }
    run = server.run(prompt)
    assert run.status == "success", run.error
    [shown, *_] = read_tensors(tmp_path / "out.pt")
    frames = compare(before.permute(0, 3, 1, 2), after.permute(0, 3, 1, 2), how, holes=mask[None])
    assert torch.equal(shown, frames.permute(0, 2, 3, 1))
    assert len(run.entry["outputs"]["3"]["images"]) == 3


def _compared(how, mask="mask.mkv"):
    load = {"class_type": "LoadVideo"}
    inputs = {
        "before": ["1", 0],
        "after": ["2", 0],
        "mask_video": ["3", 0],
        "compare_as": how.value,
    }
    prompt = {
        "1": load | {"inputs": {"file": "shown.mp4"}},
        "2": load | {"inputs": {"file": "after.mp4"}},
        "3": load | {"inputs": {"file": mask}},
        "4": {"class_type": "LGTSMCompareVideo", "inputs": inputs},
    }
    if not mask:
        del prompt["3"], inputs["mask_video"]
    return prompt


@pytest.mark.parametrize("how", list(CompareAs))
def test_before_and_after_are_one_film(server, film, tmp_path, how):
    after, mask = film.with_name("after.mp4"), film.with_name("mask.mkv")
    write_clip(after, torch.full((8, 3, 48, 64), 0.9), rate=Fraction(24))
    hole = torch.zeros(1, 48, 64)
    hole[:, 10:20, 30:50] = 1
    write_mask_clip(mask, [hole] * 8, (48, 64), rate=Fraction(24))
    run = server.run(_compared(how))
    assert run.status == "success", run.error
    [shown] = run.entry["outputs"]["4"]["images"]
    assert (shown["subfolder"], shown["type"]) == ("lgtsm", "temp")
    played = server.base / "temp" / "lgtsm" / shown["filename"]
    files = [VideoRange(path) for path in (film, after, mask)]
    compare_files(*files[:2], tmp_path / "shown.mp4", mask=files[2], compare_as=how)
    ours, theirs = (
        torch.stack([frame.rgb() for frame in read_frames(path)])
        for path in (tmp_path / "shown.mp4", played)
    )
    assert (ours - theirs).abs().mean() < 1 / 255  # x264 may round differently in another thread


def test_a_missing_mask_of_a_film_is_asked_for(server, film):
    write_clip(film.with_name("after.mp4"), torch.full((8, 3, 48, 64), 0.9), rate=Fraction(24))
    run = server.run(_compared(CompareAs.MASK, mask=""))
    assert "Expected a mask to show it beside the result" in run.error


def test_samples_are_in_the_input_folder(server):
    for sample in (ROOT / "workflows" / "samples").iterdir():
        assert (server.base / "input" / sample.name).read_bytes() == sample.read_bytes()
