from __future__ import annotations

import pytest
import torch

from lgtsm.copying.blend_weights import MOTIONS, NUM_FEATURES, BlendNetwork
from train.__main__ import main
from train.tools.blend_items import Pixels, without_motions
from train.tools.blend_weights import fit, score_blend_weights


def _frames(count, rng):
    """Frames whose first feature of the planar copy is 1 where that copy is right."""
    own = (NUM_FEATURES - len(MOTIONS) - 4) // len(MOTIONS)
    rows = []
    for _ in range(count):
        truth = torch.rand(80, 3, generator=rng)
        right = torch.rand(80, 1, generator=rng) < 0.5
        smooth = truth + 0.1 * torch.randn(80, 3, generator=rng)
        planar = torch.where(right, truth + 0.005, truth + 0.4)
        colours = torch.stack([smooth, smooth, planar, smooth], 1)
        features = 0.1 * torch.randn(80, NUM_FEATURES, generator=rng)
        features[:, own] = right[:, 0].float()
        shown = torch.tensor([1.0, 0, 1, 0]).expand(80, 4).clone()
        rows.append(Pixels(features, colours, shown, truth))
    return rows


def test_the_fit_finds_the_informative_feature(rng):
    network = fit(_frames(40, rng), 150, 0)
    blended, best = score_blend_weights(network, _frames(10, rng))
    assert blended > best + 1.5


def test_the_same_seed_gives_the_same_numbers(rng):
    rows = _frames(6, rng)
    one, two = fit(rows, 5, 3), fit(rows, 5, 3)
    for a, b in zip(one.parameters(), two.parameters(), strict=True):
        assert torch.equal(a, b)


def test_missing_candidates_get_no_weight(rng):
    (row,) = _frames(1, rng)
    bare = without_motions(row, (False, False, False))
    weights, _ = BlendNetwork()(bare.features, bare.shown)
    assert torch.equal(weights[:, 1:], torch.zeros_like(weights[:, 1:]))
    assert torch.allclose(weights[:, 0], torch.ones(80))


@pytest.mark.slow
def test_one_command_fits_blend_weights(toy_library, tmp_path, capsys):
    out = tmp_path / "blend_weights.safetensors"
    words = ["blend-weights", "--data", str(toy_library.root), "--out", str(out)]
    assert main([*words, "--clips", "2", "--steps", "3"]) == 0
    assert "dB on held-out sources" in capsys.readouterr().out
    assert out.is_file()
