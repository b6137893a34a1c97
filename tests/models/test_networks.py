from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from lgtsm.copying.clip import clip_candidates
from lgtsm.errors import ShapeError
from lgtsm.models.build import build
from lgtsm.models.spec import FAMILIES, SMOOTHING_FRAMES

every_family = pytest.mark.parametrize("family", FAMILIES)
WITHOUT_GUIDANCE = ("refine", "combcn")
published = pytest.mark.parametrize("family", [f for f in FAMILIES if f not in WITHOUT_GUIDANCE])
on_trunk = pytest.mark.parametrize("family", [f for f in FAMILIES if f != "combcn"])


def _tiny(family):
    spec = FAMILIES[family]
    return replace(spec, trunk=replace(spec.trunk, width=4))


def _clip(rng, batch, length, height, width, dtype=torch.float32):
    frames = torch.rand(batch, length, 3, height, width, generator=rng, dtype=dtype)
    holes = (torch.rand(batch, length, 1, height, width, generator=rng) < 0.4).to(dtype)
    return frames, holes


@every_family
@pytest.mark.parametrize(("batch", "length", "size"), [(1, 1, (8, 12)), (2, 3, (24, 16))])
@torch.no_grad()
def test_shapes_are_kept(family, batch, length, size, rng):
    network = build(_tiny(family)).eval()
    frames, holes = _clip(rng, batch, length, *size)
    raw = network(frames, holes)
    assert raw.shape == frames.shape
    assert raw.isfinite().all()


@every_family
@pytest.mark.parametrize("size", [(10, 12), (12, 9)])
def test_sizes_that_are_no_multiple_of_4_are_refused(family, size, rng, one_sentence):
    network = build(_tiny(family))
    with pytest.raises(ShapeError, match="multiples of 4") as caught:
        network(*_clip(rng, 1, 1, *size))
    one_sentence(caught.value)


@every_family
def test_clips_and_holes_that_do_not_fit_are_refused(family, rng, one_sentence):
    network = build(_tiny(family))
    frames, holes = _clip(rng, 1, 3, 8, 8)
    wrong = [
        (frames, holes[:, :2]),
        (frames[0], holes[0]),
        (frames[:, :, :2], holes),
        (frames, holes[..., :4]),
        (frames, frames),
    ]
    for pair in wrong:
        with pytest.raises(ShapeError) as caught:
            network(*pair)
        one_sentence(caught.value)


@pytest.mark.parametrize("family", WITHOUT_GUIDANCE)
def test_guidance_is_refused_where_nothing_reads_it(family, rng, one_sentence):
    network = build(_tiny(family))
    frames, holes = _clip(rng, 1, 2, 8, 8)
    with pytest.raises(ShapeError) as caught:
        network(frames, holes, holes)
    one_sentence(caught.value)


@published
@torch.no_grad()
def test_guidance_of_zeros_is_no_guidance(family, random_network, rng):
    network = random_network(family)
    frames, holes = _clip(rng, 1, 2, 8, 8)
    plain = network(frames, holes)
    assert torch.equal(network(frames, holes, torch.zeros_like(holes)), plain)
    assert not torch.equal(network(frames, holes, torch.ones_like(holes)), plain)


@every_family
@torch.no_grad()
def test_items_of_a_batch_do_not_mix(family, random_network, rng):
    network = random_network(family)
    frames, holes = _clip(rng, 2, 3, 16, 12)
    both = network(frames, holes)
    for i in range(2):
        alone = network(frames[i : i + 1], holes[i : i + 1])
        torch.testing.assert_close(both[i : i + 1], alone, atol=1e-5, rtol=1e-5)


@every_family
@torch.no_grad()
def test_values_under_the_hole_do_not_matter(family, random_network, rng):
    network = random_network(family)
    frames, holes = _clip(rng, 1, 5, 16, 24)
    other = torch.where(holes > 0, torch.rand(frames.shape, generator=rng), frames)
    assert not torch.equal(other, frames)
    assert torch.equal(network(frames, holes), network(other, holes))


@pytest.mark.slow
@every_family
@torch.no_grad()
def test_context_is_the_reach_in_time(family, random_network, rng):
    # width 8 is the least at which the last layer, with 4 channels, shifts any of them
    network = random_network(family, width=8).double()
    past, future = network.spec.context
    length = past + future + 3
    frames, holes = _clip(rng, 1, length, 8, 8, torch.float64)
    at = future + 1
    # a hole that only frame `at` shows: families that copy fetch it from as far as they reach
    holes[...] = 0
    holes[..., 2:6, 2:6] = 1
    holes[:, at] = 0
    before = network(frames, holes)
    frames[:, at] = torch.rand(frames[:, at].shape, generator=rng, dtype=torch.float64)
    change = (network(frames, holes) - before).abs().amax((0, 2, 3, 4))
    # frame `at` is in the past of the frames after it and in the future of those before it
    touched = change.nonzero().flatten()
    # a neighbour's fill is averaged in by how far it agrees, which may be not at all
    slack = SMOOTHING_FRAMES if network.spec.starts_from_fill else 0
    assert at - future <= int(touched[0]) <= at - future + slack
    assert at + past - slack <= int(touched[-1]) <= at + past


