"""The protocol `shadow`, from a scene to its table."""

from __future__ import annotations

import json

import pytest

from lgtsm.cli.main import main
from lgtsm.errors import OptionError
from lgtsm.evaluate.score.page import page_of_folder
from lgtsm.evaluate.score.shadow_masks import ShadowScores, score_scene
from lgtsm.scene.camera import Camera, SceneOptions
from lgtsm.scene.render import render_scene


@pytest.mark.slow
def test_the_shadow_of_a_scene_is_found_and_the_ground_is_not():
    options = SceneOptions(seed=2, camera=Camera.PLANAR, num_frames=12, height=96, width=176)
    score = score_scene("planar", render_scene(options))
    assert score.iou > 0.7
    assert score.false_area < 0.01
    assert 0.01 < score.shadow_area < 0.05
    assert 0 <= score.rim_found <= 1


def test_the_true_shadow_is_the_part_of_the_mask_beside_the_vehicle():
    scene = render_scene(SceneOptions(num_frames=5, height=90, width=160))
    assert not (scene.shadow * (1 - scene.mask)).any()
    darker = (scene.truth - scene.frames).amin(1, keepdim=True)
    assert darker[scene.shadow > 0].min() > -1 / 255
    assert 0.1 < float(scene.shadow.sum() / scene.mask.sum()) < 0.5


@pytest.mark.slow
def test_the_command_writes_what_the_page_shows(tmp_path, capsys):
    out = tmp_path / "masks"
    argv = ["score", "--protocol", "shadow", "--clips", "1", "--frames", "4", "-o", str(out)]
    assert main([*argv, "--quiet"]) == 0
    table = capsys.readouterr().out.split("\nresults:")[0]
    assert "| planar 1 | " in table
    scores = ShadowScores.from_json((out / "shadow.json").read_text(encoding="utf-8"))
    assert scores.table() == table
    rows = {"protocol": {"name": "tracking"}, "scores": [], "versions": {}}
    (tmp_path / "tracking.json").write_text(json.dumps(rows), encoding="utf-8")
    assert table in page_of_folder(tmp_path)


def test_other_files_are_refused():
    with pytest.raises(OptionError, match="Expected the results of the protocol shadow"):
        ShadowScores.from_json(json.dumps({"scores": []}))
