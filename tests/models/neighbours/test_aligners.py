"""DFPN and CPN against figures of the original code."""

from __future__ import annotations

import pytest
import torch

from lgtsm.align.sampling import sample_at
from lgtsm.errors import ShapeError
from lgtsm.models.neighbour_spec import CpnSpec, DfpnSpec
from lgtsm.models.neighbours.cpn import Cpn, match_context
from lgtsm.models.neighbours.frames import Aligner, Views, align_along, normalise, resize
from tests.models.neighbours.published_state import formula_network
from tests.models.neighbours.vectors import Vectors, spread


@pytest.fixture(scope="module")
def dfpn():
    return formula_network(DfpnSpec())


def _masks_of_flow_near(vectors, prefix, dfpn, views, flow, step=1):
    """Compare what is brought along a flow that was found already: finding it takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dfpn, "forward", lambda given, compared: flow)
        _masks_near(vectors, prefix, dfpn.align(views), step)


def _masks_near(vectors, prefix, aligned, step=1):
    for part, name in ((aligned.known, "v_aligned_u8"), (aligned.gained, "v_map_u8")):
        vectors.assert_near(part.transpose(1, 2)[..., ::step, ::step], f"{prefix}_{name}")


def _aligned_near(vectors, prefix, aligned, step=1):
    frames = aligned.frames.transpose(1, 2)[..., ::step, ::step]
    vectors.assert_near(frames, f"{prefix}_x_aligned")
    _masks_near(vectors, prefix, aligned, step)


@pytest.mark.slow
@pytest.mark.parametrize(("case", "repeats"), [("a", 1), ("b", 8)])
@torch.no_grad()
def test_features_and_correlation_equal_the_original(case, repeats, dfpn):
    vectors = Vectors("dfpn")
    views = vectors.views(f"{case}_", repeats)
    target = resize(normalise(views.filled()[0]), (dfpn.side, dfpn.side))
    features = dfpn.vgg(target)
    found = [features.double().mean().item(), features.double().std().item()]
    assert found == pytest.approx(list(vectors[f"{case}_vgg_pool4_target_mean_std"]), rel=1e-5)
    vectors.assert_near(features.flatten()[:16], f"{case}_vgg_pool4_target_first16")
    if f"{case}_corr_raw_sub4" in vectors:
        raw = dfpn.raw_correlation(views)[:, :, ::4, ::4]
        vectors.assert_near(raw, f"{case}_corr_raw_sub4")


@pytest.mark.slow
def test_dfpn_equals_the_original_where_frames_are_resized(dfpn):
    vectors = Vectors("dfpn")
    views = vectors.views("a_")
    flow = dfpn(views)
    vectors.assert_near(flow.correlation[:, 0], "a_corr_ref0")
    for found, name in (
        (flow.flow_16, "flow_16"),
        (flow.flow_64, "flow_64"),
        (flow.flow, "flow_full"),
    ):
        vectors.assert_near(found.permute(0, 1, 3, 4, 2), f"a_{name}")
    sums = flow.correlation.double().abs().sum((0, 2, 3, 4, 5))
    torch.testing.assert_close(
        sums, torch.from_numpy(vectors["a_corr_abs_sum_per_ref"]), rtol=1e-5, atol=0
    )
    _masks_of_flow_near(vectors, "a", dfpn, views, flow)


@pytest.mark.slow
def test_dfpn_equals_the_original_at_its_own_size(dfpn):
    vectors = Vectors("dfpn")
    views = vectors.views("b_", repeats=8)
    flow = dfpn(views)
    for found, name in (
        (flow.flow_16, "flow_16"),
        (flow.flow_64[..., ::2, ::2], "flow_64"),
        (flow.flow[..., ::8, ::8], "flow_full"),
    ):
        vectors.assert_near(found.permute(0, 1, 3, 4, 2), f"b_{name}")
    if "b_corr_ref0" in vectors:
        vectors.assert_near(flow.correlation[:, 0, ::4, ::4], "b_corr_ref0")
        sums = flow.correlation.double().abs().sum((0, 2, 3, 4, 5))
        assert sums.tolist() == pytest.approx(list(vectors["b_corr_abs_sum_per_ref"]), rel=1e-5)
    _masks_of_flow_near(vectors, "b", dfpn, views, flow, 8)


@pytest.mark.parametrize(("case", "repeats"), [("a", 1), ("b", 8)])
def test_samples_along_a_flow_of_dfpn_equal_the_original(case, repeats):
    """Along the original's own flow, because a whole run cannot come closer than that flow.

    The frames of case b are made of flat blocks, and at their edges a position that is 8e-6 off, 1e-3 px,
    changes a sample by 6e-4. A float64 run of the same weights is 7.9e-6 from the stored flow and 6.2e-4
    from the stored samples, our float32 run 8.3e-6 and 6.3e-4: the vector's own rounding, on another
    processor. In case a it is 3.4e-5 and 4e-4, our float32 run 7.2e-6 and 1.2e-4.
    """
    vectors = Vectors("dfpn")
    flow = vectors.tensor(f"{case}_flow_full").permute(0, 1, 4, 2, 3)
    aligned = align_along(vectors.views(f"{case}_", repeats), spread(flow, repeats))
    _aligned_near(vectors, case, aligned, repeats)


@pytest.mark.parametrize("case", ["a", "b"])
def test_the_affine_aligner_equals_the_original(case):
    vectors = Vectors("cpn_align")
    network = formula_network(CpnSpec(whole=False, align_corners=False))
    views = vectors.views(f"{case}_")
    vectors.assert_near(network.theta(network.compared(views)), f"{case}_theta")
    _aligned_near(vectors, case, network.align(views))


@pytest.mark.parametrize("corners", [False, True])
@torch.no_grad()
def test_copy_and_paste_equals_the_original_in_both_meanings_of_corners(corners):
    vectors, prefix = Vectors("cpn_full"), f"ac{int(corners)}"
    network = formula_network(CpnSpec(align_corners=corners))
    assert isinstance(network, Cpn)
    found = network(vectors.views())
    vectors.assert_near(found.composed, f"{prefix}_comp")
    vectors.assert_near(found.raw, f"{prefix}_pred_padded")
    vectors.assert_near(found.features[:, -1:], f"{prefix}_c_mask_padded")
    vectors.assert_near(found.features[:, ::16], f"{prefix}_decoder_in_sub")


def test_context_matching_equals_the_original():
    vectors = Vectors("cpn_full")
    features, shown = vectors.tensor("cm_feats"), vectors.tensor("cm_v_aligned")
    joined = match_context(
        features[:, :, 0],
        vectors.tensor("cm_v_target"),
        features[:, :, 1:].transpose(1, 2),
        shown.transpose(1, 2),
    )
    vectors.assert_near(joined, "cm_out")
    vectors.assert_near(joined[:, -1:], "cm_mask")


@pytest.mark.parametrize(
    "spec",
    [
        DfpnSpec(width=8, side=64),
        CpnSpec(whole=False, align_corners=False),
        CpnSpec(whole=False, align_corners=True),
    ],
    ids=["dfpn", "cpn_edges", "cpn_corners"],
)
def test_coordinates_say_where_samples_were_taken(spec, toy_clip):
    network = formula_network(spec)
    assert isinstance(network, Aligner)
    views = Views.of_clip(toy_clip[None, :2, :, :40], torch.zeros(1, 2, 1, 40, 64), 0)
    frame, other = ((x, torch.ones_like(x[:, :1])) for x in (views.target, views.references[0]))
    coords = network.coords(frame, other, network.compared(views))[0]
    aligned = network.align(views)
    inside = (coords >= 0.5).all(0) & (coords[0] <= 63.5) & (coords[1] <= 39.5)
    assert inside.float().mean() > 0.1
    sampled = sample_at(views.references[0], coords[None])
    torch.testing.assert_close(
        sampled[0][:, inside], aligned.frames[0, 0][:, inside], atol=1e-4, rtol=0
    )


def test_frames_of_other_sizes_are_refused(one_sentence):
    frame, hole = torch.zeros(1, 3, 8, 8), torch.zeros(1, 1, 8, 8)
    with pytest.raises(ShapeError, match="of the same size") as caught:
        Views(frame, hole, torch.zeros(1, 1, 3, 8, 12), torch.zeros(1, 1, 1, 8, 12))
    one_sentence(caught.value)


def test_a_single_frame_is_refused_by_what_reads_two(one_sentence):
    with pytest.raises(ShapeError, match="beside the target, got none") as caught:
        Views.of_clip(torch.zeros(1, 1, 3, 8, 8), torch.zeros(1, 1, 1, 8, 8), 0)
    one_sentence(caught.value)
