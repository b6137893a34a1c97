"""Frames whose last row comes first in memory, as raw AVI files of Windows hold them."""

import av
import numpy as np
import pytest
import torch

from lgtsm.video.read import read_frames, read_masks

ROWS = np.arange(16, dtype=np.uint8) * 17
PICTURE = torch.from_numpy(ROWS.astype(np.float32) / 255)[None, :, None].expand(3, 16, 24)
HOLE = (slice(2, 5), slice(3, 9))


@pytest.fixture
def film(tmp_path):
    """Return a raw AVI of 3 frames, each row of which has a grey of its own, black on top."""
    path = tmp_path / "in.avi"
    with av.open(str(path), "w", container_options={"flipped_raw_rgb": "1"}) as out:
        stream = out.add_stream("rawvideo", rate=25)
        stream.width, stream.height, stream.pix_fmt = 24, 16, "bgr24"
        stored = np.broadcast_to(ROWS[::-1, None, None], (16, 24, 3))
        for i in range(3):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(stored), "bgr24")
            frame.pts = i
            out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    with av.open(str(path)) as container:
        assert next(container.decode(video=0)).planes[0].line_size < 0
    return path


def test_a_bottom_up_file_is_read_upright(film):
    assert torch.equal(next(read_frames(film)).rgb(), PICTURE)
    assert (next(read_masks(film)) - PICTURE[:1]).abs().max() < 1e-6


def test_a_bottom_up_file_is_filled_in_the_right_rows(tmp_path, film, refill):
    wanted = PICTURE.clone()
    wanted[:, HOLE[0], HOLE[1]] = torch.tensor((1.0, 0.0, 1.0)).view(3, 1, 1)
    assert refill(film, tmp_path / "out.mkv", hole=HOLE, colour=(1, 0, 1), lossless=True) == 3
    for frame in read_frames(tmp_path / "out.mkv"):
        assert torch.equal(frame.rgb(), wanted)
