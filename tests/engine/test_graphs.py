"""Recorded steps, with a recording that a CPU can make: the traced operations, played again."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.fx.experimental.proxy_tensor import make_fx

from lgtsm.box import Box
from lgtsm.engine import run as run_module
from lgtsm.engine.graphs import Graphs, put_together, take_apart
from lgtsm.engine.stream import TrunkStream
from lgtsm.report import Report

SIZE = (40, 56)
STILL = Box(8, 12, 24, 40)


def _played_again(step, inputs):
    """Record like a CUDA graph: run the Python, then run every operation again on the same memory."""
    outputs = [x.clone() for x in step(inputs)]

    def replay():
        for own, new in zip(outputs, step(inputs), strict=True):
            own.copy_(new)

    return replay, outputs


def _traced(step, inputs):
    """Record the operations alone: a step that reads values on the host would freeze or fail."""
    # a trace takes tensors for constants that the step has not got as inputs, so it gets all of them
    graph = make_fx(lambda *tensors: tuple(step(list(tensors))))(*inputs)
    outputs = [torch.empty_like(x) for x in graph(*inputs)]

    def replay():
        for own, new in zip(outputs, graph(*inputs), strict=True):
            own.copy_(new)

    return replay, outputs


def _graphs(record=_played_again):
    return Graphs(record, lambda inputs: True)


def _stream(trunk, box_at, graphs):
    stream = TrunkStream(
        trunk,
        SIZE,
        device=torch.device("cpu"),
        dtype=torch.float32,
        box_at=box_at,
        check=lambda: None,
    )
    stream.graphs = graphs
    return stream


def _outputs(stream, x, chunk):
    parts = []
    for start in range(0, len(x), chunk):
        count = min(chunk, len(x) - start)
        box = stream.input_box(start, count)
        part = None if box is None else x[start : start + count, :, box.rows, box.columns]
        parts.append(stream.push(part, box, count))
    while not stream.finished:
        parts.append(stream.finish(chunk))
    return [stream.outputs(part) for part in parts if part.count]


def _same(one, two):
    assert len(one) == len(two)
    for a, b in zip(one, two, strict=True):
        assert (a is None) == (b is None)
        assert a is None or torch.equal(a, b)


def _still(length):
    return lambda t: STILL if 0 <= t < length else None


@pytest.mark.parametrize("record", [_played_again, _traced])
@pytest.mark.parametrize(
    "family", ["lgtsm", "gtsm", "lgtsm_causal", "refine", "tsm", "gated3d_skips"]
)
def test_a_recorded_stream_is_the_plain_one_bit_for_bit(family, record, strong_network, rng):
    trunk = strong_network(family).trunk
    x = torch.rand(70, trunk.spec.inputs, *SIZE, generator=rng)
    graphs = _graphs(record)
    with torch.no_grad():
        plain = _outputs(_stream(trunk, _still(70), None), x, 5)
        recorded = _outputs(_stream(trunk, _still(70), graphs), x, 5)
    _same(recorded, plain)
    assert graphs.is_on
    assert graphs.num_replays >= 2


def test_holes_that_move_and_vanish_are_computed_plainly(strong_network, rng):
    trunk = strong_network("lgtsm").trunk
    x = torch.rand(60, trunk.spec.inputs, *SIZE, generator=rng)

    def box_at(t):
        if not 0 <= t < 60 or t % 23 > 15:
            return None
        return Box(4, 3 + t % 30, 20, 20 + t % 30)

    graphs = _graphs()
    with torch.inference_mode():
        plain = _outputs(_stream(trunk, box_at, None), x, 4)
        _same(_outputs(_stream(trunk, box_at, graphs), x, 4), plain)
    assert graphs.is_on


def test_a_step_can_be_undone_and_its_old_state_is_still_true(strong_network, rng):
    trunk = strong_network("refine").trunk
    x = torch.rand(80, trunk.spec.inputs, *SIZE, generator=rng)
    found = []
    with torch.inference_mode():
        for graphs in (None, _graphs()):
            stream = _stream(trunk, _still(80), graphs)
            parts = []
            for start in range(0, 80, 4):
                box = stream.input_box(start, 4)
                part = x[start : start + 4, :, box.rows, box.columns]
                before = stream.state
                stream.push(torch.rand_like(part), box, 4)
                stream.push(torch.rand_like(part), box, 4)
                stream.state = before
                parts.append(stream.push(part, box, 4))
            found.append([stream.outputs(part) for part in parts if part.count])
    _same(*found)
    assert graphs.num_replays > 20


def test_another_dtype_is_recorded_anew(strong_network, rng):
    trunk = strong_network("lgtsm_causal").trunk
    x = torch.rand(40, trunk.spec.inputs, *SIZE, generator=rng)
    found = []
    with torch.inference_mode():
        for graphs in (None, _graphs()):
            stream = _stream(trunk, _still(40), graphs)
            parts = []
            for start in range(40):
                if start == 20:
                    stream.set_dtype(torch.bfloat16)
                box = stream.input_box(start, 1)
                part = x[start : start + 1, :, box.rows, box.columns]
                parts.append(stream.outputs(stream.push(part, box, 1)))
            found.append(parts)
    _same(*found)
    assert graphs.num_replays > 20


def _wrong(step, inputs):
    replay, outputs = _played_again(step, inputs)

    def replay_wrongly():
        replay()
        outputs[0].add_(0.1)

    return replay_wrongly, outputs


def _raises(step, inputs):
    raise torch.OutOfMemoryError("out of memory")


def _breaks_later(step, inputs):
    replay, outputs = _played_again(step, inputs)
    calls = []

    def break_later():
        calls.append(1)
        if len(calls) > 2:
            raise RuntimeError("an illegal memory access was encountered")
        replay()

    return break_later, outputs


@pytest.mark.parametrize("record", [_wrong, _raises, _breaks_later])
def test_a_recording_that_fails_is_given_up_with_one_note(record, strong_network, rng):
    trunk = strong_network("lgtsm").trunk
    x = torch.rand(80, trunk.spec.inputs, *SIZE, generator=rng)
    graphs = _graphs(record)
    with torch.inference_mode():
        plain = _outputs(_stream(trunk, _still(80), None), x, 4)
        _same(_outputs(_stream(trunk, _still(80), graphs), x, 4), plain)
    assert not graphs.is_on
    notes = graphs.take_notes()
    assert len(notes) == 1
    assert "went on without" in notes[0]
    assert graphs.take_notes() == []


def test_without_room_nothing_is_recorded(strong_network, rng):
    trunk = strong_network("lgtsm_causal").trunk
    x = torch.rand(30, trunk.spec.inputs, *SIZE, generator=rng)
    graphs = Graphs(_raises, lambda inputs: False)
    with torch.inference_mode():
        _outputs(_stream(trunk, _still(30), graphs), x, 2)
    assert graphs.is_on
    assert graphs.num_replays == 0


@pytest.mark.parametrize("record", [_played_again, _wrong])
def test_a_job_with_recorded_steps_gives_the_same_frames(
    record, strong_network, whole_options, run_job, rng, monkeypatch
):
    network = strong_network("lgtsm")
    frames, holes = torch.rand(90, 3, *SIZE, generator=rng), torch.zeros(90, 1, *SIZE)
    holes[:, :, 10:22, 14:38] = 1
    options = whole_options(network, 4, cuts=(50,))
    wanted = run_job(network, frames, holes, options)
    graphs, choose = _graphs(record), run_module.choose_policy
    monkeypatch.setattr(run_module, "choose_policy", lambda *a: replace(choose(*a), graphs=graphs))
    report = Report()
    assert torch.equal(run_job(network, frames, holes, options, report=report), wanted)
    if record is _wrong:
        assert len(report.notes) == 1
    else:
        assert report.notes == []
        assert graphs.num_replays >= 4  # of two shots


def test_cancellation_is_still_asked_for(strong_network, rng):
    class StopError(Exception):
        pass

    def check():
        if stop:
            raise StopError

    trunk = strong_network("lgtsm_causal").trunk
    x = torch.rand(1, trunk.spec.inputs, *SIZE, generator=rng)
    stream, stop = _stream(trunk, lambda t: STILL, _graphs()), False
    stream.check = check
    box = stream.input_box(0, 1)
    with torch.inference_mode():
        for _ in range(60):
            stream.push(x[:, :, box.rows, box.columns], box, 1)
        assert stream.graphs.num_replays > 5
        stop = True
        with pytest.raises(StopError):
            stream.push(x[:, :, box.rows, box.columns], box, 1)
    assert stream.graphs.is_on


def test_taking_apart_and_putting_together_is_the_identity(rng):
    a, b = torch.rand(2, 3, generator=rng), torch.rand(1, generator=rng)
    value = ({"x": (a, None), "y": ()}, Box(1, 2, 3, 4), (b, "word", 7))
    tensors = []
    remains = take_apart(value, tensors)
    assert len(tensors) == 2
    assert hash(remains) == hash(take_apart(value, []))
    again = put_together(remains, [a, b])
    assert again[0]["x"][0] is a
    assert again[1:] == value[1:]
    assert take_apart(({"x": (a.half(), None), "y": ()}, *value[1:]), []) != remains
    assert take_apart((*value[:2], (b, "word", 8)), []) != remains
