"""Losses against figures made by running the authors' code."""

from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
import torch

from lgtsm.errors import WeightsError
from train.losses import reconstruction as pixels
from train.losses.adversarial import (
    Adversarial,
    discriminator_loss,
    generator_loss,
)
from train.losses.features import Gram, perceptual_loss, style_loss
from train.losses.perceptual import Vgg16, load_perceptual, squared_channels

GOLDEN = Path(__file__).parents[1] / "golden" / "losses"


@pytest.fixture(scope="module")
def figures():
    with np.load(GOLDEN / "losses.npz", allow_pickle=False) as file:
        return dict(file)


@pytest.fixture(scope="module")
def clips(figures):
    """Return result, truth (2,3,3,32,40) and holes (2,3,1,32,40); the file has 1 = known."""
    result, truth = (
        torch.from_numpy(figures[k]).float() / 255 for k in ("outputs_u8", "targets_u8")
    )
    return result, truth, 1 - torch.from_numpy(figures["masks_u8"]).float()


@pytest.fixture(scope="module")
def vgg():
    return load_perceptual(GOLDEN / "vgg16_div16.safetensors")


def _close(value, figure):
    assert float(value) == pytest.approx(float(figure), rel=1e-5)


def test_pixel_losses_equal_the_published_code(clips, figures):
    result, truth, holes = clips
    _close(pixels.frame_l1(result, truth), figures["ReconLoss_unmasked"])
    _close(pixels.frame_l1_in_holes(result, truth, holes), figures["ReconLoss_masked"])
    _close(pixels.hole_l1(result, truth, holes), figures["L1LossMaskedMean"])
    _close(pixels.hole_l1(result, truth, holes), figures["CompleteFramesReconLoss"])
    _close(pixels.total_variation(result, holes), figures["TVLoss"])
    incomplete = torch.from_numpy(figures["imcomplete_u8"]).float() / 255
    loss = pixels.incomplete_l1(incomplete, truth, holes)
    _close(loss, figures["ImcompleteVideoReconLoss"])


def test_features_are_those_of_the_published_taps(vgg, clips, figures):
    first_frames = clips[0][:, 0]
    taps = dict(zip(("relu2_2", "relu3_3", "relu4_3"), vgg.taps(first_frames), strict=True))
    for name, tap in taps.items():
        assert tuple(tap.shape) == tuple(figures[f"feat_{name}_shape"])
        _close(tap.abs().mean(), figures[f"feat_{name}_absmean"])
        stored = torch.from_numpy(figures[f"feat_{name}_first32"])
        torch.testing.assert_close(tap.flatten()[:32], stored, rtol=1e-4, atol=1e-5)


def test_perceptual_and_style_losses_equal_the_published_code(vgg, clips, figures):
    def style(chosen, gram):
        taps = (vgg.taps(x[chosen].flatten(0, 1)) for x in clips[:2])
        count = len(clips[0][chosen])
        return style_loss(*taps, vgg.divisors, num_samples=count, gram=gram)

    a, b = (vgg.taps(x.flatten(0, 1)) for x in clips[:2])
    _close(perceptual_loss(a, b), figures["VGGLoss"])
    name = "StyleLoss_original_channel_norm"
    _close(style(slice(None), Gram.BATCH), figures[name])
    for chosen, item in ((slice(0, 1), "first"), (slice(1, 2), "second")):
        for gram in Gram:
            _close(style(chosen, gram), figures[f"{name}_{item}_item_only"])


def test_a_gram_matrix_a_sample_does_not_depend_on_the_batch(vgg, clips):
    def style(chosen):
        return style_loss(*(vgg.taps(x[chosen].flatten(0, 1)) for x in clips[:2]), vgg.divisors)

    both = style(slice(None))
    torch.testing.assert_close(both, (style(slice(0, 1)) + style(slice(1, 2))) / 2)


