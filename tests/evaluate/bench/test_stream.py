"""The timed stream gives the results of the published form, in any chunks."""

from dataclasses import replace

import pytest
import torch

from lgtsm.box import Box
from lgtsm.engine.policy import open_stream
from lgtsm.engine.stream import StreamSetup
from lgtsm.engine.trunk_stream import TrunkStream
from lgtsm.evaluate.bench.published import PublishedForm
from lgtsm.models.build import build
from lgtsm.models.spec import FAMILIES, ShiftSpec

SIZE = (40, 56)
WHOLE = Box(0, 0, *SIZE)


def moving_hole(t, count):
    if not 0 <= t < count or t % 7 == 3:
        return None
    return Box(t % 5 * 4, t % 9 * 4, t % 5 * 4 + 12, t % 9 * 4 + 16)


def still_hole(t, count):
    return Box(8, 20, 24, 40) if 0 <= t < count else None


class Counting:
    """Record the largest batch that any layer convolves."""

    def __init__(self, stream):
        self.largest = 0
        if hasattr(stream, "_body"):  # CombCN's full-size part; the half-size one takes windows
            whole = stream._body.complete_frames
            stream._body.complete_frames = lambda x, *more: self.note(
                x, None, lambda x, _: whole(x, *more)
            )
            return
        for layer in stream.layers:
            inner = layer._convolve
            layer._convolve = lambda x, p, inner=inner: self.note(x, p, inner)

    def note(self, x, parameters, inner):
        self.largest = max(self.largest, len(x))
        return inner(x, parameters)


def run(trunk, clip, box_at, chunk, limit):
    """Stream a clip (T,C,h,w); return the outputs in whole frames, and the largest batch."""
    count = len(clip)
    stream = open_stream(
        trunk,
        StreamSetup(
            SIZE, torch.device("cpu"), torch.float32, lambda t: box_at(t, count), lambda: None
        ),
    )
    counting = Counting(stream)
    frames = []

    def take(output):
        for i in range(output.count):
            frame = torch.zeros(trunk.spec.outputs, *SIZE)
            if output.pixels is not None:
                rows, columns = output.box.within(WHOLE)
                frame[:, rows, columns] = output.pixels[i]
            frames.append(frame)

    for start in range(0, count, chunk):
        number = min(chunk, count - start)
        box = stream.input_box(start, number)
        values = None
        if box is not None:
            box = box & WHOLE
            rows, columns = box.within(WHOLE)
            values = clip[start : start + number, :, rows, columns]
        take(stream.push(values, box, number))
    while not stream.finished:
        take(stream.finish(limit))
    return torch.stack(frames), counting.largest


def noisy_trunk(spec, rng):
    trunk = build(replace(spec, trunk=replace(spec.trunk, width=8))).trunk.eval()
    with torch.no_grad():
        for parameter in trunk.parameters():
            parameter.normal_(0, 0.1 if parameter.dim() > 1 else 0.3, generator=rng)
    return trunk


def check(spec, rng, count, chunk, limit, box_at=moving_hole):
    trunk = noisy_trunk(spec, rng)
    clip = torch.randn(count, trunk.spec.inputs, *SIZE, generator=rng)
    with torch.inference_mode():
        expected = PublishedForm(trunk)(clip[None])[0]
        frames, largest = run(trunk, clip, box_at, chunk, limit)
    assert len(frames) == count
    ahead = getattr(trunk.spec, "kernel_frames", 1) // 2 or trunk.spec.shift.future
    assert 0 < largest <= max(chunk, limit) + ahead
    for t in range(count):
        box = box_at(t, count)
        if box is not None:
            rows, columns = box.within(WHOLE)
            error = (frames[t] - expected[t])[:, rows, columns].abs().max() / expected.abs().max()
            assert error < 1e-5


LONG = ((26, 5, 5), (20, 20, 3))


@pytest.mark.parametrize(
    ("family", "count", "chunk", "limit"),
    [
        *((family, *sizes) for family in FAMILIES for sizes in ((1, 1, 1), (7, 3, 2))),
        *(("lgtsm", *sizes) for sizes in LONG),
        *(
            pytest.param(family, *sizes, marks=pytest.mark.slow)
            for family in FAMILIES
            if family != "lgtsm"
            for sizes in LONG
        ),
    ],
)
def test_stream_agrees_with_the_published_form(family, count, chunk, limit, rng):
    check(FAMILIES[family], rng, count, chunk, limit)


@pytest.mark.parametrize("limit", [1, 64])
def test_any_limit_ends_a_shot_with_the_same_frames(limit, rng):
    check(FAMILIES["refine"], rng, 19, 4, limit, still_hole)


def test_wider_kernels_and_more_groups(rng):
    shift = ShiftSpec(width=5, groups=4, first_layer=False)
    spec = FAMILIES["lgtsm"]
    check(replace(spec, trunk=replace(spec.trunk, shift=shift)), rng, 37, 6, 6)


def test_end_of_a_shot_can_be_undone_and_done_with_less(rng):
    trunk = noisy_trunk(FAMILIES["lgtsm"], rng)
    clip = torch.randn(20, 5, *SIZE, generator=rng)
    outputs = []
    for undo in (False, True):
        stream = TrunkStream(
            trunk,
            StreamSetup(
                SIZE,
                torch.device("cpu"),
                torch.float32,
                lambda t: WHOLE if 0 <= t < 20 else None,
                lambda: None,
            ),
        )
        with torch.inference_mode():
            parts = [stream.push(clip, WHOLE, 20).pixels]
            while not stream.finished:
                restore = stream.snapshot()
                output = stream.finish(8)
                if undo:
                    restore()
                    output = stream.finish(2)
                if output.count:
                    parts.append(output.pixels)
        outputs.append(torch.cat([part for part in parts if part is not None]))
    assert outputs[0].shape == outputs[1].shape == (20, 3, *SIZE)
    torch.testing.assert_close(outputs[0], outputs[1], rtol=1e-4, atol=1e-6)
