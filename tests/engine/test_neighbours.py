"""Aligners, painters and carriers in the engine: they do there what they do alone."""

from __future__ import annotations

import weakref
from dataclasses import replace

import pytest
import torch

import lgtsm
from lgtsm.align.learned import LearnedMotion
from lgtsm.copying.source_frames import Search
from lgtsm.engine.carrying import paint_guided
from lgtsm.errors import OptionError, ShapeError, WeightsError
from lgtsm.models.build import build
from lgtsm.models.neighbour_spec import CpnSpec, DfpnSpec, GuidedSpec
from lgtsm.models.neighbours.cpn_align import CpnAligner
from lgtsm.models.neighbours.dfpn import Dfpn
from lgtsm.models.neighbours.orders import frame_by_frame
from lgtsm.models.spec import PAINTERS, ChnSpec
from lgtsm.neighbour_options import Carry, NeighbourOptions
from lgtsm.options import InpaintOptions, Mode, Motion, RunOptions, Unseen
from lgtsm.weights.header import Card
from lgtsm.weights.neighbours import load_aligner
from lgtsm.weights.save import save_model
from tests.models.neighbours.published_state import formula_network

GUIDED = GuidedSpec(num_blocks=1, num_cross=1, side=2, fourier=False)


def _options(motion=Motion.AUTO, chunk=4, **changes):
    return InpaintOptions(motion=motion, run=RunOptions(device="cpu", chunk=chunk), **changes)


@pytest.fixture
def still_aligner(tmp_path):
    """Return the file of an aligner that finds no motion: the published initial values."""
    spec = CpnSpec(whole=False)
    network = formula_network(spec)
    network.regressor["fc"].weight.zero_()
    network.regressor["fc"].bias.copy_(torch.tensor([1.0, 0, 0, 0, 1, 0]))
    save_model(network, tmp_path / "still.safetensors", Card(spec=spec, licence="CC0-1.0"))
    return tmp_path / "still.safetensors"


@pytest.fixture
def painter():
    """Return a small CHN whose pictures depend on all that it reads."""
    spec = replace(PAINTERS["chn"], trunk=ChnSpec(num_blocks=1))
    network = build(spec)
    network.load_state_dict(_first_block(formula_network(PAINTERS["chn"]).state_dict()))
    return network.eval().requires_grad_(False)


def _first_block(state):
    later = tuple(f"painter.rrdb_trunk.{i}." for i in range(1, 20))
    return {key: value for key, value in state.items() if not key.startswith(later)}


def _still(clip):
    return clip[:1].expand(len(clip), -1, -1, -1).contiguous()


@pytest.mark.slow
def test_an_aligner_lends_pixels_of_other_frames(still_aligner, toy_clip, toy_holes):
    frames = _still(toy_clip)
    holes = torch.roll(toy_holes, 3, 0)
    given = torch.where(holes > 0, 1 - frames, frames)
    options = _options(
        Motion.CPN, mode=Mode.COPY, neighbours=NeighbourOptions(aligner_model=still_aligner)
    )
    found = lgtsm.inpaint(given, holes, options=options)
    seen = holes * (holes.mean(0, keepdim=True) < 1)  # some frame shows these
    assert ((found - frames).abs() * seen).max() < 0.02
    assert torch.equal(found * (1 - holes), given * (1 - holes))


@pytest.fixture
def count_features(monkeypatch):
    """Return a function that has an aligner's features counted: how often, and how many at once."""

    def count(kind):
        plain, made, alive = kind.features, [], []

        def features(self, pixels, holes):
            made.append(weakref.ref(found := plain(self, pixels, holes)))
            alive.append(sum(ref() is not None for ref in made))
            return found

        monkeypatch.setattr(kind, "features", features)
        return alive

    return count


@pytest.mark.slow
def test_features_of_a_frame_are_computed_once(
    count_features, monkeypatch, tmp_path, toy_clip, toy_holes
):
    toy_clip, toy_holes = (torch.cat([x, x[:4]]) for x in (toy_clip, toy_holes))
    spec = DfpnSpec(width=4, side=32)
    save_model(
        formula_network(spec), tmp_path / "a.safetensors", Card(spec=spec, licence="CC0-1.0")
    )
    chosen = NeighbourOptions(aligner_model=tmp_path / "a.safetensors")
    options = _options(Motion.DFPN, 1, mode=Mode.COPY, reach=1, neighbours=chosen)
    alive = count_features(Dfpn)
    found = lgtsm.inpaint(toy_clip, toy_holes, options=options)
    assert len(alive) == len(toy_clip)
    assert max(alive) <= 10  # itself, 3 before, 3 after and 3 that are gathered with it
    fresh = LearnedMotion.features
    monkeypatch.setattr(LearnedMotion, "forget", lambda self, before: None)
    monkeypatch.setattr(
        LearnedMotion,
        "features",
        lambda self, t, frame: self._features.clear() or fresh(self, t, frame),
    )
    assert torch.equal(lgtsm.inpaint(toy_clip, toy_holes, options=options), found)
    assert len(alive) > 3 * len(toy_clip)


