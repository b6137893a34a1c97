"""A still-image model from an ONNX file completes a picture, whatever its inputs look like."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.nn.functional import avg_pool2d

from lgtsm.errors import DeviceError, WeightsError
from lgtsm.options import MaskSense, PixelRange
from lgtsm.synthesis.model_frame import ModelFrame
from lgtsm.synthesis.onnx_model import OnnxModel

pytest.importorskip("onnxruntime", reason="needs the extra onnx")

from lgtsm.box import Box
from tests.synthesis.onnx_files import SHIFT, save_model

ROOT = Path(__file__).resolve().parents[2]
CPU = torch.device("cpu")


def _load(path, **settings):
    return OnnxModel(path.read_bytes(), path.name, device=CPU, threads=1, **settings)


@pytest.fixture
def picture(rng):
    """Grain of (1,3,72,104), brighter to the right."""
    grain = avg_pool2d(torch.rand(1, 3, 74, 106, generator=rng), 3, 1)
    return (0.6 * grain + torch.linspace(0, 0.4, 104)).clamp(0, 1)


@pytest.fixture
def hole():
    hole = torch.zeros(1, 1, 72, 104)
    hole[..., 30:50, 40:64] = 1
    return hole


def _mean(picture, hole):
    known = 1 - hole
    return (picture * known).sum((2, 3)) / known.sum((2, 3))


def _made(model, picture, hole):
    """Complete a picture; return what is in the hole, (3, pixels)."""
    spoiled = torch.where(hole > 0, torch.rand_like(picture), picture)
    done = model(spoiled, hole, 1 - hole, seed=0)
    outside = (hole == 0).expand_as(picture)
    assert torch.equal(done.picture[outside], picture[outside])
    assert (done.sources == -1).all()
    assert done.sources.dtype == torch.long
    return done.picture[0][:, hole[0, 0] > 0]


FORMS = {
    "floats 0..1": {},
    "channels last": {"last": True},
    "half floats": {"types": ("half", "half", "half")},
    "doubles, mask of bools": {"types": ("double", "bool", "float")},
    "mask of whole numbers": {"types": ("float", "int64", "float")},
    "bytes": {"types": ("uint8",) * 3, "takes": (0, 255), "gives": (0, 255), "white": 255.0},
    "floats, mask of bytes": {"types": ("float", "uint8", "float")},
    "returns 0..255": {"gives": (0.0, 255.0)},
    "returns -1..1": {"gives": (-1.0, 1.0)},
    "metadata": {
        "takes": (-1.0, 1.0),
        "gives": (-1.0, 1.0),
        "inverted": True,
        "metadata": {"lgtsm.range": "-1..1", "lgtsm.mask": "known"},
    },
    "other names": {"names": ("input_1", "input_2")},
    "as LaMa is published": {"size": (512, 512), "gives": (0.0, 255.0)},
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_the_model_sees_picture_and_hole_in_the_form_it_takes(form, picture, hole, tmp_path):
    model = _load(save_model(tmp_path / "mean.onnx", **form))
    expected = _mean(picture, hole)[0, :, None]
    # mirrored to whole steps, the edges count more often
    assert (_made(model, picture, hole) - expected).abs().max() < 0.02


def test_range_and_mask_may_be_given(picture, hole, tmp_path):
    path = save_model(tmp_path / "m.onnx", takes=(-1.0, 1.0), gives=(-1.0, 1.0), inverted=True)
    given = {"pixel_range": PixelRange.SIGNED, "mask_sense": MaskSense.KNOWN}
    made = _made(_load(path, **given), picture, hole)
    assert (made - _mean(picture, hole)[0, :, None]).abs().max() < 0.02
    noted = save_model(tmp_path / "n.onnx", metadata={"lgtsm.range": "-1..1"})
    made = _made(_load(noted, pixel_range=PixelRange.UNIT), picture, hole)
    assert (made - _mean(picture, hole)[0, :, None]).abs().max() < 0.02


@pytest.mark.parametrize(("low", "seen"), [(0.0, 0.0), (-1.0, 0.5)])
def test_the_hole_is_zero_in_the_numbers_of_the_model(low, seen, picture, hole, tmp_path):
    path = save_model(tmp_path / "same.onnx", fill="same", takes=(low, 1.0), gives=(low, 1.0))
    pixel_range = PixelRange.SIGNED if low else PixelRange.UNIT
    made = _made(_load(path, pixel_range=pixel_range), picture, hole)
    assert (made - seen).abs().max() < 1e-5


def test_what_is_in_the_hole_does_not_reach_a_reduced_picture(picture, tmp_path):
    hole = torch.zeros(1, 1, 72, 104)
    hole[..., 6:60, 20:90] = 1
    model = _load(save_model(tmp_path / "shift.onnx", fill="shift", size=(32, 32)))
    black, white = (
        model(torch.where(hole > 0, value, picture), hole, 1 - hole).picture for value in (0.0, 1.0)
    )
    assert torch.equal(black, white)


def test_small_steps_at_the_border_are_evened_out(hole, tmp_path):
    """A model that returns a slightly darker picture would leave a patch."""
    picture = torch.full((1, 3, 72, 104), 0.5)
    model = _load(save_model(tmp_path / "mean.onnx", gives=(-0.04, 0.96)))
    assert (_made(model, picture, hole) - 0.5).abs().max() < 0.01


@pytest.mark.parametrize("last", [False, True])
@pytest.mark.parametrize("size", [(None, None), (48, 64), (120, 160)])
def test_every_pixel_lies_where_the_model_put_it(size, last, picture, hole, tmp_path):
    hole[..., 40:] = 0
    hole[..., 30:50, 40 : 40 + SHIFT] = 1
    model = _load(save_model(tmp_path / "shift.onnx", fill="shift", size=size, last=last))
    made = _made(model, picture, hole)
    shifted = picture.roll(-SHIFT, -1)[0][:, hole[0, 0] > 0]
    assert torch.equal(made, shifted)


def test_a_hole_larger_than_the_model_is_seen_whole_with_its_surroundings(picture, tmp_path):
    hole = torch.zeros(1, 1, 72, 104)
    hole[..., 6:60, 20:90] = 1
    model = _load(save_model(tmp_path / "mean.onnx", size=(32, 32)))
    made = _made(model, picture, hole)
    assert (made - _mean(picture, hole)[0, :, None]).abs().max() < 0.1


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_same_picture_gives_the_same_bits(dtype, picture, hole, tmp_path):
    picture, hole = picture.to(dtype), hole.to(dtype)
    path = save_model(tmp_path / "shift.onnx", fill="shift", size=(40, 40))
    one, other = (_load(path)(picture, hole, 1 - hole).picture for _ in range(2))
    assert one.dtype == dtype
    assert torch.equal(one, other)


def test_a_picture_without_known_pixels_or_without_a_hole(picture, tmp_path):
    model = _load(save_model(tmp_path / "same.onnx", fill="same", gives=(51.0, 255.0)))
    whole = torch.ones(1, 1, 72, 104)
    done = model(picture, whole, 1 - whole).picture
    assert (done - 0.2).abs().max() < 1e-5
    assert torch.equal(model(picture, 1 - whole, whole).picture, picture)


def test_a_single_pixel_of_a_tiny_picture(tmp_path):
    picture, hole = torch.full((1, 3, 5, 3), 0.25), torch.zeros(1, 1, 5, 3)
    hole[..., 2, 1] = 1
    for size in ((None, None), (64, 32)):
        model = _load(save_model(tmp_path / "mean.onnx", size=size))
        assert (_made(model, picture, hole) - 0.25).abs().max() < 1e-3


@pytest.mark.parametrize("picture_size", [(72, 104), (9, 300), (300, 9)])
@pytest.mark.parametrize("hole", [Box(0, 0, 2, 2), Box(5, 2, 9, 8), Box(0, 0, 9, 9)])
@pytest.mark.parametrize("fixed", [None, (32, 32), (16, 128), (512, 512)])
def test_what_a_model_sees_holds_the_hole_and_fits(fixed, hole, picture_size):
    frame = ModelFrame.around(hole, picture_size, fixed)
    assert frame.box | hole == frame.box
    assert frame.box | Box(0, 0, *picture_size) == Box(0, 0, *picture_size)
    assert all(0 < i <= o for i, o in zip(frame.inner, frame.outer, strict=True))
    shown = frame.shown(torch.rand(1, 3, *picture_size))
    assert tuple(shown.shape[2:]) == frame.outer == (fixed or frame.outer)
    mask = torch.zeros(1, 1, *picture_size)
    mask[..., hole.rows, hole.columns] = 1
    assert frame.shown_hole(mask).any()


def test_a_small_picture_is_mirrored_again_and_again():
    picture = torch.arange(3.0).expand(1, 1, 2, 3)
    shown = ModelFrame.around(Box(0, 0, 1, 1), (2, 3), (2, 8)).shown(picture)
    assert shown[0, 0, 1].tolist() == [0, 1, 2, 2, 1, 0, 0, 1]


FAULTS = {
    "size": ({"fault": "size"}, "of the size it is given"),
    "nan": ({"fault": "nan"}, "NaN"),
    "three inputs": ({"fault": "three inputs"}, "prompt"),
    "one side fixed": ({"size": (64, None)}, "both sides fixed or both free"),
    "two pictures": ({"names": ("a", "b"), "metadata": {"lgtsm.range": "0..2"}}, "metadata"),
    "range of bytes": (
        {"types": ("uint8",) * 3, "metadata": {"lgtsm.range": "-1..1"}},
        "whose picture is bytes",
    ),
}


@pytest.mark.parametrize(("form", "told"), FAULTS.values(), ids=FAULTS)
def test_a_model_that_cannot_serve_is_refused_before_work(form, told, tmp_path, one_sentence):
    path = save_model(tmp_path / "odd.onnx", **form)
    with pytest.raises(WeightsError, match=told) as caught:
        _load(path)
    assert "odd.onnx" in str(caught.value)
    one_sentence(caught.value)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 no model", b"\x80\x04\x95" + bytes(99)])
def test_other_files_are_refused(data, tmp_path, one_sentence):
    path = tmp_path / "x.onnx"
    path.write_bytes(data)
    with pytest.raises(WeightsError, match="whole ONNX file") as caught:
        _load(path)
    one_sentence(caught.value)


def test_tensors_in_files_beside_it_are_not_read(tmp_path, monkeypatch, one_sentence):
    import onnx

    path = save_model(tmp_path / "whole.onnx")
    model = onnx.load(str(path))
    weight = onnx.numpy_helper.from_array(torch.rand(1, 3, 1, 1).numpy(), "outside")
    model.graph.initializer.append(weight)
    last = model.graph.node[-1]
    last.op_type = "Add"
    last.input.append("outside")
    settings = {"save_as_external_data": True, "location": "data", "size_threshold": 0}
    onnx.save(model, str(tmp_path / "parts.onnx"), **settings)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WeightsError, match="one file") as caught:
        _load(tmp_path / "parts.onnx")
    one_sentence(caught.value)


@pytest.mark.parametrize("fault", ["negative", "inverted mask"])
def test_a_changed_known_part_is_told(fault, picture, hole, tmp_path, one_sentence):
    form = {"fault": fault} if fault == "negative" else {"inverted": True}
    model = _load(save_model(tmp_path / "odd.onnx", **form))
    with pytest.raises(WeightsError, match="known pixels") as caught:
        model(picture * picture, hole, 1 - hole)
    one_sentence(caught.value)


def test_a_missing_onnxruntime_is_one_sentence(tmp_path, monkeypatch, one_sentence):
    path = save_model(tmp_path / "mean.onnx")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(DeviceError, match="pip install onnxruntime") as caught:
        _load(path)
    one_sentence(caught.value)


def test_a_model_of_bytes_with_a_mask_of_what_is_known(picture, hole, tmp_path):
    """As MI-GAN is published."""
    settings = {"types": ("uint8",) * 3, "takes": (0, 255), "gives": (0, 255), "white": 255.0}
    path = save_model(tmp_path / "migan.onnx", inverted=True, **settings)
    made = _made(_load(path, mask_sense=MaskSense.KNOWN), picture, hole)
    assert (made - _mean(picture, hole)[0, :, None]).abs().max() < 0.02


def test_onnxruntime_records_nothing_about_the_user(tmp_path):
    """Its telemetry keeps a device's number and a database in the user's folder."""
    path = save_model(tmp_path / "mean.onnx")
    home = tmp_path / "home"
    home.mkdir()
    code = (
        "import os, sys, torch\n"
        "from pathlib import Path\n"
        "from lgtsm.synthesis.onnx_model import OnnxModel\n"
        "before = dict(os.environ)\n"
        "OnnxModel(Path(sys.argv[1]).read_bytes(), 'm', device=torch.device('cpu'), threads=1)\n"
        "assert dict(os.environ) == before\n"
    )
    kept = {name: x for name, x in os.environ.items() if "TELEMETRY" not in name}
    environment = kept | {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    call = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(call, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = [p.as_posix() for p in home.rglob("*") if "onnxruntime" in p.as_posix()]
    assert found == []