@torch.no_grad()
def test_causal_output_never_changes_with_the_future(random_network, rng):
    network = random_network("lgtsm_causal", width=8)
    frames, holes = _clip(rng, 1, 12, 16, 16)
    before = network(frames, holes)
    frames[:, 6:] = torch.rand(frames[:, 6:].shape, generator=rng)
    holes[:, 6:] = 0
    assert torch.equal(network(frames, holes)[:, :6], before[:, :6])


@on_trunk
@torch.no_grad()
def test_margin_is_the_reach_in_space(family, random_network, rng):
    network = random_network(family).double()
    trunk, margin, width = network.trunk, network.spec.trunk.margin_px, 640
    planes = torch.rand(1, 1, trunk.spec.inputs, 8, width, generator=rng, dtype=torch.float64)
    before = trunk(planes)
    farthest = 0
    for column in range(318, 322):  # all four places on the grid of the strided layers
        changed = planes.clone()
        changed[..., 4, column] += 1
        touched = (trunk(changed) - before).abs().amax((0, 1, 2, 3)).nonzero().flatten()
        farthest = max(farthest, column - int(touched[0]), int(touched[-1]) - column)
    assert farthest == margin


@torch.no_grad()
def test_margin_of_combcn_is_the_reach_in_space():
    """Weights of 1 and no signal: an output is the number of ways to it from the one pixel lit."""
    spec = FAMILIES["combcn"]
    trunk = build(replace(spec, trunk=replace(spec.trunk, width=1))).double().eval().trunk
    for name, value in trunk.named_parameters():
        torch.nn.init.constant_(value, float(name.endswith("weight")))
    width, farthest = 704, 0
    for column in range(344, 352):  # all places on the grid of the strided layers
        planes = torch.zeros(1, 1, 4, 8, width, dtype=torch.float64)
        planes[..., 0, 4, column] = 1
        touched = trunk(planes).amax((0, 1, 2, 3)).nonzero().flatten()
        farthest = max(farthest, column - int(touched[0]), int(touched[-1]) - column)
    assert farthest == spec.trunk.margin_px


@torch.no_grad()
def test_untrained_refine_returns_the_candidate_fill(toy_clip, toy_holes):
    network = build(_tiny("refine")).eval()
    fill = clip_candidates(
        toy_clip, toy_holes, network.spec.window, network.spec.source_frames
    ).fill
    assert torch.equal(network(toy_clip[None], toy_holes[None])[0], fill)


@torch.no_grad()
def test_trained_refine_differs_from_the_fill_inside_the_hole(tiny_network, toy_clip, toy_holes):
    raw = tiny_network(toy_clip[None], toy_holes[None])[0]
    fill = clip_candidates(
        toy_clip, toy_holes, tiny_network.spec.window, tiny_network.spec.source_frames
    ).fill
    assert ((raw - fill).abs() * toy_holes).amax() > 1e-3


@torch.no_grad()
def test_gtsm_is_lgtsm_with_one_hot_kernels(random_network, rng):
    fixed = random_network("gtsm", width=8)
    spec = FAMILIES["lgtsm"]
    learned = build(replace(spec, trunk=replace(spec.trunk, width=8))).eval()
    missing = learned.load_state_dict(fixed.state_dict(), strict=False)
    assert all(name.endswith("shift.kernels") for name in missing.missing_keys)
    assert not missing.unexpected_keys
    frames, holes = _clip(rng, 1, 6, 16, 16)
    assert torch.equal(learned(frames, holes), fixed(frames, holes))


@torch.no_grad()
def test_observer_sees_every_layer_once(random_network, rng):
    network = random_network("lgtsm")
    seen = {}
    planes = torch.rand(1, 2, 5, 8, 8, generator=rng)
    output = network.trunk(planes, observe=seen.__setitem__)
    assert list(seen) == [module.layer.name for module in network.trunk.layers()]
    assert torch.equal(seen["conv11"].unflatten(0, (1, 2)), output)


def test_combcn_has_a_second_output_that_keeps_what_is_known(random_network, rng):
    network = random_network("combcn")
    frames, holes = _clip(rng, 2, 4, 16, 24)
    both = network.forward_all(frames, holes)
    assert torch.equal(both["raw"], network(frames, holes))
    assert both["incomplete"].shape == (2, 4, 3, 8, 12)
    small, hole = frames[..., ::2, ::2], holes[..., ::2, ::2].expand(2, 4, 3, 8, 12)
    assert torch.equal(both["incomplete"][hole == 0], small[hole == 0])
    assert not torch.equal(both["incomplete"][hole > 0], small[hole > 0])


def test_combcn_normalises_by_the_batch_in_training_alone(rng):
    network = build(_tiny("combcn"))
    frames, holes = _clip(rng, 1, 2, 32, 32)
    before = {name: value.clone() for name, value in network.named_buffers()}
    network.train()(frames, holes)
    moved = {name: value.clone() for name, value in network.named_buffers()}
    assert all(not torch.equal(value, before[name]) for name, value in moved.items())
    network.eval()(frames, holes)
    assert all(torch.equal(value, moved[name]) for name, value in network.named_buffers())


@pytest.mark.parametrize(
    "family", ["refine", "tsm", pytest.param("gated3d_skips", marks=pytest.mark.slow)]
)
def test_gradients_reach_every_parameter(family, random_network, toy_clip, toy_holes):
    network = random_network(family, width=8).requires_grad_(True)
    raw = network(toy_clip[None], toy_holes[None])
    raw.square().mean().backward()
    without = [n for n, p in network.named_parameters() if p.grad is None or not p.grad.any()]
    assert without == []