@pytest.mark.slow
def test_a_painter_computes_the_features_of_a_reference_once(
    painter, still_aligner, count_features, toy_clip, toy_holes
):
    steps, alive = [], count_features(CpnAligner)
    painter.painter.register_forward_pre_hook(lambda _, args: steps.append(args[0]))
    chosen = NeighbourOptions(aligner_model=still_aligner)
    lgtsm.inpaint(
        toy_clip, toy_holes, painter, _options(Motion.CPN, mode=Mode.FILL, neighbours=chosen)
    )
    assert len(alive) == len(steps) + len(toy_clip)


@pytest.mark.slow
def test_auto_weighs_an_aligner_with_the_others(still_aligner, toy_clip, toy_holes):
    chosen = NeighbourOptions(aligner_model=still_aligner)
    options = _options(mode=Mode.COPY, neighbours=chosen)
    report = lgtsm.inpaint_clip(toy_clip, toy_holes, options=options).report
    assert report.sources["planar"] > report.sources["flow"]  # the camera moves, it finds none
    alone = _options(Motion.CPN, mode=Mode.COPY, neighbours=chosen)
    report = lgtsm.inpaint_clip(toy_clip, toy_holes, options=alone).report
    assert report.sources["planar"] == report.sources["none"] == 0


@pytest.mark.slow
@pytest.mark.parametrize("chunk", [1, 5])
def test_a_painter_gives_the_published_order(chunk, painter, still_aligner, toy_clip, toy_holes):
    chosen = NeighbourOptions(aligner_model=still_aligner)
    options = _options(Motion.CPN, mode=Mode.FILL, chunk=chunk, neighbours=chosen)
    found = lgtsm.inpaint(toy_clip, toy_holes, painter, options)
    aligner = load_aligner(still_aligner)
    alone = frame_by_frame(painter.painter, aligner.align, toy_clip, toy_holes)
    expected = torch.where(toy_holes > 0, alone, toy_clip)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    "motion", [Motion.NONE, Motion.PLANAR, pytest.param(Motion.AUTO, marks=pytest.mark.slow)]
)
def test_a_painter_uses_the_motion_that_the_engine_found(motion, painter, toy_clip, toy_holes):
    calls = []
    painter.painter.register_forward_pre_hook(lambda _, args: calls.append(args[1]))
    lgtsm.inpaint(toy_clip[:4], toy_holes[:4], painter, _options(motion, mode=Mode.FILL))
    aligned = calls[0]
    shown = aligned.known[0] > 0
    difference = ((aligned.frames[0, 0] - toy_clip[0]).abs() * shown[0]).max()
    assert (difference < 0.1) == (motion is not Motion.NONE)


def test_a_painter_keeps_copies_that_are_sure(painter, toy_clip, toy_holes):
    frames = _still(toy_clip)
    found = lgtsm.inpaint_clip(frames, toy_holes, painter, _options(Motion.NONE))
    copied = lgtsm.inpaint_clip(frames, toy_holes, None, _options(Motion.NONE, mode=Mode.COPY))
    same = (found.frames == copied.frames).all(1, keepdim=True)
    assert (same * toy_holes).sum() > 0.5 * toy_holes.sum()


@pytest.mark.parametrize("size", [pytest.param((45, 61), marks=pytest.mark.slow), (10, 13)])
def test_odd_sizes_single_frames_and_empty_holes(size, painter, still_aligner):
    frames = torch.rand(3, 3, *size, generator=torch.Generator().manual_seed(1))
    holes = torch.zeros(3, 1, *size)
    chosen = NeighbourOptions(aligner_model=still_aligner)
    options = _options(Motion.CPN, neighbours=chosen)
    assert torch.equal(lgtsm.inpaint(frames, holes, painter, options), frames)
    holes[1, :, 2:7, 3:9] = 1
    for clip, hole in ((frames, holes), (frames[1:2], holes[1:2])):
        found = lgtsm.inpaint(clip, hole, painter, options)
        assert found.isfinite().all()
        assert torch.equal(found * (1 - hole), clip * (1 - hole))


