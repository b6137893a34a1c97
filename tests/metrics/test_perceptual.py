import pytest
import torch
from safetensors.torch import save_file

from lgtsm.errors import WeightsError
from lgtsm.metrics.perceptual import SqueezeNetFeatures, distance_of_features, load_features

SQUEEZE = {2: (96, 16, 64), 3: (128, 16, 64), 4: (128, 32, 128), 5: (256, 32, 128)}
SQUEEZE |= {6: (256, 48, 192), 7: (384, 48, 192), 8: (384, 64, 256), 9: (512, 64, 256)}


@pytest.fixture(scope="module")
def weights():
    """Random weights of the shapes of SqueezeNet v1.0."""
    g = torch.Generator().manual_seed(0)
    shapes = {"conv1": (96, 3, 7, 7)}
    for i, (inputs, squeezed, expanded) in SQUEEZE.items():
        shapes[f"fire{i}.squeeze1x1"] = (squeezed, inputs, 1, 1)
        shapes[f"fire{i}.expand1x1"] = (expanded, squeezed, 1, 1)
        shapes[f"fire{i}.expand3x3"] = (expanded, squeezed, 3, 3)
    tensors = {}
    for name, shape in shapes.items():
        fan = shape[1] * shape[2] * shape[3]
        tensors[f"{name}.weight"] = torch.randn(shape, generator=g) * (2 / fan) ** 0.5
        tensors[f"{name}.bias"] = torch.zeros(shape[0])
    return tensors


def _distance(net, first, second):
    return distance_of_features(net(first), net(second))


def test_equal_frames_have_no_distance_and_worse_ones_more(weights, rng):
    net = SqueezeNetFeatures(weights)
    frame = torch.rand(1, 3, 48, 64, generator=rng)
    noise = torch.randn(frame.shape, generator=rng)
    distances = [
        float(_distance(net, frame, (frame + s * noise).clamp(0, 1))) for s in (0, 0.02, 0.1)
    ]
    assert distances[0] == 0
    assert distances == sorted(distances)
    assert distances[2] > 2 * distances[1]


def test_pairs_are_measured_independently_and_symmetrically(weights, rng):
    net = SqueezeNetFeatures(weights)
    a, b = torch.rand(2, 3, 3, 40, 40, generator=rng)
    both = _distance(net, a, b)
    alone = torch.cat([_distance(net, x[None], y[None]) for x, y in zip(a, b, strict=True)])
    torch.testing.assert_close(both, alone)
    torch.testing.assert_close(both, _distance(net, b, a))


def test_distance_of_one_tap_is_that_of_unit_vectors():
    one = torch.tensor([3.0, 4.0]).view(1, 2, 1, 1)
    two = torch.tensor([4.0, 3.0]).view(1, 2, 1, 1)
    # (0.6 - 0.8)^2 + (0.8 - 0.6)^2
    torch.testing.assert_close(distance_of_features([one], [two]), torch.tensor([0.08]))


def test_gradients_reach_the_frames(weights, rng):
    net = SqueezeNetFeatures(weights)
    frame = torch.rand(1, 3, 40, 40, generator=rng, requires_grad=True)
    _distance(net, frame, torch.rand(1, 3, 40, 40, generator=rng)).sum().backward()
    assert frame.grad.abs().sum() > 0


def test_files_that_are_something_else_are_refused(tmp_path):
    with pytest.raises(WeightsError):
        load_features(tmp_path / "missing.safetensors")
    path = tmp_path / "other.safetensors"
    save_file({"a": torch.zeros(1)}, path)
    with pytest.raises(WeightsError):
        load_features(path)


@pytest.mark.parametrize("damage", ["torn", "nan", "shape"])
def test_damaged_files_are_refused(damage, weights, tmp_path, one_sentence):
    path = tmp_path / "net.safetensors"
    changed = dict(weights)
    if damage == "nan":
        changed["conv1.bias"] = torch.full_like(weights["conv1.bias"], float("nan"))
    if damage == "shape":
        changed["conv1.weight"] = weights["conv1.weight"][:, :2].contiguous()
    save_file(changed, path)
    if damage == "torn":
        path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(WeightsError) as error:
        load_features(path)
    one_sentence(error.value)
