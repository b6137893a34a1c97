import pytest
import torch

from lgtsm.errors import VideoError
from lgtsm.video.clip import MaskWriter
from lgtsm.video.folder import list_images
from lgtsm.video.media import DEFAULT_RATE
from lgtsm.video.read import read_frames, read_masks


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


@pytest.mark.parametrize("size", [(48, 64), (33, 47)])
@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_masks_in_a_film_that_players_show_keep_their_holes(tmp_path, size, suffix):
    holes = torch.zeros(4, 1, *size)
    for t in range(4):
        holes[t, :, 5 + t : 20, 4:31] = 1
    with MaskWriter(tmp_path / f"m{suffix}") as writer:
        for t, hole in enumerate(holes):
            writer.write(hole, time=t / DEFAULT_RATE)
    assert torch.equal(
        torch.stack([m > 0.5 for m in read_masks(tmp_path / f"m{suffix}")]), holes > 0
    )


def test_a_folder_of_masks_is_listed_in_order(tmp_path, make_video):
    source = make_video(tmp_path / "in.mp4", num=3)
    with MaskWriter(tmp_path / "masks") as writer:
        for frame in read_frames(source):
            writer.write(torch.ones(1, 48, 64), time=frame.time)
    assert [p.name for p in list_images(tmp_path / "masks")] == [f"{i:06d}.png" for i in range(3)]


def test_an_error_leaves_nothing(tmp_path):
    with pytest.raises(VideoError, match=r"\.mkv"):
        MaskWriter(tmp_path / "mask.webm")
    with pytest.raises(RuntimeError), MaskWriter(tmp_path / "mask.mkv"):
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
