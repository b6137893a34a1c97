"""Videos in a real server: the streaming node, and the same clip by nodes and by command line."""

from __future__ import annotations

import json
from fractions import Fraction

import av
import pytest
import torch

import lgtsm
from lgtsm.cli.main import main
from lgtsm.mask_options import MaskOptions
from lgtsm.options import InpaintOptions
from lgtsm.video.clip import write_clip, write_mask_clip
from lgtsm.video.read import read_frames, read_masks
from tests.comfyui.conftest import FILL, read_tensors

RATE = Fraction(30000, 1001)
STREAM = {**FILL, "boxes": "", "length": "error", "quality": 16, "lossless": False}


def _pattern(num_frames, height, width):
    """Return (T,3,H,W): slow waves, smooth enough for any encoder."""
    t, y, x = torch.meshgrid(
        torch.arange(num_frames), torch.arange(height), torch.arange(width), indexing="ij"
    )
    waves = [torch.sin(x / a + y / b + t / 15 + a) for a, b in ((17, 23), (29, 13), (11, 31))]
    return 0.5 + 0.35 * torch.stack(waves, 1)


def _add_sound(silent, target):
    """Copy a film and give it a tone."""
    with av.open(silent) as source, av.open(target, "w") as sink:
        picture = sink.add_stream_from_template(source.streams.video[0])
        sound = sink.add_stream("aac", rate=44100, layout="mono")
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = picture
                sink.mux(packet)
        time = torch.arange(44100)
        wave = (0.3 * torch.sin(time * 0.06)).reshape(1, -1).numpy()
        for start in range(0, 44100 - 1024, 1024):
            frame = av.AudioFrame.from_ndarray(wave[:, start : start + 1024].copy(), "fltp", "mono")
            frame.sample_rate, frame.pts = 44100, start
            sink.mux(sound.encode(frame))
        sink.mux(sound.encode(None))


@pytest.fixture(scope="module")
def film(server):
    """Return the name in the input folder of a film of 24 frames with sound, 128x96."""
    silent = server.base / "silent.mp4"
    write_clip(silent, _pattern(24, 96, 128), rate=RATE)
    _add_sound(silent, server.base / "input" / "film.mp4")
    return "film.mp4"


def _moving_masks(num_frames=24, height=96, width=128):
    masks = torch.zeros(num_frames, 1, height, width)
    for t in range(num_frames):
        masks[t, :, 30:60, 20 + t : 50 + t] = 1
    return masks


@pytest.fixture(scope="module")
def mask_film(server):
    masks = _moving_masks()
    write_mask_clip(server.base / "input" / "mask.mkv", masks, (96, 128), rate=RATE)
    return "mask.mkv"


def _load(node, name):
    return {node: {"class_type": "LoadVideo", "inputs": {"file": name}}}


def _save(node, link, prefix="video/test"):
    inputs = {"video": list(link), "filename_prefix": prefix, "format": "auto", "codec": "auto"}
    return {node: {"class_type": "SaveVideo", "inputs": inputs}}


def _stream(node, video, **inputs):
    return {
        node: {
            "class_type": "LGTSMInpaintVideo",
            "inputs": {"video": list(video), **STREAM, **inputs},
        }
    }


def _frames(path):
    return torch.stack([frame.rgb() for frame in read_frames(path)])


def _facts(path):
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        stamps = sorted(
            p.pts * video.time_base for p in container.demux(video) if p.pts is not None
        )
        return {
            "codec": video.codec_context.name,
            "rate": video.average_rate,
            "times": stamps,
            "sound": [s.codec_context.name for s in container.streams.audio],
            "tags": set(container.metadata),
        }


def _psnr(a, b):
    return float(-10 * torch.log10((a - b).square().mean()))


def test_streamed_film_is_that_of_the_command_line_and_is_saved_without_encoding_again(
    server, film, mask_film, tmp_path
):
    prompt = _load("1", film) | _load("2", mask_film) | _save("4", ("3", 0))
    prompt |= _stream("3", ("1", 0), mask_video=["2", 0])
    prompt["5"] = {"class_type": "PreviewAny", "inputs": {"source": ["3", 2]}}
    run = server.run(prompt)
    assert run.status == "success", run.error
    saved, source = server.saved(run, "4"), server.base / "input" / film

    ours = tmp_path / "cli.mp4"
    mask = server.base / "input" / mask_film
    assert main(["inpaint", str(source), "--mask", str(mask), "-o", str(ours), "--quiet"]) == 0
    assert torch.equal(_frames(saved), _frames(ours))
    facts, before = _facts(saved), _facts(source)
    assert facts["times"] == before["times"]
    assert facts["rate"] == before["rate"] == RATE
    assert facts["sound"] == ["aac"]
    assert {"prompt"} <= facts["tags"]
    report = json.loads(run.text("5"))
    assert report["frames"] == 24
    assert report["crop"] == [16, 26, 61, 38]
    assert report["resumed_from"] == 0
    assert not (server.base / "output" / "lgtsm_unfinished").exists()


