"""Shapes and the two forms; without the real weights no figure can be tested."""

import pytest
import torch
from safetensors.torch import save_file

from lgtsm.errors import OptionError, ShapeError, WeightsError
from lgtsm.evaluate.metrics.i3d import I3D, MIN_FRAMES, Form, load_i3d, video_features
from lgtsm.evaluate.metrics.lpips_distance import has_lpips, load_lpips, published_lpips


@pytest.fixture(scope="module")
def network():
    """I3D with small random weights."""
    net, g = I3D(), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for value in net.parameters():
            if value.dim() == 5:
                value.copy_(torch.randn(value.shape, generator=g) * (2 / value[0].numel()) ** 0.5)
    return net.eval().requires_grad_(False)


def test_mixed_5c_has_the_published_shape(network):
    with torch.no_grad():
        assert network(torch.zeros(1, 3, 15, 64, 96)).shape == (1, 1024, 2, 2, 3)


def test_parameters_number_those_of_the_paper_without_its_classifier(network):
    # 12.7 M with 400 classes: 1024 x 400 weights and 400 biases fewer
    count = sum(p.numel() for p in network.parameters())
    assert count + 1024 * 400 + 400 == 12_697_264


def test_forms_differ_and_repeat(network):
    clip = torch.rand(9, 3, 40, 48, generator=torch.Generator().manual_seed(1))
    found = {form: video_features(network, clip, form) for form in Form}
    assert found[Form.PUBLISHED].shape == found[Form.CORRECTED].shape == (1024,)
    assert not torch.allclose(found[Form.PUBLISHED], found[Form.CORRECTED])
    for form in (Form.CORRECTED, Form.PUBLISHED, Form.PUBLISHED):
        torch.testing.assert_close(video_features(network, clip, form), found[form])
    assert not network.training


def test_published_form_uses_the_statistics_of_the_clip(network):
    """Batch norm of the first layer cancels a gain of the input."""
    clip = torch.rand(8, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    # offset alone would show at the zero padding, so gain alone
    change = {}
    for form in Form:
        plain, bright = (video_features(network, x, form) for x in (0.5 * clip, clip))
        change[form] = float((plain - bright).norm() / bright.norm())
    assert change[Form.PUBLISHED] < 0.1
    assert change[Form.CORRECTED] > 0.2


def test_short_clips_are_refused(network, one_sentence):
    for shape in ((MIN_FRAMES - 1, 3, 64, 64), (MIN_FRAMES, 3, 64, 32)):
        with pytest.raises(ShapeError) as caught:
            video_features(network, torch.zeros(shape), Form.CORRECTED)
        one_sentence(caught.value)


def test_weights_are_read_by_path_and_others_refused(network, tmp_path, one_sentence):
    path = tmp_path / "i3d.safetensors"
    stored = {k: v.contiguous() for k, v in network.state_dict().items()}
    save_file(stored | {"logits.conv3d.bias": torch.zeros(400)}, path)
    loaded = load_i3d(path)
    for name, value in loaded.state_dict().items():
        assert torch.equal(value, stored[name])
    with pytest.raises(WeightsError) as caught:
        load_i3d(tmp_path / "none.safetensors")
    one_sentence(caught.value)
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(WeightsError):
        load_i3d(path)
    save_file({**stored, "Conv3d_2b_1x1.conv3d.weight": torch.zeros(1)}, path)
    with pytest.raises(WeightsError):
        load_i3d(path)


def test_lpips_gets_truncated_bytes_in_minus_one_to_one():
    seen = []

    def network(a, b):
        seen.append((a, b))
        return (a - b).abs().mean((1, 2, 3), keepdim=True)

    distances = published_lpips(network, torch.ones(2, 3, 4, 4), torch.full((2, 3, 4, 4), 0.999))
    assert distances.shape == (2,)
    assert float(seen[0][0].max()) == 1
    torch.testing.assert_close(seen[0][1], torch.full((2, 3, 4, 4), 254 / 127.5 - 1))


def test_lpips_without_its_package_is_an_error(one_sentence):
    with pytest.raises(OptionError) as caught:
        load_lpips("resnet")
    one_sentence(caught.value)
    if not has_lpips():
        with pytest.raises(OptionError) as caught:
            load_lpips()
        one_sentence(caught.value)
