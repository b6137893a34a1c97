"""Check one result: nothing changed outside the mask, and how the fill looks inside."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from ..errors import ShapeError
from .limits import CheckLimits
from .no_reference import Flicker, Residual, SeamContrast, Sharpness, widen
from .outside import OutsideChange

_ROUNDING = 1e-3
"""Rounding error of a difference of two whole levels in float32, in levels; an upper bound."""
_MOST = 0.2
"""Share of known pixels that only an encoder changes; set by hand."""


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """Figures of one result; those of the fill are None where they are undefined."""

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
    sharpness: float | None
    """Fine detail inside the hole over that around it; 1: as sharp as the surroundings."""
    residual: float | None
    """Fraction of the removed object's contrast that remains; 0: none."""
    psnr_outside: float | None
    """PSNR to the source outside the mask in dB; None where nothing changed, or there is no such pixel."""
    psnr_encoded: float | None
    """PSNR of the encoded source there, in dB; None where the result was not compared with one."""
    passed: bool
    summary: str
    """One sentence: the verdict."""
    failures: tuple[str, ...] = ()
    """Limits that were not met, one phrase each."""
    unseen: float | None = None
    """Fraction of the hole that no frame shows, 0..1: what had to be invented; None: not asked for."""

    def to_json(self) -> str:
        """Return the report as indented JSON; an infinite error becomes null."""
        values = asdict(self)
        if self.max_error_outside == float("inf"):
            values["max_error_outside"] = None
        return json.dumps(values, indent=2)

    def to_text(self, **more: str) -> str:
        """Return the verdict in the first line, and a line for every figure.

        Args:
            more: further figures, by name.
        """
        width, height = self.size
        figures = {
            "frames": f"{self.frames} of {width}x{height}, {self.hole_area:.1%} masked",
            "outside the mask": self._outside(),
            "seam": _ratio(self.seam_contrast, "contrast across the border, 1 is none to be seen"),
            "flicker": _ratio(self.flicker, "change in time, 1 is as steady as the surroundings"),
            "sharpness": _ratio(self.sharpness, "fine detail, 1 is as sharp as the surroundings"),
            "residual": _ratio(self.residual, "left of the object's contrast, 0 is nothing"),
            **more,
        }
        if self.unseen is not None:
            figures["unseen"] = (
                f"no frame shows {self.unseen:.1%} of the mask: it is invented there"
            )
        lines = [f"  {name:<16}  {text}" for name, text in figures.items() if text]
        return "\n".join([self.summary, *lines])

    def _outside(self) -> str:
        if not self.max_error_outside:
            return "bit for bit the same"
        text = f"changed by at most {self.max_error_outside:.3g} of 255"
        if self.psnr_outside is not None:
            text += f", {self.psnr_outside:.1f} dB"
        if self.psnr_encoded is not None:
            text += f" (the source, encoded: {self.psnr_encoded:.1f} dB)"
        return text


class Checker:
    """Check a result frame by frame in constant memory."""

    def __init__(self, limits: CheckLimits | None = None) -> None:
        """Start without frames.

        Args:
            limits: what must hold; None: bit-identical outside the mask.
        """
        self.limits = limits or CheckLimits()
        self._seam, self._flicker, self._residual = SeamContrast(), Flicker(), Residual()
        self._sharpness = Sharpness()
        self._frames = self._changed = 0
        self._size = (0, 0)
        self._area = self._worst = 0.0
        self._finite, self._untouched = True, True
        self._outside, self._encoded = OutsideChange(), OutsideChange()
        self._is_encoded = False

    def add(
        self, original: Tensor, result: Tensor, hole: Tensor, encoded: Tensor | None = None
    ) -> None:
        """Add the next frame.

        Args:
            original: (3,H,W) floating point in [0,1].
            result: (3,H,W), the filled frame.
            hole: (1,H,W), above 0.5 = hole: the mask that was used, after growing.
            encoded: (3,H,W), the original as the encoder of a lossy result makes it: known pixels may
                then change as much as these do, and the tolerance is not used.

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
        beside = widen(hole, self.limits.margin)
        outside = beside[0] == 0
        self._outside.add(original, result, beside)
        if encoded is not None:
            self._is_encoded = True
            self._encoded.add(original, encoded.to(original), beside)
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
            self._sharpness.add(result, hole)
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
        return CheckReport(
            frames=self._frames,
            size=self._size,
            hole_area=area,
            max_error_outside=self._worst,
            pixels_changed_outside=self._changed,
            seam_contrast=self._seam.value,
            flicker=self._flicker.value,
            sharpness=self._sharpness.value,
            residual=self._residual.value,
            psnr_outside=_finite(self._outside.psnr),
            psnr_encoded=_finite(self._encoded.psnr) if self._is_encoded else None,
            passed=not failures,
            summary=f"Failed: {'; '.join(failures)}." if failures else self._praise(),
            failures=tuple(failures),
        )

    def _praise(self) -> str:
        """Return the verdict on a result that passed."""
        if self._worst == 0:
            return "Passed: nothing outside the mask changed."
        if not self._is_encoded:
            return f"Passed: outside the mask changed by at most {self._worst:.3g} of 255."
        return (
            "Passed: outside the mask changed only what encoding changes everywhere; --lossless "
            "writes a file that is exact there."
        )

    def _failures(self, area: float) -> list[str]:
        """Return the limits that are not met, one phrase each."""
        failures = []
        if not self._finite:
            failures.append("the result holds NaN or infinite values")
        if self._is_encoded:
            failures += filter(None, [self._outside.is_more_than(self._encoded)])
        elif self._changed:
            failures.append(
                f"{self._changed} pixels outside the mask changed, by up to {self._worst:.3g} of 255"
            )
            if self._changed > _MOST * self._outside.count:
                failures[-1] += (
                    ", as an encoder changes them (write --lossless, or set a tolerance)"
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


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _ratio(value: float | None, text: str) -> str:
    return "" if value is None else f"{value:.2f} ({text})"


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape))
