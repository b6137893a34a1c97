"""The first guess compares a limited number of sources, spread over the whole picture."""

import pytest
import torch

from lgtsm.synthesis.peel import _MOST, _spread


def test_few_sources_are_all_compared():
    sources = torch.arange(_MOST)
    assert _spread(sources) is sources


@pytest.mark.parametrize("size", [(540, 960), (512, 1024), (1080, 1920)], ids=str)
def test_of_many_sources_some_of_every_row_and_most_columns_are_compared(size):
    height, width = size
    chosen = _spread(torch.arange(height * width))
    assert len(chosen) == _MOST == len(chosen.unique())
    assert len((chosen // width).unique()) == height
    assert len((chosen % width).unique()) > width / 2