def test_nodes_for_frames_agree_with_the_command_line(server, film, mask_film, tmp_path):
    target = tmp_path / "frames.pt"
    prompt = _load("1", film) | _load("2", mask_film)
    prompt |= _save("8", ("7", 0)) | _save("11", ("10", 0))
    prompt |= {
        "3": {"class_type": "GetVideoComponents", "inputs": {"video": ["1", 0]}},
        "4": {"class_type": "GetVideoComponents", "inputs": {"video": ["2", 0]}},
        "5": {"class_type": "ImageToMask", "inputs": {"image": ["4", 0], "channel": "red"}},
        "6": {
            "class_type": "LGTSMInpaint",
            "inputs": {"images": ["3", 0], "mask": ["5", 0], **FILL},
        },
        "7": {
            "class_type": "CreateVideo",
            "inputs": {"images": ["6", 0], "audio": ["3", 1], "fps": ["3", 2]},
        },
        "10": {"class_type": "CreateVideo", "inputs": {"images": ["3", 0], "fps": ["3", 2]}},
        "9": {
            "class_type": "ProbeSave",
            "inputs": {
                "path": str(target),
                "value": ["3", 0],
                "second": ["5", 0],
                "third": ["6", 0],
            },
        },
    }
    run = server.run(prompt)
    assert run.status == "success", run.error
    images, mask, repaired = read_tensors(target)
    options = InpaintOptions(mask=MaskOptions(grow=4))
    expected = lgtsm.inpaint(images.permute(0, 3, 1, 2), mask[:, None], options=options)
    assert torch.equal(repaired, expected.permute(0, 2, 3, 1))  # bit for bit before any encoder

    ours = tmp_path / "cli.mp4"
    source, masks = server.base / "input" / film, server.base / "input" / mask_film
    assert main(["inpaint", str(source), "--mask", str(masks), "-o", str(ours), "--quiet"]) == 0
    by_nodes, by_command = _frames(server.saved(run, "8")), _frames(ours)
    untouched = _frames(server.saved(run, "11"))
    error_of_the_encoder = _psnr(untouched, _frames(source))
    assert _psnr(by_nodes, by_command) > error_of_the_encoder - 0.5


def test_the_mask_may_be_a_mask_or_boxes(server, film, tmp_path):
    stored = tmp_path / "mask.pt"
    masks = torch.zeros(1, 1, 96, 128)
    masks[..., 30:60, 20:50] = 1
    torch.save({"images": torch.zeros(1, 96, 128, 3), "mask": masks[:, 0]}, stored)
    prompt = _load("1", film) | _save("4", ("3", 0)) | _save("5", ("6", 0))
    prompt["2"] = {"class_type": "ProbeLoad", "inputs": {"path": str(stored)}}
    prompt |= _stream("3", ("1", 0), mask=["2", 1]) | _stream("6", ("1", 0), boxes="20,30,30,30")
    run = server.run(prompt)
    assert run.status == "success", run.error
    by_mask, by_boxes = (_frames(server.saved(run, node)) for node in ("4", "5"))
    assert torch.equal(by_mask, by_boxes)
    assert not torch.equal(by_mask, _frames(server.base / "input" / film))


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({}, "Expected exactly one of mask, mask_video and boxes, got 0; use one."),
        ({"boxes": "1,2,3"}, "Expected a box as x,y,width,height"),
        ({"boxes": "900,0,5,5"}, "Expected boxes inside 128x96"),
    ],
)
def test_wrong_masks_are_named(server, film, inputs, says):
    prompt = _load("1", film) | _stream("3", ("1", 0), **inputs) | _save("4", ("3", 0))
    run = server.run(prompt)
    assert says in run.error


