"""The mask of a trimmed video: its length is that of the trim, not of the file."""

from __future__ import annotations

import importlib
from fractions import Fraction

import pytest
import torch

from lgtsm.errors import ShapeError
from lgtsm.video.clip import write_clip, write_mask_clip
from lgtsm.video.probe import probe
from lgtsm.video.read import read_masks
from tests.nodes.host import listed_nodes


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Return the pack's module of masks of videos."""
    with listed_nodes(tmp_path_factory.mktemp("comfyui") / "models") as nodes:
        package = nodes[0].__module__.rpartition(".")[0]
        yield importlib.import_module(f"{package}.video_mask")


@pytest.fixture
def info(tmp_path):
    """Return what is known of a film of 12 frames."""
    write_clip(tmp_path / "film.mp4", torch.rand(12, 3, 16, 16), rate=Fraction(25))
    return probe(tmp_path / "film.mp4")


class _Film:
    """As much of a VIDEO as the pack asks for."""

    def __init__(self, path):
        self.path = path

    def get_stream_source(self):
        return str(self.path)

    def get_active_trim_window(self):
        return 0, 0


def _halves(num):
    """Return masks (num,16,16): the left half in the first, the right half in all others."""
    masks = torch.zeros(num, 16, 16)
    masks[0, :, :8] = 1
    masks[1:, :, 8:] = 1
    return masks


CASES = [("hold", "LRRRR"), ("loop", "LRLRL")]


def _seen(path):
    words = {(0, 0): "-", (1, 0): "L", (0, 1): "R"}
    return "".join(words[int(m[0, 0, 0] > 0.5), int(m[0, 0, -1] > 0.5)] for m in read_masks(path))


@pytest.mark.parametrize(("policy", "expected"), CASES)
@pytest.mark.parametrize("of_video", [False, True])
def test_holding_and_looping_stay_inside_the_trim(
    files, info, tmp_path, policy, expected, of_video
):
    length = files.LengthPolicy(policy)
    if of_video:
        write_mask_clip(tmp_path / "m.mkv", _halves(2)[:, None], (16, 16), rate=Fraction(25))
        path = files.video_mask(_Film(tmp_path / "m.mkv"), info, (3, 8), length, tmp_path)
    else:
        path = files.tensor_mask(_halves(2), info, (3, 8), length, tmp_path, lambda: None)
    assert _seen(path) == "---" + expected + "----"


@pytest.mark.parametrize("num", [2, 4, 6])
def test_another_length_than_the_trim_is_refused(files, info, tmp_path, num):
    length = files.LengthPolicy("error")
    with pytest.raises(Exception, match="as many as frames") as caught:
        files.tensor_mask(_halves(num), info, (3, 8), length, tmp_path, lambda: None)
    assert type(caught.value).__name__ == ShapeError.__name__
    assert not list(tmp_path.glob("*.mask.mkv"))


def test_one_mask_serves_the_whole_trim(files, info, tmp_path):
    length = files.LengthPolicy("error")
    path = files.tensor_mask(_halves(1)[0], info, (3, 8), length, tmp_path, lambda: None)
    assert _seen(path) == "L"
    write_mask_clip(tmp_path / "m.mkv", _halves(1)[:, None], (16, 16), rate=Fraction(25))
    path = files.video_mask(_Film(tmp_path / "m.mkv"), info, (3, 8), length, tmp_path)
    assert _seen(path) == "---LLLLL----"
