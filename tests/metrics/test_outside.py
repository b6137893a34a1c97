"""Which changes outside the mask are more than an encoder makes."""

import torch

from lgtsm.metrics.outside import OutsideChange

COLOUR_ALONE = torch.tensor([0.587, -0.299, 0.0])[:, None, None]  # no luma


def _changed(change):
    outside, original = OutsideChange(), torch.full_like(change, 0.5)
    outside.add(original, original + change, torch.zeros_like(change[:1]))
    return outside


def test_a_brighter_block_is_found_although_the_encoder_changes_colours_as_much():
    encoder = (10 / 255 * COLOUR_ALONE).expand(3, 64, 96)
    wrong = encoder.clone()
    wrong[:, 8:16, 8:16] = 6 / 255
    encoded, result = _changed(encoder), _changed(wrong)
    assert result.worst_block < 2 * encoded.worst_block  # by colours alone it would pass
    assert "6.0 of 255 in brightness" in result.is_more_than(encoded)
    assert not _changed(1.5 * encoder / 1.4).is_more_than(encoded)


def test_a_block_of_another_colour_is_found_at_the_same_brightness():
    encoded = _changed((1 / 255 * COLOUR_ALONE).expand(3, 64, 96))
    wrong = (1 / 255 * COLOUR_ALONE).repeat(1, 64, 96)
    wrong[:, 8:16, 8:16] *= 6
    assert "of 255, where" in _changed(wrong).is_more_than(encoded)
