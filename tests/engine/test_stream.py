"""The trunk as a stream against one forward of the whole clip."""

from dataclasses import replace

import pytest
import torch

from lgtsm.box import Box
from lgtsm.engine.policy import open_stream
from lgtsm.engine.stream import StreamSetup
from lgtsm.engine.trunk_stream import TrunkStream
from lgtsm.models.spec import FAMILIES, CombCNSpec, ShiftSpec, TrunkSpec

SIZE = (40, 56)


def _push_all(stream, x, chunk):
    """Push (T,C,h,w) in chunks; returns [(box, values (C,h,w))] of all frames."""
    found = []

    def take(output):
        pixels = output.pixels
        found.extend(
            (output.box, None if pixels is None else pixels[i]) for i in range(output.count)
        )

    for start in range(0, len(x), chunk):
        count = min(chunk, len(x) - start)
        box = stream.input_box(start, count)
        part = None if box is None else x[start : start + count, :, box.rows, box.columns]
        take(stream.push(part, box, count))
    while not stream.finished:
        take(stream.finish(chunk))
    return found


def _stream(trunk, boxes, dtype=torch.float32):
    return open_stream(
        trunk,
        StreamSetup(
            SIZE,
            torch.device("cpu"),
            dtype,
            lambda t: boxes[t] if 0 <= t < len(boxes) else None,
            lambda: None,
        ),
    )


def _random_boxes(num_frames, rng):
    def number(low, high):
        return int(torch.randint(low, high, (1,), generator=rng))

    boxes = []
    for t in range(num_frames):
        top, left = number(0, 28), number(0, 40)
        box = Box(top, left, top + number(1, 13), left + number(1, 13))
        empty = number(0, 10) < 3 or 10 < t < 28
        boxes.append(None if empty else box)
    return boxes


def _check(network, num_frames, chunk, rng):
    # in float64: convolutions round differently by size, on some processors more than the tolerance
    trunk = network.trunk.double()
    x = torch.rand(num_frames, trunk.spec.inputs, *SIZE, generator=rng).double()
    boxes = _random_boxes(num_frames, rng)
    with torch.inference_mode():
        whole = trunk(x[None])[0]
        found = _push_all(_stream(trunk, boxes, torch.float64), x, chunk)
    assert len(found) == num_frames
    assert whole.std() > 0.05
    tolerance = 1e-5 * max(1.0, float(whole.abs().max()))
    for t, box in enumerate(boxes):
        if box is not None:
            rows, columns = box.within(found[t][0])
            got, wanted = found[t][1][:, rows, columns], whole[t, :, box.rows, box.columns]
            assert (got - wanted).abs().max() < tolerance


@pytest.mark.slow
@pytest.mark.parametrize(("num_frames", "chunk"), [(1, 1), (2, 7), (7, 3), (25, 4), (45, 16)])
@pytest.mark.parametrize("family", FAMILIES)
def test_random_boxes_equal_the_whole_clip(family, num_frames, chunk, strong_network, rng):
    _check(strong_network(family, num_frames), num_frames, chunk, rng)


@pytest.mark.parametrize(
    "shift",
    [
        pytest.param(ShiftSpec(width=5, groups=4), marks=pytest.mark.slow, id="wide"),
        pytest.param(ShiftSpec(width=5, groups=4, first_layer=False), id="wide-first-off"),
        pytest.param(ShiftSpec(first_layer=False), marks=pytest.mark.slow, id="first-off"),
        pytest.param(ShiftSpec(width=1), marks=pytest.mark.slow, id="width-1"),
        pytest.param(ShiftSpec(width=5, causal=True), marks=pytest.mark.slow, id="wide-causal"),
        pytest.param(ShiftSpec(ratio=0.0), marks=pytest.mark.slow, id="none-shifted"),
    ],
)
def test_other_shifts_equal_the_whole_clip(shift, strong_network, rng):
    spec = replace(FAMILIES["lgtsm"], trunk=TrunkSpec(width=8, shift=shift))
    _check(strong_network(spec), 34, 3, rng)


def test_windows_see_enough_of_a_large_frame(strong_network, rng, monkeypatch):
    """A hole whose surroundings end inside the frame, and one at its edge."""
    network = strong_network(replace(FAMILIES["combcn"], trunk=CombCNSpec(width=2)), 4)
    size, seen = (36, 1200), []
    x = torch.rand(4, 4, *size, generator=rng)
    run = type(network.trunk).complete_half
    monkeypatch.setattr(
        type(network.trunk),
        "complete_half",
        lambda body, window, *more: seen.append(window.shape[-1]) or run(body, window, *more),
    )
    with torch.inference_mode():
        whole = network.trunk(x[None])[0]
        for box in (Box(9, 557, 20, 563), Box(30, 1100, 36, 1200), Box(0, 0, 36, 1)):
            stream = open_stream(
                network.trunk,
                StreamSetup(
                    size,
                    torch.device("cpu"),
                    torch.float32,
                    lambda t, box=box: box if 0 <= t < 4 else None,
                    lambda: None,
                ),
            )
            found = [values for _, values in _push_all(stream, x, 2)]
            wanted = whole[..., box.rows, box.columns]
            assert (torch.stack(found) - wanted).abs().max() < 1e-5 * max(1, wanted.abs().max())
    assert seen[0] == 1200
    assert max(seen[1:]) < 650


def test_output_comes_as_late_as_the_future_that_is_read(strong_network, rng):
    trunk = strong_network(replace(FAMILIES["lgtsm"], trunk=TrunkSpec(width=8))).trunk
    stream = _stream(trunk, [Box(8, 8, 16, 16)] * 30)
    arrived = []
    for t in range(30):
        box = stream.input_box(t, 1)
        x = torch.rand(1, 5, box.height, box.width, generator=rng)
        arrived.append(stream.push(x, box, 1).count)
    assert arrived == [0] * 17 + [1] * 13


def test_a_failed_push_can_be_repeated(strong_network, rng):
    trunk = strong_network("refine").trunk
    x = torch.rand(24, trunk.spec.inputs, *SIZE, generator=rng)
    boxes = [Box(8, 8, 24, 32)] * 24
    calls = {"left": 0}

    def check():
        calls["left"] -= 1
        if calls["left"] == 0:
            raise KeyboardInterrupt

    def run(fail):
        stream = TrunkStream(
            trunk,
            StreamSetup(
                SIZE,
                torch.device("cpu"),
                torch.float32,
                lambda t: boxes[t] if 0 <= t < 24 else None,
                check,
            ),
        )
        values = []
        for start in range(0, 24, 4):
            box = stream.input_box(start, 4)
            part = x[start : start + 4, :, box.rows, box.columns]
            if fail:
                calls["left"] = min(17, start + 3)  # deeper as frames get deeper
                with pytest.raises(KeyboardInterrupt):
                    stream.push(part, box, 4)
            output = stream.push(part, box, 4)
            if output.count:
                values.append(output.pixels)
        return torch.cat(values)

    with torch.inference_mode():
        assert torch.equal(run(fail=True), run(fail=False))
