"""Masks that wait keep every pixel."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from lgtsm.masks.packed import PackedMask


@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 2**31))
def test_a_packed_mask_is_the_mask(height, width, seed):
    generator = torch.Generator().manual_seed(seed)
    mask = torch.rand(1, height, width, generator=generator).round()
    packed = PackedMask.of(mask)
    assert torch.equal(packed.mask(), mask.bool())
    assert packed.bits.nbytes == -(-height * width // 8)
