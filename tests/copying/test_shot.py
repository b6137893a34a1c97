"""What a shot keeps of its frames."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lgtsm.box import Box
from lgtsm.copying.shot import Shot
from lgtsm.copying.source_frames import Search
from lgtsm.options import Motion

properties = settings(max_examples=20, deadline=None)
BYTES_PER_PIXEL = 3 * 2 + 1
SEARCH = Search.of(Motion.NONE, (2, 2), 4)


def _kept(frame, hole):
    shot = Shot(frame.shape[-2:], torch.device("cpu"), SEARCH)
    shot.push(frame, hole)
    return shot[0]


def test_whole_levels_of_255_come_back_bit_for_bit():
    levels = torch.arange(256)[:, None].expand(1, 3, -1, 400) / 255
    kept = _kept(levels, torch.zeros(1, 1, 256, 400))
    assert kept.kept.dtype == torch.int16
    assert torch.equal(kept.pixels, levels)


def test_a_small_frame_is_kept_as_it_comes(rng):
    frame = torch.rand(1, 3, 64, 96, generator=rng)
    assert torch.equal(_kept(frame, torch.zeros(1, 1, 64, 96)).pixels, frame)


@properties
@given(seed=st.integers(0, 1000), size=st.tuples(st.integers(317, 330), st.integers(317, 330)))
def test_any_known_pixel_comes_back_within_a_512th_of_a_level(seed, size):
    rng = torch.Generator().manual_seed(seed)
    frame = torch.rand(1, 3, *size, generator=rng)
    hole = (torch.rand(1, 1, *size, generator=rng) < 0.3).float()
    before, kept = frame.clone(), _kept(frame, hole)
    wrong = ((kept.pixels - frame).abs() * (1 - hole)).max()
    assert wrong <= 1 / 255 / 512 + 1e-7
    assert torch.equal(kept.known, 1 - hole)
    assert torch.equal(frame, before)
    part, known = kept.part(Box(0, 0, 1, 1))
    assert torch.equal(part, kept.pixels[..., :1, :1])
    assert torch.equal(known, kept.known[..., :1, :1])


def test_a_frame_takes_seven_bytes_a_pixel():
    kept = _kept(torch.rand(1, 3, 240, 432), torch.zeros(1, 1, 240, 432))
    tensors = [kept.kept, kept.is_known]
    assert sum(x.nbytes for x in tensors) == BYTES_PER_PIXEL * 240 * 432