def test_a_trimmed_video_is_repaired_where_it_is_trimmed(server, film, tmp_path):
    masks = _moving_masks(12)
    masks[:6] = 0
    stored = tmp_path / "mask.pt"
    torch.save({"images": torch.zeros(1, 96, 128, 3), "mask": masks[:, 0]}, stored)
    start = float(8 / RATE) + 0.001  # between two frames: number 9 is the first
    prompt = _load("1", film) | _save("4", ("3", 0)) | _save("5", ("3", 1), "video/mask")
    prompt["0"] = {
        "class_type": "Video Slice",
        "inputs": {
            "video": ["1", 0],
            "start_time": start,
            "duration": float(12 / RATE),
            "strict_duration": False,
        },
    }
    prompt["2"] = {"class_type": "ProbeLoad", "inputs": {"path": str(stored)}}
    prompt |= _stream("3", ("0", 0), mask=["2", 1], grow=0)
    prompt["5"]["inputs"]["codec"] = "h264"
    prompt["6"] = {"class_type": "GetVideoComponents", "inputs": {"video": ["3", 1]}}
    target = tmp_path / "used.pt"
    prompt["7"] = {
        "class_type": "ProbeSave",
        "inputs": {"path": str(target), "value": ["6", 0]},
    }
    run = server.run(prompt)
    assert run.status == "success", run.error
    repaired, original = _frames(server.saved(run, "4")), _frames(server.base / "input" / film)
    assert len(repaired) == 12
    assert _psnr(repaired[:6], original[9:15]) > 40
    used = read_tensors(target)[0]
    assert torch.equal(used[..., 0] > 0.5, masks[:, 0] > 0)


def test_lossless_stays_in_the_output_folder_and_is_exact(server, film, mask_film):
    prompt = _load("1", film) | _load("2", mask_film) | _save("5", ("3", 1), "video/mask")
    prompt |= _stream("3", ("1", 0), mask_video=["2", 0], lossless=True)
    prompt["5"]["inputs"]["codec"] = "h264"
    prompt["6"] = {"class_type": "PreviewAny", "inputs": {"source": ["3", 2]}}
    run = server.run(prompt)
    assert run.status == "success", run.error
    [shown] = json.loads(run.text("6"))["outputs"]
    name, _, kind = shown.partition(" ")
    assert name.startswith("lgtsm/")  # as ComfyUI writes its files, without the server's folders
    assert kind == "[output]"
    assert str(server.base) not in run.text("6")
    repaired = _frames(server.base / "output" / name)
    original = _frames(server.base / "input" / film)
    masks = torch.stack(list(read_masks(server.base / "input" / mask_film)))
    near = torch.nn.functional.max_pool2d(masks, 13, 1, 6).expand_as(original) > 0
    assert torch.equal(repaired[~near], original[~near])


def test_an_interrupted_film_goes_on_where_it_stopped(server, tmp_path):
    source = server.base / "input" / "long.mp4"
    write_clip(source, _pattern(120, 96, 128), rate=Fraction(24))
    prompt = _load("1", "long.mp4") | _save("4", ("3", 0))
    prompt |= _stream("3", ("1", 0), boxes="20,30,30,30", motion="none", reach=8)
    prompt["5"] = {"class_type": "PreviewAny", "inputs": {"source": ["3", 2]}}

    def stop(number, event):
        if event["type"] == "progress" and event["data"]["value"] > 60:
            server.call("/interrupt", {"prompt_id": number})

    run = server.run(prompt, stop)
    assert run.events[-1]["type"] == "execution_interrupted"
    assert [p.suffix for p in (server.base / "temp" / "lgtsm").glob("long_*")] == []
    run = server.run(prompt)
    assert run.status == "success", run.error
    assert json.loads(run.text("5"))["resumed_from"] >= 16
    ours = tmp_path / "cli.mp4"
    command = ["inpaint", str(source), "--box", "20,30,30,30", "-o", str(ours), "--quiet"]
    assert main([*command, "--motion", "none", "--reach", "8"]) == 0
    assert torch.equal(_frames(server.saved(run, "4")), _frames(ours))


@pytest.mark.slow
def test_memory_does_not_grow_with_the_length(server):
    """A reach of 8 fills the engine's window within 60 frames; 48, the usual one, within 130."""
    peaks = {}
    for num_frames in (60, 300):
        name = f"flat{num_frames}.mp4"
        write_clip(
            server.base / "input" / name,
            _pattern(12, 360, 640).repeat(num_frames // 12, 1, 1, 1),
            rate=Fraction(24),
        )
        prompt = _load("1", name) | _save("4", ("3", 0))
        box = "300,150,68,68"  # 2 % of the picture
        prompt |= _stream("3", ("1", 0), boxes=box, grow=0, reach=8, motion="none")
        server.call("/free", {"unload_models": True, "free_memory": True})
        server.forget_peak()
        run = server.run(prompt)
        assert run.status == "success", run.error
        peaks[num_frames] = server.memory()
    assert peaks[300] < 1.05 * peaks[60], peaks
