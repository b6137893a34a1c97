"""Run bench cases: the engine's stream and the published form alternate in one process."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterator, Sequence
from statistics import median

import torch
from torch import Tensor

from ...box import Box
from ...engine.filling import QUANTUM_PX
from ...engine.policy import open_stream
from ...engine.stream import Stream, StreamSetup
from ...engine.window_stream import window_share
from ...errors import OptionError
from ...models.combcn import CombCNBody
from ...models.spec import CombCNSpec
from ...models.trunk import Trunk
from .cases import PAIRWISE, PRESETS, BenchCase
from .macs import frame_macs, region_macs
from .measure import Clock, PeakConvolution, PeakMemory, interleave
from .pairs import PairContest
from .published import PublishedForm
from .results import BenchResult, CaseResult, Machine

_PUBLISHED_FRAMES = 8
"""Clip length for the published form, whose time and memory are linear in frames."""

Progress = Callable[[int, int, str], None]
"""Called as progress(done, total, note)."""


_CONVOLUTIONS = (
    torch.nn.Conv2d,
    torch.nn.Conv3d,
    torch.nn.ConvTranspose2d,
    torch.nn.ConvTranspose3d,
)


def random_trunk(case: BenchCase, device: torch.device, dtype: torch.dtype) -> Trunk | CombCNBody:
    """Build a trunk whose features neither vanish nor overflow, as denormals would be slow."""
    spec = case.spec.streamed
    trunk = CombCNBody(spec) if isinstance(spec, CombCNSpec) else Trunk(spec)
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for module in trunk.modules():
            if isinstance(module, _CONVOLUTIONS):
                std = (4 / module.weight[0].numel()) ** 0.5
                module.weight.normal_(0, std, generator=generator)
                if module.bias is not None:
                    module.bias.zero_()
    return trunk.to(device, dtype).eval()


class _Contest:
    """One case, run both ways."""

    def __init__(self, case: BenchCase, device: torch.device, dtype: torch.dtype) -> None:
        self.case, self.clock = case, Clock(device)
        self.size = (case.height, case.width)
        self.trunk = random_trunk(case, device, dtype)
        self.published_form = PublishedForm(self.trunk)
        self.published_frames = min(_PUBLISHED_FRAMES, case.num_frames)
        shape = (case.num_frames, case.spec.trunk.inputs, *self.size)
        noise = torch.rand(shape, generator=torch.Generator().manual_seed(1))
        self.clip = noise.to(device, dtype)  # (T,C,h,w)
        # as the engine does
        self.hole = case.hole.aligned(QUANTUM_PX) & Box(0, 0, *self.size)
        self.first_frame_seconds: list[float] = []

    @property
    def macs(self) -> int:
        """Multiply-adds of the engine per frame."""
        spec, window = self.case.spec.streamed, 1.0
        if isinstance(spec, CombCNSpec):
            window = window_share(spec, self.case.num_frames, self.case.chunk)
        return region_macs(spec, self.size, self.hole, window=window)

    @property
    def published_macs(self) -> int:
        """Multiply-adds of a whole frame in the published form."""
        return frame_macs(self.case.spec.streamed, self.size)

    def stream(self) -> float:
        """Run the engine's stream over the clip; return seconds per frame, flush included."""
        marks = []

        def work() -> None:
            marks.append(self.clock.mark())
            marks.extend(self.clock.mark() for _ in self._drive(self._open()))

        seconds = self.clock.seconds(work)
        self.first_frame_seconds.append(self.clock.between(marks[0], marks[1]))
        return seconds / self.case.num_frames

    def published(self) -> float:
        """Run the published form; return seconds per frame."""
        part = self.clip[None, : self.published_frames]
        return self.clock.seconds(lambda: self.published_form(part)) / self.published_frames

    def _open(self) -> Stream:
        count = self.case.num_frames
        return open_stream(
            self.trunk,
            StreamSetup(
                self.size,
                self.clip.device,
                self.clip.dtype,
                lambda t: self.hole if 0 <= t < count else None,
                lambda: None,
            ),
        )

    def _drive(self, stream: Stream) -> Iterator[Tensor | None]:
        """Push the clip in chunks and flush, as the engine does; yield outputs (n,C,h,w)."""
        for start in range(0, self.case.num_frames, self.case.chunk):
            count = min(self.case.chunk, self.case.num_frames - start)
            box, values = stream.input_box(start, count), None
            if box is not None:
                values = self.clip[start : start + count, :, box.rows, box.columns]
            output = stream.push(values, box, count)
            if output.count:
                yield output.pixels
        while not stream.finished:
            output = stream.finish(self.case.chunk)
            if output.count:
                yield output.pixels


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    return platform.processor() or platform.machine()


def run_bench(
    preset: str | Sequence[BenchCase],
    *,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    rounds: int = 3,
    progress: Progress | None = None,
) -> BenchResult:
    """Measure the engine's stream against the published form.

    Every round runs the stream, the published form and the peak convolution one after the other;
    figures are medians over the rounds, after one warm-up round.

    Args:
        preset: a name from `PRESETS`, or cases.
        device: where both run.
        dtype: of features and weights, for both.
        rounds: 1 or more.
        progress: called before every case and at the end.

    Raises:
        OptionError: the preset is unknown, or there is no round.
    """
    cases = PRESETS.get(preset) if isinstance(preset, str) else tuple(preset)
    if not cases or rounds < 1:
        raise OptionError(
            f"Expected one of the presets {', '.join(PRESETS)} and 1 or more rounds, got {preset!r} "
            f"and {rounds}; choose one of them."
        )
    results, rates = [], []
    with torch.inference_mode():
        peak = PeakConvolution(device, dtype)
        for number, case in enumerate(cases):
            if progress is not None:
                progress(number, len(cases), case.name)
            is_pairwise = case.family in PAIRWISE
            contest = PairContest(case, device) if is_pairwise else _Contest(case, device, dtype)
            result, rate = _run_case(case, contest, peak, rounds)
            results.append(result)
            rates.append(rate)
    if progress is not None:
        progress(len(cases), len(cases), "done")
    machine = Machine(
        torch_version=torch.__version__,
        device=str(device),
        device_name=_device_name(device),
        dtype=str(dtype).removeprefix("torch."),
        num_threads=torch.get_num_threads(),
        cpu_capability=torch.backends.cpu.get_cpu_capability(),
        peak_macs_per_second=median(rates),
    )
    return BenchResult(machine=machine, rounds=rounds, cases=tuple(results))


def _run_case(
    case: BenchCase, contest: _Contest | PairContest, peak: PeakConvolution, rounds: int
) -> tuple[CaseResult, float]:
    """Return the figures of one case and the peak rate in the same rounds."""
    memory = PeakMemory(contest.clock.device)
    contest.stream()  # alone, so that on CUDA the published form's memory does not count
    peak_bytes = memory.bytes()
    ours, published, wide = interleave([contest.stream, contest.published, peak.seconds], rounds)
    rate = peak.macs / median(wide)
    seconds = median(ours)
    result = CaseResult(
        case=case,
        seconds_per_frame=seconds,
        published_seconds_per_frame=median(published),
        published_frames=contest.published_frames,
        # per round, so that a busy machine slows both
        ratio=median([p / o for p, o in zip(published, ours, strict=True)]),
        frames_per_second=1 / seconds,
        macs_per_frame=contest.macs,
        published_macs_per_frame=contest.published_macs,
        peak_share=contest.macs / seconds / rate,
        first_frame_seconds=median(contest.first_frame_seconds[-rounds:]),
        peak_bytes=peak_bytes,
    )
    return result, rate
