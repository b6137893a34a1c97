"""Bench cases and presets as data; no torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType

from ...box import Box
from ...errors import OptionError
from ...models.neighbour_spec import NEIGHBOURS, AnySpec, CpnSpec
from ...models.spec import FAMILIES, PAINTERS, NetworkSpec

PAIRWISE = (*NEIGHBOURS, *PAINTERS)
"""Families that read a frame and its references, at their published sizes."""


@dataclass(frozen=True, kw_only=True)
class BenchCase:
    """One size, width and hole; the weights are random, as speed does not depend on them."""

    height: int
    width: int
    """Frame size in pixels, multiples of 4."""
    base_width: int = 32
    """Channels of the network's first layer; the families in `PAIRWISE` have their own."""
    hole_ratio: float = 1.0
    """Fraction of the frame that is hole (above 0 to 1); 1: dense."""
    chunk: int = 4
    """Frames computed together (1 to 64); one where families read references."""
    num_frames: int = 24
    """Length of the clip, which is one shot; how often families that read references run."""
    family: str = "lgtsm"
    target: float | None = None
    """Speed this project aims at, as a multiple of the published form's; None: no target."""

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            OptionError: a value is outside its range.
        """
        fits = (
            self.height % 4 == 0 < self.height
            and self.width % 4 == 0 < self.width
            and 0 < self.hole_ratio <= 1
            and 1 <= self.chunk <= 64
            and min(self.num_frames, self.base_width) >= 1
            and self.family in (*FAMILIES, *PAIRWISE)
        )
        if not fits:
            raise OptionError(
                "Expected a bench case with sides that are multiples of 4, a hole ratio of 0..1, a "
                f"chunk of 1..64, 1 or more frames and channels and a known family, got {self}; correct "
                "it."
            )

    @property
    def name(self) -> str:
        """Short name for tables."""
        hole = "dense" if self.hole_ratio == 1 else f"{self.hole_ratio:.0%} hole"
        if self.family in PAIRWISE:
            return f"{self.width}x{self.height} {self.family}"
        family = "" if self.family == "lgtsm" else f" {self.family}"
        return f"{self.width}x{self.height} nf {self.base_width} {hole}{family}"

    @property
    def network(self) -> AnySpec:
        """The network, of any family."""
        if self.family == CpnSpec.family:
            return CpnSpec(whole=False)  # what the engine runs of it
        if self.family in NEIGHBOURS:
            return NEIGHBOURS[self.family]()
        return PAINTERS.get(self.family) or self.spec

    @property
    def spec(self) -> NetworkSpec:
        """The network of a family that streams."""
        spec = FAMILIES[self.family]
        return replace(spec, trunk=replace(spec.trunk, width=self.base_width))

    @property
    def hole(self) -> Box:
        """The hole of every frame: a centred box with the aspect ratio of the frame."""
        share = self.hole_ratio**0.5
        height, width = round(self.height * share), round(self.width * share)
        top, left = (self.height - height) // 2, (self.width - width) // 2
        return Box(top, left, top + height, left + width)


_SIZES = ((128, 128), (180, 320), (240, 432), (360, 640), (720, 1280), (1080, 1920))
_LARGE_ROWS = 700
"""From this height on the chunk is 2 frames instead of 4, as the engine would choose."""
_START = BenchCase(height=180, width=320, hole_ratio=0.08)
_SWEEPS = {
    "sizes": tuple(
        replace(_START, height=h, width=w, chunk=2 if h >= _LARGE_ROWS else 4) for h, w in _SIZES
    ),
    "areas": tuple(
        replace(_START, height=360, width=640, hole_ratio=ratio)
        for ratio in (0.01, 0.02, 0.05, 0.1, 0.2, 0.3)
    ),
    "lengths": tuple(replace(_START, base_width=16, num_frames=n) for n in (16, 64, 250, 1000)),
}


def _full() -> tuple[BenchCase, ...]:
    """Return sizes by widths, then whole frames, hole ratios, chunks and families."""
    start, widths = replace(_START, hole_ratio=1.0), (16, 32, 64)
    cases = [replace(case, base_width=nf) for case in _SWEEPS["sizes"] for nf in widths]
    cases += [replace(start, base_width=nf) for nf in widths]
    cases += [
        replace(start, height=360, width=640, hole_ratio=ratio)
        for ratio in (0.01, 0.02, 0.08, 0.2, 0.3)
    ]
    cases += [replace(start, chunk=chunk, num_frames=80) for chunk in (4, 8, 16, 32, 64)]
    cases += [
        replace(_START, family=family, base_width=16) for family in FAMILIES if family != "lgtsm"
    ]
    return tuple(dict.fromkeys(cases))


def _families() -> tuple[BenchCase, ...]:
    """Return every published network at one size: streams with whole frames and small holes."""
    widths = {"lgtsm": 32, "gtsm": 32, "tsm": 32, "gated3d": 32, "gated3d_skips": 32, "combcn": 16}
    streamed = tuple(
        BenchCase(height=180, width=320, base_width=width, family=family, hole_ratio=hole)
        for family, width in widths.items()
        for hole in (1.0, 0.08)
    )
    return streamed + _NEIGHBOURS


# 184 rows: guided inpainting needs multiples of 8
_NEIGHBOURS = tuple(
    BenchCase(height=184, width=320, family=name, hole_ratio=0.08, chunk=1, num_frames=1)
    for name in PAIRWISE
)
PRESETS: MappingProxyType[str, tuple[BenchCase, ...]] = MappingProxyType(
    {
        "quick": (
            BenchCase(height=128, width=128, base_width=32, num_frames=20),
            BenchCase(height=180, width=320, base_width=16, hole_ratio=0.08, num_frames=20),
        ),
        "targets": (
            BenchCase(height=180, width=320, base_width=32, target=2.0),
            BenchCase(height=180, width=320, base_width=64, target=1.7),
            BenchCase(height=180, width=320, base_width=32, hole_ratio=0.08, target=3.2),
            BenchCase(height=360, width=640, base_width=32, hole_ratio=0.08, target=4.8),
        ),
        "families": _families(),
        "neighbours": _NEIGHBOURS,
        "full": _full(),
        **_SWEEPS,
    }
)
"""quick: a few minutes on two cores; targets: the speeds this project promises; families: every
published network at half its width (CombCN at its only one); neighbours: of them, those that read references;
full: all axes; sizes: 128x128 to
1920x1080; areas: holes of 1 to 30 %; lengths: 16 to 1000 frames."""
