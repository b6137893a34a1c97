"""The video FID of a run: grouped by table, method and form, with its exclusions."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from lgtsm.evaluate.metrics.i3d import I3D
from lgtsm.evaluate.score.cases import plan_cases
from lgtsm.evaluate.score.measure import NetworkPaths
from lgtsm.evaluate.score.methods import choose_methods
from lgtsm.evaluate.score.protocols import PROTOCOLS
from lgtsm.evaluate.score.run import ScoreSettings, run_score
from lgtsm.evaluate.score.tables import full_text, video_fid_table
from lgtsm.evaluate.score.video_fid import video_distances


def _rows(shift, clips=6):
    rng = np.random.default_rng(0)
    real = rng.normal(size=(clips, 3))
    cases = [{"clip": str(i), "holes": "blob", "table": "blob"} for i in range(clips)]
    scores, features = [], []
    for method, offset in (("mean", shift), ("truth", 0.0)):
        for i in range(clips):
            scores.append({"clip": str(i), "holes": "blob", "method": method})
            features.append({"published": list(real[i] + offset)})
    return cases, scores, features


def test_distance_of_shifted_features_is_the_squared_shift():
    entries, left_out = video_distances(*_rows(2.0))
    assert left_out == []
    (entry,) = entries
    assert (entry["table"], entry["method"], entry["num"]) == ("blob", "mean", 6)
    assert entry["value"] == pytest.approx(12, rel=1e-6)


def test_short_clips_and_single_clips_are_exclusions():
    cases, scores, features = _rows(1.0)
    features[0] = features[6] = None  # clip 0 of both methods
    entries, left_out = video_distances(cases, scores, features)
    assert entries[0]["num"] == 5
    assert [row["clip"] for row in left_out] == ["0"]
    assert "too short for I3D" in left_out[0]["reason"]
    entries, left_out = video_distances(*_rows(1.0, clips=1))
    assert entries == []
    assert "fewer than 2 clips" in left_out[0]["reason"]


@pytest.mark.slow
def test_a_run_measures_it_with_a_network_given_by_path(tmp_path):
    torch_network, rng = I3D(), torch.Generator().manual_seed(0)
    with torch.no_grad():
        for value in torch_network.parameters():
            if value.dim() == 5:
                scale = (2 / value[0].numel()) ** 0.5
                value.copy_(torch.randn(value.shape, generator=rng) * scale)
    path = tmp_path / "i3d.safetensors"
    save_file({k: v.contiguous() for k, v in torch_network.state_dict().items()}, path)
    settings = ScoreSettings(
        protocol=replace(PROTOCOLS["scene"], size=(48, 64)),
        chosen=choose_methods(["mean", "smooth"], ()),
        out=tmp_path / "run",
        num_frames=8,
        networks=NetworkPaths(i3d=path),
    )
    assert len(plan_cases(settings.protocol, None, num_frames=8)) == 3
    results = run_score(settings)
    assert {(r["method"], r["form"]) for r in results.video_fid} == {
        (m, f) for m in ("mean", "smooth") for f in ("published", "corrected")
    }
    assert all(r["value"] > 0 for r in results.video_fid)
    assert "video FID, published form" in video_fid_table(results, "own")
    assert "i3d" not in results.to_json().split('"scores"')[1]
    assert "video FID" in full_text(results)
    assert run_score(settings) == results  # from the cells
