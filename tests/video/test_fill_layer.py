import pytest
import torch

from lgtsm.errors import VideoError
from lgtsm.video.clip import FillLayerWriter
from lgtsm.video.frame import read_alpha
from lgtsm.video.probe import probe
from lgtsm.video.read import read_frames


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


def test_another_container_is_refused(tmp_path):
    with pytest.raises(VideoError, match=r"\.mov"):
        FillLayerWriter(tmp_path / "layer.mp4")
    assert list(tmp_path.iterdir()) == []
