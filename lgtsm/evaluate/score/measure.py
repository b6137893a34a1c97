"""All figures of one result; what depends on the case alone is computed once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ...align.homography import to_grey
from ...align.opencv_flow import LEAST_SIDE, dis_flow
from ...metrics.fidelity import psnr, region_mean, squared_error, ssim_map
from ...metrics.flicker import Flicker
from ...metrics.perceptual import SqueezeNetFeatures, distance_of_features, load_features
from ...metrics.residual import Residual
from ...metrics.seam import SeamContrast
from ..metrics.i3d import I3D, MIN_FRAMES, Form, load_i3d, video_features
from ..metrics.lpips import load_lpips
from ..metrics.opencv_baselines import has_opencv
from ..metrics.published import has_scipy, published_mse, published_ssim, to_bytes
from ..metrics.warping import visible, warping_error
from .cases import Material

PERCEPTUAL_STEP = 4
"""Every so many frames the features are compared: three quarters of the time otherwise."""
_KEPT_FRAMES = 6
"""Frames of the truth whose features are kept for the next method: 28 MB each at 432x240."""
_SMALLEST_PX = 32
"""SqueezeNet needs this many pixels a side."""

Figures = dict[str, object]
I3D_KEY = "i3d"
"""Figures under this name are features, of which a run makes one distance a table."""


@dataclass(frozen=True, kw_only=True)
class NetworkPaths:
    """Networks that measure; each is left out where it is None."""

    perceptual: Path | None = None
    """SqueezeNet v1.0."""
    i3d: Path | None = None
    lpips: str | None = None
    """Backbone of the package lpips."""


@dataclass(frozen=True, kw_only=True)
class Networks:
    """The same, loaded."""

    features: SqueezeNetFeatures | None = None
    i3d: I3D | None = None
    lpips: Callable[[Tensor, Tensor], Tensor] | None = None


def load_networks(paths: NetworkPaths) -> Networks:
    """Load what is asked for.

    Raises:
        WeightsError: a file that cannot be used; OptionError: lpips is not installed.
    """
    return Networks(
        features=None if paths.perceptual is None else load_features(paths.perceptual),
        i3d=None if paths.i3d is None else load_i3d(paths.i3d),
        lpips=None if paths.lpips is None else load_lpips(paths.lpips),
    )


class Ruler:
    """Measure results of one case."""

    def __init__(self, material: Material, networks: Networks, *, publishes: bool = False) -> None:
        """Compute what all results share.

        Args:
            material: the case.
            networks: what measures distances in features.
            publishes: add the figures of the LGTSM paper's tables as its code computes them.
        """
        self.material, self.networks, self.publishes = material, networks, publishes
        self.features = networks.features
        self._truth_taps: list[list[Tensor]] | None = None
        self._backward: Tensor | None = None
        self._seen: Tensor | None = None
        truth = material.truth
        if truth is not None and has_opencv() and min(truth.shape[-2:]) >= LEAST_SIDE:
            grey = to_grey(truth)
            self._backward = dis_flow(grey[1:], grey[:-1])
            self._seen = visible(self._backward, dis_flow(grey[:-1], grey[1:]))
        small = min(material.frames.shape[-2:]) < _SMALLEST_PX
        if truth is None or small:
            self.features = None

    @torch.inference_mode()
    def measure(self, result: Tensor) -> Figures:
        """Return every figure of a result; None where it cannot be had.

        Args:
            result: (T,3,H,W) in [0,1], filled and put into the frames.
        """
        figures = self._steadiness(result)
        if self.material.truth is not None:
            figures |= self._fidelity(result, self.material.truth)
        return figures

    def _steadiness(self, result: Tensor) -> Figures:
        seam, flicker, residual = SeamContrast(), Flicker(), Residual()
        material = self.material
        for before, after, hole in zip(material.frames, result, material.holes, strict=True):
            seam.add(after, hole)
            flicker.add(after, hole)
            residual.add(before, after, hole)
        return {"seam": seam.value, "flicker": flicker.value, "residual": residual.value}

    def _fidelity(self, result: Tensor, truth: Tensor) -> Figures:
        holes, own = self.material.holes, self.material.own
        regions = {"psnr": holes, "psnr_frame": None}
        if own is not None:
            regions |= {"psnr_background": holes * (1 - own), "psnr_moving": holes * own}
        if self.material.shown is not None:
            regions["psnr_shown"] = self.material.shown
        error = squared_error(result, truth)
        figures: Figures = {
            name: _psnr(region_mean(error, where)) for name, where in regions.items()
        }
        if own is None:
            figures |= {"psnr_background": None, "psnr_moving": None}
        similarity = torch.cat(
            [ssim_map(a[None], b[None]) for a, b in zip(result, truth, strict=True)]
        )
        figures["ssim_frame"] = float(similarity.mean())
        figures["ssim"] = float(similarity[holes > 0].mean()) if holes.any() else None
        figures["perceptual"] = self._perceptual(result, truth)
        lpips = self.networks.lpips
        figures["lpips"] = None if lpips is None else float(lpips(result, truth).mean())
        if self.publishes:
            pairs = list(zip(to_bytes(result), to_bytes(truth), strict=True))
            figures["mse_published"] = _mean([published_mse(a, b) for a, b in pairs])
            similar = [published_ssim(a, b) for a, b in pairs] if has_scipy() else None
            figures["ssim_published"] = None if similar is None else _mean(similar)
        if self.networks.i3d is not None and len(result) >= MIN_FRAMES:
            figures[I3D_KEY] = {
                form.value: video_features(self.networks.i3d, result, form).tolist()
                for form in Form
            }
        still = None if own is None else holes * (1 - own)
        figures |= {
            "warping": self._warping(result, holes),
            "warping_background": self._warping(result, still),
        }
        figures["psnr_by_frame"] = [
            _psnr(region_mean(e, h)) for e, h in zip(error, holes, strict=True)
        ]
        return figures

    def _warping(self, result: Tensor, where: Tensor | None) -> float | None:
        if self._backward is None or where is None:
            return None
        return warping_error(result, where, self._backward, self._seen)

    def _perceptual(self, result: Tensor, truth: Tensor) -> float | None:
        if self.features is None:
            return None
        taps = self._truth_taps
        if taps is None:
            taps = (self.features(frame[None]) for frame in truth[::PERCEPTUAL_STEP])
        if self._truth_taps is None and len(truth) <= _KEPT_FRAMES * PERCEPTUAL_STEP:
            taps = self._truth_taps = list(taps)
        distances = [
            # frame by frame: the taps of a clip do not fit the cache, four times slower
            float(distance_of_features(self.features(frame[None]), wanted))
            for frame, wanted in zip(result[::PERCEPTUAL_STEP], taps, strict=True)
        ]
        return sum(distances) / len(distances)


def _psnr(mse: float | None) -> float | None:
    return None if mse is None else psnr(mse)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
