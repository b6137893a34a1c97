"""What is measured, as data; no torch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from types import MappingProxyType

from ...box import Box
from ...errors import OptionError
from ...models.spec import FAMILIES, NetworkSpec


@dataclass(frozen=True, kw_only=True)
class BenchCase:
    """One size, width and hole.

    Weights are random: speed does not depend on them.
    """

    height: int
    width: int
    """Frame size in pixels, multiples of 4."""
    base_width: int = 32
    """Channels of the network's first layer."""
    hole_ratio: float = 1.0
    """Share of the frame that is hole (above 0 to 1); 1 is dense."""
    chunk: int = 4
    """Frames computed together (1 to 64)."""
    num_frames: int = 24
    """Length of the clip, one shot."""
    family: str = "lgtsm"
    target: float | None = None
    """Speed, as a multiple of the published form, that this project set itself; None: no target."""

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            OptionError: a value lies outside its range.
        """
        fits = (
            self.height % 4 == 0 < self.height
            and self.width % 4 == 0 < self.width
            and 0 < self.hole_ratio <= 1
            and 1 <= self.chunk <= 64
            and min(self.num_frames, self.base_width) >= 1
            and self.family in FAMILIES
        )
        if not fits:
            raise OptionError(
                "Expected a bench case with sides that are multiples of 4, a hole of 0..1, a chunk "
                f"of 1..64, a frame and a channel or more and a known family, got {self}; correct it."
            )

    @property
    def name(self) -> str:
        """Return a short name for tables."""
        hole = "dense" if self.hole_ratio == 1 else f"{self.hole_ratio:.0%} hole"
        family = "" if self.family == "lgtsm" else f" {self.family}"
        return f"{self.width}x{self.height} nf {self.base_width} {hole}{family}"

    @property
    def spec(self) -> NetworkSpec:
        """Return the network."""
        spec = FAMILIES[self.family]
        return replace(spec, trunk=replace(spec.trunk, width=self.base_width))

    @property
    def hole(self) -> Box:
        """Return the hole: a box in the centre with the same share of both sides, in every frame."""
        share = self.hole_ratio**0.5
        height, width = round(self.height * share), round(self.width * share)
        top, left = (self.height - height) // 2, (self.width - width) // 2
        return Box(top, left, top + height, left + width)


def _sweep() -> tuple[BenchCase, ...]:
    """Return the cases of the largest preset: sizes and widths, then holes, chunks, families."""
    sizes = ((128, 128), (180, 320), (240, 432), (360, 640), (720, 1280), (1080, 1920))
    holes = (0.01, 0.02, 0.08, 0.2, 0.3)
    start = BenchCase(height=180, width=320)
    cases = [
        replace(start, height=h, width=w, base_width=nf, hole_ratio=0.08, chunk=4 if h < 700 else 2)
        for h, w in sizes
        for nf in (16, 32, 64)
    ]
    cases += [replace(start, base_width=nf) for nf in (16, 32, 64)]
    cases += [replace(start, height=360, width=640, hole_ratio=hole) for hole in holes]
    cases += [replace(start, chunk=chunk, num_frames=80) for chunk in (4, 8, 16, 32, 64)]
    cases += [
        replace(start, family=family, base_width=16, hole_ratio=0.08)
        for family in FAMILIES
        if family != "lgtsm"
    ]
    return tuple(dict.fromkeys(cases))


def _families() -> tuple[BenchCase, ...]:
    """Return every published network at one size, whole frames and small holes."""
    widths = {"lgtsm": 32, "gtsm": 32, "tsm": 32, "gated3d": 32, "gated3d_skips": 32, "combcn": 16}
    return tuple(
        BenchCase(height=180, width=320, base_width=width, family=family, hole_ratio=hole)
        for family, width in widths.items()
        for hole in (1.0, 0.08)
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
        "full": _sweep(),
    }
)
"""quick: under a minute on two cores; targets: the figures this project promises; families: every
published network at half its width (CombCN at its only one); full: a sweep."""
