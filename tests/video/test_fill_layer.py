from fractions import Fraction

import pytest
import torch

from lgtsm.errors import ShapeError, VideoError
from lgtsm.video.clip import write_clip
from lgtsm.video.fill_layer import FillLayerWriter
from lgtsm.video.folder import list_images
from lgtsm.video.frame import read_alpha
from lgtsm.video.mask_clip import MaskWriter
from lgtsm.video.probe import probe
from lgtsm.video.read import read_frames, read_masks


@pytest.mark.parametrize("name", ["layer.mov", "layer"])
def test_layer_holds_colour_and_alpha(tmp_path, make_video, name):
    source = make_video(tmp_path / "in.mp4", num=3, size=(32, 48))
    hole = torch.zeros(1, 32, 48)
    hole[:, 8:20, 10:30] = 1
    fill = torch.tensor((0.8, 0.3, 0.2)).view(3, 1, 1).expand(3, 32, 48)
    with FillLayerWriter(tmp_path / name, rate=probe(source).rate) as writer:
        for frame in read_frames(source):
            writer.write(frame, fill, hole)
    info = probe(tmp_path / name)
    assert info.has_alpha
    layers = list(read_frames(tmp_path / name))
    assert len(layers) == 3
    alpha = read_alpha(layers[1].native)
    assert (alpha - hole).abs().max() < 0.01
    assert (layers[1].rgb() - fill)[:, 8:20, 10:30].abs().max() < 0.02
    if name.endswith(".mov"):
        assert info.codec == "prores"
        assert [f.time for f in layers] == [f.time for f in read_frames(source)]


@pytest.mark.parametrize("name", ["mask.mkv", "mask"])
def test_written_masks_read_back_exactly(tmp_path, make_video, name):
    source = make_video(tmp_path / "in.mp4", num=3, rotation=90)
    holes = []
    with MaskWriter(tmp_path / name) as writer:
        for frame in read_frames(source):
            hole = torch.zeros(1, *frame.rgb().shape[1:])
            hole[:, frame.index : frame.index + 7, 4:20] = 1
            holes.append(hole)
            writer.write(hole, time=frame.time, time_base=frame.native.time_base)
    for old, new in zip(holes, read_masks(tmp_path / name), strict=True):
        assert torch.equal(old, new)


def test_clip_is_written_with_its_rate(tmp_path):
    clip = torch.rand(5, 3, 4, 6).repeat_interleave(8, 2).repeat_interleave(8, 3)
    write_clip(tmp_path / "c.mp4", clip, rate=Fraction(24000, 1001), crf=4)
    info = probe(tmp_path / "c.mp4")
    assert (info.rate, info.num_frames, info.codec) == (Fraction(24000, 1001), 5, "h264")
    for i, frame in enumerate(read_frames(tmp_path / "c.mp4")):
        assert (frame.rgb() - clip[i]).abs().mean() < 0.02
        assert frame.time == i / info.rate


def test_odd_clip_keeps_its_size(tmp_path):
    write_clip(tmp_path / "c.mp4", torch.rand(2, 3, 15, 21), rate=Fraction(25))
    assert (probe(tmp_path / "c.mp4").height, probe(tmp_path / "c.mp4").width) == (15, 21)


def test_wrong_calls_are_refused_and_leave_nothing(tmp_path, make_video):
    with pytest.raises(ShapeError):
        write_clip(tmp_path / "c.mp4", torch.rand(2, 4, 8, 8), rate=Fraction(25))
    with pytest.raises(VideoError, match=r"\.mov"):
        FillLayerWriter(tmp_path / "layer.mp4")
    with pytest.raises(VideoError, match=r"\.mkv"):
        MaskWriter(tmp_path / "mask.mp4")
    with pytest.raises(RuntimeError), MaskWriter(tmp_path / "mask.mkv"):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_layer_folder_is_listed_in_order(tmp_path, make_video):
    source = make_video(tmp_path / "in.mp4", num=3)
    with MaskWriter(tmp_path / "masks") as writer:
        for frame in read_frames(source):
            writer.write(torch.ones(1, 48, 64), time=frame.time)
    assert [p.name for p in list_images(tmp_path / "masks")] == [f"{i:06d}.png" for i in range(3)]
