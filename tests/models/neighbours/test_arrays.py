"""Every array of the golden vectors is compared by a test, which this list names."""

from __future__ import annotations

import re
from importlib import import_module

import numpy as np
import pytest

from lgtsm.models.neighbour_spec import CpnSpec, DfpnSpec, GuidedSpec
from lgtsm.models.spec import PAINTERS
from tests.models.neighbours.published_state import published_state
from tests.models.neighbours.vectors import SHARED, Vectors

_ALIGNERS, _CHN, _GUIDED, _LAYERS = (
    f"tests.models.neighbours.test_{name}" for name in ("aligners", "chn", "guided", "layers")
)
_LOSSES, _TRAINING = "tests.train.test_neighbour_losses", "tests.train.test_neighbours"
_HERE = __name__
CHECKED = {
    "dfpn": {
        r"[ab]_(video|hole)_u8|[ab]_flow_(16|64|full)|[ab]_corr_(ref0|abs_sum_per_ref)": (
            f"{_ALIGNERS}:test_dfpn_equals_the_original_where_frames_are_resized",
            f"{_ALIGNERS}:test_dfpn_equals_the_original_at_its_own_size",
        ),
        r"[ab]_(x_aligned|v_aligned_u8|v_map_u8)": (
            f"{_ALIGNERS}:test_samples_along_a_flow_of_dfpn_equal_the_original",
        ),
        r"[ab]_(corr_raw_sub4|vgg_pool4_target_(mean_std|first16))": (
            f"{_ALIGNERS}:test_features_and_correlation_equal_the_original",
        ),
        r"b_loss_(items|total)_(gtflow|noflow)": (
            f"{_LOSSES}:test_losses_of_dfpn_equal_the_original",
        ),
        r"s_seed7_(affines|next_randint)": (
            f"{_LOSSES}:test_draws_of_the_motion_are_the_published_ones",
        ),
        r"s_frame_u8|s_n[235]_(frames|flow|affines)": (
            f"{_LOSSES}:test_synthetic_motion_equals_the_original",
        ),
        r"s_(resize_flow_18x20|crop_flow_20x24_at_3_5)": (
            f"{_LOSSES}:test_flow_is_cut_and_resized_as_in_the_original",
        ),
        r"s_dilate_(in|out)_u8": (f"{_TRAINING}:test_holes_grow_as_published",),
    },
    "cpn_align": {
        r"[ab]_(video_u8|hole_u8|theta|x_aligned|v_aligned_u8|v_map_u8)": (
            f"{_ALIGNERS}:test_the_affine_aligner_equals_the_original",
        ),
        "fc_bias": (f"{_HERE}:test_weights_of_the_formula_are_the_stored_ones",),
    },
    "cpn_full": {
        r"(video|hole)_u8|ac[01]_(comp|pred_padded|c_mask_padded|decoder_in_sub)": (
            f"{_ALIGNERS}:test_copy_and_paste_equals_the_original_in_both_meanings_of_corners",
        ),
        r"cm_(feats|v_target|v_aligned|out|mask)": (
            f"{_ALIGNERS}:test_context_matching_equals_the_original",
        ),
    },
    "chn": {
        r"a_(video_u8|hole_u8|raw|y_hat|y_hat_comp|v_aligned_u8|v_map_u8)": (
            f"{_CHN}:test_network_equals_the_original",
        ),
        r"loss_(items|total|requires_grad|grad_norm_conv_(last|first0))": (
            f"{_LOSSES}:test_losses_of_chn_equal_the_original",
        ),
        r"i_(video|hole)_u8|i_\w+_(out|calls)": (
            f"{_CHN}:test_orders_equal_the_original_call_by_call",
        ),
        r"idx_\w+|order_\w+": (f"{_CHN}:test_lists_of_frames_equal_the_original",),
    },
    "guided": {
        r"a_(video_u8|hole_u8|flow_quarter|flow_err_quarter|pred_sub4|pred_crop)": (
            f"{_GUIDED}:test_published_network_equals_the_original",
        ),
        r"b_(video_u8|hole_u8|flow_f16|flow_err_f16|pred|(read|write)_attn_block0)": (
            f"{_GUIDED}:test_maps_that_windows_do_not_divide_equal_the_original",
        ),
        r"c_(video_u8|hole_u8|flow_f16|flow_err_f16|pred)": (
            f"{_GUIDED}:test_variant_with_grouped_convolutions_equals_the_original",
        ),
        "fourier_pos_4x6": (f"{_GUIDED}:test_positions_equal_the_original",),
        r"d_\w+": (f"{_LOSSES}:test_discriminator_and_losses_of_the_carrier_equal_the_original",),
        r"f_\w+": (f"{_GUIDED}:test_completed_flow_and_samples_along_it_equal_the_original",),
    },
}
"""File -> names of arrays, and the tests that compare them or read them."""
EVERYWHERE = {
    r"probe_first8_.*": (f"{_HERE}:test_weights_of_the_formula_are_the_stored_ones",),
    r"\w+_layer_(names|shapes|mean_std_abssum|first8)": (
        f"{_LAYERS}:test_every_layer_equals_the_original",
    ),
}
SPECS = {
    "dfpn": DfpnSpec(),
    "cpn_align": CpnSpec(whole=False),
    "chn": PAINTERS["chn"],
    "guided": GuidedSpec(),
}


@pytest.mark.skipif(
    not SHARED.is_dir(), reason="needs ../shared/golden, which is not part of the repository"
)
def test_every_array_is_listed_once_and_every_test_listed_exists():
    files = {path.stem: np.load(path).files for path in SHARED.glob("*.npz")}
    assert files.keys() == CHECKED.keys()
    for name, arrays in files.items():
        rows = CHECKED[name] | EVERYWHERE
        for array in arrays:
            found = [pattern for pattern in rows if re.fullmatch(pattern, array)]
            assert len(found) == 1, (name, array)
        for pattern, tests in rows.items():
            if pattern not in EVERYWHERE:
                assert any(re.fullmatch(pattern, array) for array in arrays), pattern
            for test in tests:
                module, _, function = test.partition(":")
                assert hasattr(import_module(module), function), test


@pytest.mark.parametrize("name", CHECKED)
def test_every_array_in_the_repository_is_listed(name):
    rows = CHECKED[name] | EVERYWHERE
    for array in Vectors(name).names:
        assert any(re.fullmatch(pattern, array) for pattern in rows), array


@pytest.mark.parametrize("name", SPECS)
def test_weights_of_the_formula_are_the_stored_ones(name):
    vectors, spec = Vectors(name), SPECS[name]
    state = {key.removeprefix("generator."): x for key, x in published_state(spec).items()}
    probes = [array for array in vectors.names if array.startswith("probe_first8_")]
    assert probes
    for probe in probes:
        key = probe.removeprefix("probe_first8_")
        assert np.allclose(state[key].flatten()[:8], vectors[probe], atol=1e-7), key
    if name == "cpn_align":
        assert np.allclose(state["A_Regressor.fc.bias"], vectors["fc_bias"], atol=1e-7)