@pytest.mark.parametrize("size", [(32, 40), (13, 50)])
@torch.no_grad()
def test_a_carrier_paints_frames_of_any_size(size):
    network = formula_network(GUIDED)
    rng = torch.Generator().manual_seed(2)
    frame, guide = (torch.rand(1, 3, *size, generator=rng) for _ in range(2))
    hole = torch.zeros(1, 1, *size)
    hole[..., 4:9, 6:20] = 1
    still = torch.zeros(1, 2, *size)
    painted = paint_guided(network, frame, hole, [guide, frame], [still, still])
    assert painted.shape == frame.shape
    other = torch.where(hole > 0, 1 - frame, frame)
    under = paint_guided(network, other, hole, [guide, frame], [still, still])
    assert torch.equal(painted, under)  # what lies under the hole counts for nothing
    guided = paint_guided(network, frame, hole, [1 - guide, frame], [still, still])
    assert not torch.equal(painted, guided)


def test_a_guide_of_another_size_is_one_sentence(one_sentence):
    frame, hole = torch.zeros(1, 3, 32, 40), torch.zeros(1, 1, 32, 40)
    with pytest.raises(ShapeError, match="bring all to one size") as caught:
        paint_guided(
            formula_network(GUIDED), frame, hole, [torch.zeros(1, 3, 32, 48)], [frame[:, :2]]
        )
    one_sentence(caught.value)


@pytest.mark.slow
def test_key_frames_are_carried_by_a_network(tmp_path, toy_clip):
    save_model(
        formula_network(GUIDED), tmp_path / "g.safetensors", Card(spec=GUIDED, licence="CC0-1.0")
    )
    frames, holes = _still(toy_clip)[:5], torch.zeros(5, 1, 48, 64)
    holes[:, :, 14:34, 20:44] = 1  # no frame shows what is behind
    carried = NeighbourOptions(carry=Carry.GUIDED, carrier_model=tmp_path / "g.safetensors")
    found = {
        name: lgtsm.inpaint(frames, holes, options=_options(mode=Mode.COPY, neighbours=chosen))
        for name, chosen in (("guided", carried), ("motion", NeighbourOptions()))
    }
    difference = (found["guided"] - found["motion"]).abs().mean((1, 2, 3))
    assert difference[1:].min() > 0.01
    assert difference[0] < 0.1 * difference[1:].min()  # the key frame itself, smoothed in time
    assert torch.equal(found["guided"] * (1 - holes), frames * (1 - holes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"motion": Motion.DFPN}, "Expected an aligner_model for motion dfpn, got none"),
        (
            {"motion": Motion.FLOW, "neighbours": NeighbourOptions(aligner_model="x")},
            "Expected motion dfpn, cpn or auto with an aligner_model, got flow",
        ),
    ],
)
def test_motions_and_networks_that_do_not_fit_are_one_sentence(changes, message, one_sentence):
    with pytest.raises(OptionError, match=message) as caught:
        InpaintOptions(**changes)
    one_sentence(caught.value)


@pytest.mark.parametrize("given", [{"carry": "guided"}, {"carrier_model": "x"}])
def test_carriers_come_with_their_file(given, one_sentence):
    with pytest.raises(OptionError, match="carry guided and its carrier_model together") as caught:
        NeighbourOptions(**given)
    one_sentence(caught.value)


def test_the_wrong_family_is_one_sentence(still_aligner, toy_clip, toy_holes, one_sentence):
    chosen = NeighbourOptions(aligner_model=still_aligner)
    with pytest.raises(WeightsError, match="Expected dfpn as the aligner") as caught:
        lgtsm.inpaint(toy_clip, toy_holes, options=_options(Motion.DFPN, neighbours=chosen))
    one_sentence(caught.value)
    with pytest.raises(WeightsError, match="Expected a network that fills") as caught:
        lgtsm.inpaint(toy_clip, toy_holes, still_aligner)
    one_sentence(caught.value)


def test_a_search_without_its_network_is_one_sentence(one_sentence):
    with pytest.raises(OptionError, match="Expected an aligner for motion cpn") as caught:
        Search.of(Motion.CPN, (2, 2), 2)
    one_sentence(caught.value)


def test_memory_of_a_painter_is_estimated():
    sizes = {
        unseen: lgtsm.estimate(20, 240, 432, _options(unseen=unseen), PAINTERS["chn"])
        for unseen in (Unseen.AUTO, Unseen.NETWORK)
    }
    assert all(10**8 < size < 10**10 for size in sizes.values())
