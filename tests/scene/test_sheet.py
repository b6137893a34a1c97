import pytest
import torch

from lgtsm.errors import OptionError
from lgtsm.scene.sheet import contact_sheet, side_by_side


def test_sheet_shows_every_frame_at_its_position():
    frames = torch.stack([torch.full((3, 10, 14), v) for v in (0.0, 0.5, 1.0)])
    sheet = contact_sheet([frames, frames.flip(0)], ["one", "two"])
    assert sheet.width > 3 * 14
    colours = {sheet.getpixel((8 + c * 20, 30)) for c in range(3)}
    assert colours == {(0, 0, 0), (128, 128, 128), (255, 255, 255)}


def test_sheet_refuses_rows_without_titles():
    with pytest.raises(OptionError):
        contact_sheet([torch.zeros(1, 3, 4, 4)], [])


def test_clips_side_by_side_have_even_sides_and_their_pixels():
    clip = torch.rand(2, 3, 5, 7, generator=torch.Generator().manual_seed(0))
    joined = side_by_side([clip, 1 - clip])
    assert joined.shape == (2, 3, 6, 18)
    assert torch.equal(joined[:, :, :5, :7], clip)
    assert torch.equal(joined[:, :, :5, 11:], 1 - clip)
