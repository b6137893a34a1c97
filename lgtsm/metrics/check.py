"""Check one result: nothing changed outside the mask, and how the fill looks inside."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from ..errors import ShapeError
from ..options import CheckLimits
from .no_reference import Flicker, Residual, SeamContrast, widen

_ROUNDING = 1e-3
"""Rounding error of a difference of two whole levels in float32, in levels; an upper bound."""


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """Figures of one result; seam, flicker and residual are None where they are undefined."""

    frames: int
    size: tuple[int, int]
    """Width and height."""
    hole_area: float
    """Mean fraction of the picture that is hole, 0..1."""
    max_error_outside: float
    """Largest change outside the mask in levels of 255; infinite if any value is NaN."""
    pixels_changed_outside: int
    """Pixels outside the mask, over all frames, that changed by more than the tolerance."""
    seam_contrast: float | None
    """Contrast across the mask's border over that beside it; 1: no seam."""
    flicker: float | None
    """Change over time inside the hole over that around it; 1: as steady as the surroundings."""
    residual: float | None
    """Fraction of the removed object's contrast that remains; 0: none."""
    passed: bool
    summary: str
    """One sentence."""
    failures: tuple[str, ...] = ()
    """Limits that were not met, one phrase each."""

    def to_json(self) -> str:
        """Return the report as indented JSON; an infinite error becomes null."""
        values = asdict(self)
        if self.max_error_outside == float("inf"):
            values["max_error_outside"] = None
        return json.dumps(values, indent=2)


class Checker:
    """Check a result frame by frame in constant memory."""

    def __init__(self, limits: CheckLimits | None = None) -> None:
        """Start without frames.

        Args:
            limits: what must hold; None: bit-identical outside the mask.
        """
        self.limits = limits or CheckLimits()
        self._seam, self._flicker, self._residual = SeamContrast(), Flicker(), Residual()
        self._frames = self._changed = 0
        self._size = (0, 0)
        self._area = self._worst = 0.0
        self._finite, self._untouched = True, True

    def add(self, original: Tensor, result: Tensor, hole: Tensor) -> None:
        """Add the next frame.

        Args:
            original: (3,H,W) floating point in [0,1].
            result: (3,H,W), the filled frame.
            hole: (1,H,W), above 0.5 = hole: the mask that was used, after growing.

        Raises:
            ShapeError: the sizes differ.
        """
        if original.shape != result.shape or hole.shape != (1, *original.shape[1:]):
            raise ShapeError(
                f"Expected a result of {_shape(original)} and a mask of that size at frame "
                f"{self._frames}, got {_shape(result)} and {_shape(hole)}; compare clips of one "
                "size."
            )
        original, result = original.float(), result.to(original.device).float()
        hole = (hole.to(original.device) > 0.5).float()
        self._size = (original.shape[-1], original.shape[-2])
        self._frames += 1
        self._area += float(hole.mean())
        self._finite &= bool(torch.isfinite(result).all())
        outside = widen(hole, self.limits.margin)[0] == 0
        change = 255 * (result - original).abs().amax(0)
        change = torch.where(torch.isnan(change), torch.inf, change)[outside]
        if change.numel():
            self._worst = max(self._worst, float(change.max()))
        slack = _ROUNDING if self.limits.tolerance else 0.0
        self._changed += int((change > self.limits.tolerance + slack).sum())
        inside = hole[0] > 0
        if inside.any():
            self._untouched &= bool((result == original)[:, inside].all())
            self._seam.add(result, hole)
            self._residual.add(original, result, hole)
        self._flicker.add(result, hole)

    def report(self) -> CheckReport:
        """Return the figures of all frames so far.

        Raises:
            ShapeError: no frame was added.
        """
        if not self._frames:
            raise ShapeError("Expected at least one frame to check, got none; give a clip.")
        area = self._area / self._frames
        failures = self._failures(area)
        outside = (
            "bit for bit the same outside the mask"
            if self._worst == 0
            else f"outside the mask changed by at most {self._worst:.3g} of 255"
        )
        figures = "".join(
            f", {name} {value:.2f}"
            for name, value in (
                ("seam", self._seam.value),
                ("flicker", self._flicker.value),
                ("residual", self._residual.value),
            )
            if value is not None
        )
        verdict = "failed: " + "; ".join(failures) if failures else f"passed: {outside}"
        return CheckReport(
            frames=self._frames,
            size=self._size,
            hole_area=area,
            max_error_outside=self._worst,
            pixels_changed_outside=self._changed,
            seam_contrast=self._seam.value,
            flicker=self._flicker.value,
            residual=self._residual.value,
            passed=not failures,
            summary=f"{verdict} ({self._frames} frames, {area:.1%} hole{figures}).",
            failures=tuple(failures),
        )

    def _failures(self, area: float) -> list[str]:
        """Return the limits that are not met, one phrase each."""
        failures = []
        if not self._finite:
            failures.append("the result holds NaN or infinite values")
        if self._changed:
            failures.append(
                f"{self._changed} pixels outside the mask changed, by up to {self._worst:.3g} of 255"
            )
        if area > 0 and self._untouched:
            failures.append("nothing inside the mask changed")
        for name, value, limit in (
            ("seam contrast", self._seam.value, self.limits.max_seam),
            ("flicker", self._flicker.value, self.limits.max_flicker),
            ("residual", self._residual.value, self.limits.max_residual),
        ):
            if limit is not None and value is not None and value > limit:
                failures.append(f"{name} {value:.2f} is above {limit:g}")
        return failures


def check_result(
    original: Tensor, result: Tensor, mask_used: Tensor, limits: CheckLimits | None = None
) -> CheckReport:
    """Check the result of one job on a clip in memory.

    Args:
        original: (T,3,H,W) floating point in [0,1].
        result: (T,3,H,W), the filled clip.
        mask_used: (T,1,H,W) or (1,1,H,W), above 0.5 = hole: the mask after growing.
        limits: what must hold; None: bit-identical outside the mask.

    Returns:
        The figures and whether it passed.

    Raises:
        ShapeError: the sizes or lengths differ, or there is no frame.
    """
    if any(x.dim() != 4 for x in (original, result, mask_used)):
        raise ShapeError(
            "Expected clips (T,3,H,W) and a mask (T,1,H,W), got "
            f"{_shape(original)}, {_shape(result)} and {_shape(mask_used)}; add the missing axes."
        )
    if len(mask_used) == 1:
        mask_used = mask_used.expand(len(original), -1, -1, -1)
    if not len(original) == len(result) == len(mask_used):
        raise ShapeError(
            f"Expected as many results and masks as the {len(original)} frames, got {len(result)} "
            f"and {len(mask_used)}; compare clips of one length."
        )
    checker = Checker(limits)
    for frame, out, hole in zip(original, result, mask_used, strict=True):
        checker.add(frame, out, hole)
    return checker.report()


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape))
