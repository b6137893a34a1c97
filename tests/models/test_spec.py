from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import pytest
import torch

from lgtsm.errors import WeightsError
from lgtsm.models.build import build
from lgtsm.models.combcn_spec import COMBCN_LAYERS
from lgtsm.models.spec import (
    FAMILIES,
    LAYERS,
    NetworkSpec,
    ShiftKind,
    ShiftSpec,
    TrunkSpec,
)


def _lgtsm(**shift):
    return NetworkSpec(family="lgtsm", trunk=TrunkSpec(shift=ShiftSpec(**shift)))


def _tsm(width, kind):
    trunk = TrunkSpec(width=width, gated=False, shift=ShiftSpec(kind=kind))
    return NetworkSpec(family="tsm", trunk=trunk)


@pytest.mark.parametrize(
    ("spec", "count"),
    [
        (_lgtsm(), 12_135_660),
        (_lgtsm(first_layer=False), 12_135_654),
        (_lgtsm(width=5), 12_135_728),
        (_lgtsm(groups=4), 12_135_762),
        (FAMILIES["gtsm"], 12_135_558),
        (FAMILIES["tsm"], 11_992_503),
        (_tsm(90, ShiftKind.LEARNED), 11_992_605),
        (_tsm(64, ShiftKind.FIXED), 6_067_779),
        (FAMILIES["gated3d"], 36_394_758),
        (FAMILIES["gated3d_skips"], 38_606_598),
        (FAMILIES["combcn"], 15_505_846),
    ],
)
def test_parameter_counts_are_the_published_ones(spec, count):
    with torch.device("meta"):
        assert sum(p.numel() for p in build(spec).parameters()) == count


@pytest.mark.parametrize(
    ("spec", "context"),
    [
        (_lgtsm(), (17, 17)),
        (_lgtsm(first_layer=False), (16, 16)),
        (_lgtsm(width=5), (34, 34)),
        (_lgtsm(causal=True), (34, 0)),
        (_lgtsm(kind=ShiftKind.NONE), (0, 0)),
        (FAMILIES["gtsm"], (17, 17)),
        (FAMILIES["tsm"], (17, 17)),
        (FAMILIES["gated3d"], (17, 17)),
        (FAMILIES["combcn"], (15, 13)),
        (FAMILIES["refine"], (67, 67)),
    ],
)
def test_context_adds_up_over_layers_and_candidates(spec, context):
    assert spec.context == context


@pytest.mark.parametrize("family", FAMILIES)
def test_config_survives_json(family):
    trunk = replace(FAMILIES[family].trunk, width=12)
    if isinstance(trunk, TrunkSpec):
        trunk = replace(trunk, shift=replace(trunk.shift, width=5, groups=4))
    spec = replace(FAMILIES[family], trunk=trunk)
    assert NetworkSpec.from_config(json.loads(json.dumps(spec.to_config()))) == spec


def test_entries_of_the_table_name_their_own_family():
    assert all(name == spec.family for name, spec in FAMILIES.items())


def test_layers_follow_each_other():
    trunk = TrunkSpec()
    sizes = [trunk.channels(layer) for layer in LAYERS]
    assert len(LAYERS) == 17
    assert (sizes[0][0], sizes[-1][1]) == (5, 3)
    assert all(a[1] == b[0] for a, b in pairwise(sizes))


def test_skips_widen_the_two_decoder_inputs_only():
    plain, skips = TrunkSpec(), TrunkSpec(skips=True)
    wider = {
        layer.name: skips.channels(layer)[0] - plain.channels(layer)[0]
        for layer in LAYERS
        if skips.channels(layer) != plain.channels(layer)
    }
    assert wider == {"deconv1": 256, "deconv2": 128}


def test_channels_of_combcn_add_up_to_what_is_appended():
    spec = FAMILIES["combcn"].trunk
    sizes = {layer.name: spec.channels(layer) for layer in COMBCN_LAYERS}
    assert (sizes["video_conv1"], sizes["video_conv9"]) == ((4, 16), (256, 64))
    assert (sizes["video_conv12"], sizes["frame_conv17"]) == ((16, 3), (32, 3))
    assert (sizes["frame_conv1"], sizes["frame_conv3"]) == ((4, 64), (131, 128))
    assert (sizes["frame_conv10"], sizes["frame_conv15"]) == ((512, 256), (259, 64))


def test_configs_of_older_files_are_of_gated_2d_trunks():
    config = FAMILIES["refine"].to_config()
    del config["trunk"]["gated"], config["trunk"]["kernel_frames"]
    assert NetworkSpec.from_config(config) == FAMILIES["refine"]


def _config(family="lgtsm", **trunk):
    config = FAMILIES[family].to_config()
    config["trunk"] |= trunk
    return config


def _shift_config(**shift):
    config = FAMILIES["lgtsm"].to_config()
    config["trunk"]["shift"] |= shift
    return config


@pytest.mark.parametrize(
    "config",
    [
        {},
        [],
        {"family": "lgtsm"},
        {"family": "lgtsm", "trunk": 3},
        {"family": "lgtsm", "trunk": {}},
        FAMILIES["lgtsm"].to_config() | {"family": "unheard-of"},
        FAMILIES["lgtsm"].to_config() | {"family": ["lgtsm"]},
        FAMILIES["lgtsm"].to_config() | {"extra": 1},
        FAMILIES["lgtsm"].to_config() | {"source_frames": -1},
        FAMILIES["lgtsm"].to_config() | {"source_frames": "8"},
        _config(unknown=1),
        _config(width=0),
        _config(width=-4),
        _config(width=4.5),
        _config(width=10**30),
        _config(width="64"),
        _config(inputs=0),
        _config(outputs=None),
        _config(skips=True),
        _config(gated=False),
        _config(gated=1),
        _config(kernel_frames=3),
        _config("tsm", gated=True),
        _config("tsm", skips=True),
        _config("gtsm", gated=False),
        _config("gated3d", skips=True),
        _config("gated3d", kernel_frames=1),
        _config("gated3d", kernel_frames=5),
        _config("gated3d", gated=False),
        _config("gated3d_skips", skips=False),
        _config("gated3d") | {"trunk": FAMILIES["gtsm"].to_config()["trunk"]},
        _config("combcn", width=0),
        _config("combcn", width=10**9),
        _config("combcn", width=4.0),
        _config("combcn", inputs=5),
        _config("combcn") | {"family": "lgtsm"},
        _config("combcn") | {"source_frames": 2},
        _config("lgtsm") | {"family": "combcn"},
        _config("refine", gated=False),
        _shift_config(kind="sideways"),
        _shift_config(width=2),
        _shift_config(width=-1),
        _shift_config(width="3"),
        _shift_config(width=3.0),
        _shift_config(groups=0),
        _shift_config(groups=10**9),
        _shift_config(width=10**9 + 1),
        _shift_config(ratio=1.5),
        _shift_config(ratio=float("nan")),
        _shift_config(unknown=1),
    ],
)
def test_bad_configs_are_refused_in_one_sentence(config, one_sentence):
    with pytest.raises(WeightsError) as caught:
        NetworkSpec.from_config(config)
    one_sentence(caught.value)