@pytest.mark.parametrize("gram", Gram)
def test_the_style_loss_is_computed_in_float32_in_half_precision_runs(gram, rng):
    truth = torch.rand(4, 8, 12, 12, generator=rng)
    result = truth + 1e-3 * torch.randn(truth.shape, generator=rng)

    def style():
        return style_loss([result], [truth], [2.0], num_samples=2, gram=gram)

    with torch.autocast("cpu", torch.bfloat16):
        half = style()
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, style(), rtol=1e-6, atol=0)


def _formula(tag, shape):
    """Return the array that the stored losses were computed on; its formula is a hash."""
    with np.errstate(over="ignore"):
        h = np.arange(np.prod(shape), dtype=np.uint32) * np.uint32(2654435761)
        h += np.uint32(crc32(tag.encode()))
        h ^= h >> np.uint32(15)
        h *= np.uint32(2246822519)
        h ^= h >> np.uint32(13)
        h *= np.uint32(3266489917)
        h ^= h >> np.uint32(16)
    u = (h / 2**32 * 2 - 1) * np.sqrt(3)
    return torch.from_numpy(np.maximum(u, 0).astype(np.float32)).reshape(shape)


def test_losses_at_the_widths_of_vgg16_equal_the_published_code(figures):
    shapes = {"relu2_2": (1, 128, 4, 4), "relu3_3": (1, 256, 2, 2), "relu4_3": (1, 512, 2, 2)}
    a, b = ([_formula(f"{t}.{k}", s) for k, s in shapes.items()] for t in ("output", "target"))
    _close(perceptual_loss(a, b), figures["inject_VGGLoss"])
    published = style_loss(a, b, Vgg16.divisors)
    _close(published, figures["inject_StyleLoss_original_channel_norm"])
    paper = style_loss(a, b, squared_channels(a))
    _close(paper, figures["inject_StyleLoss_paper_channel_norm"])


@pytest.mark.parametrize("kind", Adversarial)
def test_adversarial_losses_equal_the_published_code(kind, figures):
    name = "scores_raw" if kind is Adversarial.HINGE else "scores_prob"
    scores = torch.from_numpy(figures[name])
    stored = {r: figures[f"adv_{kind.value}_real{r}_disc1"] for r in (0, 1)}
    perfect = torch.ones_like(scores)  # has no loss itself, so the other one's is left
    perfect_fake = -perfect if kind is Adversarial.HINGE else 0 * perfect
    _close(2 * discriminator_loss(kind, scores, perfect_fake), stored[1])
    _close(2 * discriminator_loss(kind, perfect, scores), stored[0])
    _close(generator_loss(kind, scores), figures[f"adv_{kind.value}_real1_disc0"])
    _close(discriminator_loss(kind, scores, scores), (stored[0] + stored[1]) / 2)


def test_clips_without_holes_have_no_loss_and_no_nan(clips):
    result, truth, holes = clips
    assert pixels.hole_l1(result, truth, torch.zeros_like(holes)) == 0
    assert pixels.incomplete_l1(result[..., ::2, ::2], truth, torch.zeros_like(holes)) == 0
    assert torch.isfinite(pixels.total_variation(result, torch.ones_like(holes)))


def test_gradients_of_a_composite_stay_in_the_hole(clips, vgg):
    result, truth, holes = (x.clone() for x in clips)
    result.requires_grad_()
    composed = pixels.compose(result, truth, holes)
    taps = (vgg.taps(x.flatten(0, 1)) for x in (composed, truth))
    perceptual_loss(*taps).backward()
    assert result.grad.abs().sum() > 0
    assert (result.grad * (1 - holes)).abs().sum() == 0


def test_a_feature_network_without_its_tensors_is_an_error(tmp_path, one_sentence):
    with pytest.raises(WeightsError, match=r"features\.0\.weight") as caught:
        Vgg16({})
    one_sentence(caught.value)
    with pytest.raises(WeightsError, match="no file") as caught:
        load_perceptual(tmp_path / "none.safetensors")
    one_sentence(caught.value)
    (tmp_path / "broken.safetensors").write_bytes(b"no header")
    with pytest.raises(WeightsError, match="broken") as caught:
        load_perceptual(tmp_path / "broken.safetensors")
    one_sentence(caught.value)
