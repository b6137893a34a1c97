"""Networks that track, in tiny and with random weights: the plumbing, not the masks, is what is tested."""

from __future__ import annotations

import json

import pytest
import torch

import lgtsm
from lgtsm.cli.main import main
from lgtsm.errors import WeightsError
from lgtsm.track_options import TrackOptions
from lgtsm.tracking.load_tracker import load_tracker
from lgtsm.tracking.prompts import Prompt
from lgtsm.tracking.walker import Painted
from tests.tracking.tiny_trackers import SIDE, tiny_tracker

pytest.importorskip("transformers", reason="needs transformers")
KINDS = ("sam2", "edgetam", "sam3")
every_kind = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Return the weight folder of every kind."""
    root = tmp_path_factory.mktemp("trackers")
    for kind in KINDS:
        tiny_tracker(kind).save_pretrained(root / kind)
    return root


@pytest.fixture
def load(folders):
    """load(kind) -> what tracks, from its folder."""
    return lambda kind: load_tracker(
        TrackOptions(tracker=kind, tracker_model=str(folders / kind)), "cpu"
    )


def _clip(num):
    generator = torch.Generator().manual_seed(1)
    mask = torch.zeros(1, 1, SIDE, SIDE)
    mask[..., 16:40, 20:44] = 1
    return torch.rand(num, 3, SIDE, SIDE, generator=generator), mask


def _walk(walker, frames, mask, other=None):
    start = Painted(frames[0], mask)
    return [probability for probability, _ in walker.walk(start, other, frames[1:])]


@every_kind
def test_dropping_the_past_keeps_memory_flat_and_changes_no_mask(load, kind, monkeypatch):
    walker = load(kind)
    frames, mask = _clip(22)  # further than any of its memories reaches
    sessions = []
    make = walker._make_session
    walker._make_session = lambda **named: sessions.append(make(**named)) or sessions[-1]
    flat = _walk(walker, frames, mask)
    monkeypatch.setattr("lgtsm.tracking.trained._forget", lambda *_: None)
    full = _walk(walker, frames, mask)
    assert len(flat) == len(full) == 21
    assert all(map(torch.equal, flat, full))
    assert not torch.equal(full[0], full[-1])
    short, long = (s.output_dict_per_obj[0]["non_cond_frame_outputs"] for s in sessions)
    assert len(short) <= walker._reach == 16
    assert len(long) == 21
    assert len(sessions[0].processed_frames) == 0
    assert list(sessions[0].output_dict_per_obj[0]["cond_frame_outputs"]) == [0]


@every_kind
def test_a_mask_painted_at_the_other_end_counts(load, kind):
    walker = load(kind)
    frames, mask = _clip(4)
    alone = _walk(walker, frames[:3], mask)
    other = Painted(frames[3], mask.flip(-1), steps=3)
    helped = _walk(walker, frames[:3], mask, other)
    assert not any(map(torch.equal, alone, helped))


@every_kind
def test_painted_frames_boxes_and_points_are_tracked_through_a_clip(folders, kind):
    frames = torch.rand(5, 3, 72, 96, generator=torch.Generator().manual_seed(2))
    painted = torch.zeros(1, 72, 96)
    painted[:, 20:50, 30:60] = 1
    prompts = [
        Prompt(frame=0, box=(30, 20, 30, 30)),
        Prompt(frame=2, mask=painted),
        Prompt(frame=4, points=((40, 30),), not_points=((5, 5), (90, 70))),
    ]
    options = TrackOptions(tracker=kind, tracker_model=str(folders / kind))
    kept = {}
    track = lgtsm.track_mask(frames, prompts, options=options, cuts=(), kept=kept)
    assert track.masks.shape == (5, 1, 72, 96)
    assert torch.equal(track.masks[2], painted)
    assert ((track.confidence >= 0) & (track.confidence <= 1)).all()
    assert set(track.masks.unique().tolist()) <= {0.0, 1.0}
    again = lgtsm.track_mask(frames, prompts, cuts=(), kept=dict(kept))
    assert not torch.equal(track.masks, again.masks)  # kept masks of another tracker are not used


def test_prompts_are_given_in_the_pixels_of_the_network(load):
    walker = load("sam2")
    given = []
    make = walker._make_session

    def session(**named):
        made = make(**named)
        made.add_point_inputs = lambda index, frame, inputs: (
            given.append(inputs),
            type(made).add_point_inputs(made, index, frame, inputs),
        )
        return made

    walker._make_session = session
    frame = torch.rand(3, SIDE, SIDE)
    walker.mark(frame, Prompt(frame=0, box=(32, 18, 64, 36)), (72, 128))
    walker.mark(frame, Prompt(frame=0, points=((64, 36),), not_points=((0, 72),)), (72, 128))
    box, points = given
    assert box["point_coords"].tolist() == [[[[16, 16], [48, 48]]]]
    assert box["point_labels"].tolist() == [[[2, 3]]]
    assert points["point_coords"].tolist() == [[[[32, 32], [0, 64]]]]
    assert points["point_labels"].tolist() == [[[1, 0]]]


def test_a_painted_mask_comes_back_as_the_network_saw_it(load):
    frames, mask = _clip(1)
    walker = load("sam2")
    session = walker._session()
    session.add_mask_inputs(session.obj_id_to_idx(1), 0, mask)
    session.obj_with_new_inputs = [1]
    probability, trust = walker._step(session, 0, frames[0])
    small = torch.nn.functional.avg_pool2d(mask, 4)
    assert torch.equal((probability > 0.5).float(), small)
    assert trust > 0.99


def test_wrong_weights_are_told_in_one_sentence(folders, tmp_path, one_sentence):
    (tmp_path / "empty").mkdir()
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_text('{"model_type": "bert"}')
    unknown = tmp_path / "unknown"
    unknown.mkdir()
    (unknown / "config.json").write_text('{"model_type": "nothing like it"}')
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "config.json").write_text((folders / "sam2" / "config.json").read_text())
    wrong = {
        str(tmp_path / "empty"): "correct the name",
        str(tmp_path / "lost"): "correct the name",
        str(other): "'bert'",
        str(unknown): "correct the name",
        str(bare): "correct the name",
        str(folders / "edgetam"): "edgetam_video",
    }
    for name, words in wrong.items():
        with pytest.raises(WeightsError) as error:
            load_tracker(TrackOptions(tracker="sam2", tracker_model=name), "cpu")
        one_sentence(error.value)
        assert words in str(error.value)


def test_weights_that_lack_a_part_are_refused(folders, tmp_path, one_sentence):
    from safetensors.torch import load_file, save_file

    weights = load_file(folders / "sam2" / "model.safetensors")
    del weights["no_memory_embedding"]
    save_file(weights, tmp_path / "model.safetensors", metadata={"format": "pt"})
    (tmp_path / "config.json").write_text((folders / "sam2" / "config.json").read_text())
    with pytest.raises(WeightsError, match="no_memory_embedding") as error:
        load_tracker(TrackOptions(tracker="sam2", tracker_model=str(tmp_path)), "cpu")
    one_sentence(error.value)


def test_the_commands_take_a_tracker(folders, tmp_path, capsys):
    from lgtsm.video.clip import write_clip
    from lgtsm.video.image import write_picture
    from lgtsm.video.read import read_masks

    frames = torch.rand(3, 3, 64, 96, generator=torch.Generator().manual_seed(3))
    film, mask, paint = (tmp_path / name for name in ("film.mp4", "mask.mkv", "paint.png"))
    write_clip(film, frames, rate=24)
    white = torch.zeros(3, 64, 96)
    white[:, 20:44, 30:60] = 1
    write_picture(white, paint)
    tracker = ["--tracker", "edgetam", "--tracker-model", str(folders / "edgetam")]
    words = [str(film), "--no-cuts", "--quiet", *tracker]
    assert main(["track", *words, "--prompt", f"{paint}@1", "-o", str(mask)]) == 0
    found = list(read_masks(mask))
    assert len(found) == 3
    assert torch.equal(found[1], white[:1])
    clean, used = tmp_path / "clean.mkv", tmp_path / "used.mkv"
    words += ["--track", f"{paint}@1", "--mode", "copy", "--grow", "0", "--grow-percent", "0"]
    words += ["--mask-used", str(used)]
    assert main(["inpaint", *words, "-o", str(clean)]) == 0
    assert all(map(torch.equal, read_masks(used), found))
    argv = ["inpaint", str(film), "--box", "1,1,9,9", *tracker, "-o", str(clean), "--overwrite"]
    assert main(argv) == 1
    assert "together with --track" in capsys.readouterr().err


def test_a_configuration_of_all_of_sam3_is_accepted(folders, tmp_path):
    tracker = json.loads((folders / "sam3" / "config.json").read_text())
    whole = {"model_type": "sam3_video", "tracker_config": tracker}
    (tmp_path / "config.json").write_text(json.dumps(whole))
    (tmp_path / "model.safetensors").write_bytes(
        (folders / "sam3" / "model.safetensors").read_bytes()
    )
    walker = load_tracker(TrackOptions(tracker="sam3", tracker_model=str(tmp_path)), "cpu")
    assert walker.size((72, 96)) == (SIDE, SIDE)
