"""All figures of one result; whatever depends on the case alone is computed once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from ...align.homography import to_grey
from ...align.opencv_flow import LEAST_SIDE, dis_flow
from ...metrics.fidelity import psnr, region_mean, squared_error, ssim_map
from ...metrics.no_reference import Flicker, Residual, SeamContrast, clip_flicker, clip_sharpness
from ...metrics.perceptual import SqueezeNetFeatures, distance_of_features, load_features
from ..metrics.i3d import I3D, MIN_FRAMES, Form, load_i3d, video_features
from ..metrics.lpips_distance import load_lpips
from ..metrics.opencv_baselines import has_opencv
from ..metrics.published import published_mse, published_ssim, to_bytes
from ..metrics.warping import visible, warping_error
from .cases import Material
from .results import Row
from .unseen import find_unseen

PERCEPTUAL_STEP = 4
"""Features are compared on every fourth frame: on all, they take three quarters of the time."""
_KEPT_FRAMES = 6
"""Frames of the truth whose features are cached for all methods: 28 MB each at 432x240."""
_SMALLEST_PX = 32
"""Smallest frame side that SqueezeNet accepts."""

I3D_KEY = "i3d"
"""Entry that holds I3D features, from which a run computes one distance per table."""


@dataclass(frozen=True, kw_only=True)
class NetworkPaths:
    """Networks behind optional columns; None leaves the column out."""

    perceptual: Path | None = None
    """SqueezeNet v1.0."""
    i3d: Path | None = None
    lpips: str | None = None
    """Backbone of the package lpips."""


@dataclass(frozen=True, kw_only=True)
class Networks:
    """The networks of `NetworkPaths`, loaded."""

    features: SqueezeNetFeatures | None = None
    i3d: I3D | None = None
    lpips: Callable[[Tensor, Tensor], Tensor] | None = None


def load_networks(paths: NetworkPaths) -> Networks:
    """Load the requested networks.

    Raises:
        WeightsError: a file cannot be used; OptionError: lpips is not installed.
    """
    return Networks(
        features=None if paths.perceptual is None else load_features(paths.perceptual),
        i3d=None if paths.i3d is None else load_i3d(paths.i3d),
        lpips=None if paths.lpips is None else load_lpips(paths.lpips),
    )


class Evaluator:
    """Measure the results of one case."""

    def __init__(self, material: Material, networks: Networks, *, publishes: bool = False) -> None:
        """Compute what all results share.

        Args:
            material: the case.
            networks: networks behind optional columns.
            publishes: add the figures of the LGTSM paper's tables as its code computes them.
        """
        self.material, self.networks, self.publishes = material, networks, publishes
        self.features = networks.features
        self._truth_taps: list[list[Tensor]] | None = None
        self._backward: Tensor | None = None
        self._visible: Tensor | None = None
        self._unseen = find_unseen(material.masked, material.holes)
        truth = material.truth
        if truth is not None and has_opencv() and min(truth.shape[-2:]) >= LEAST_SIDE:
            grey = to_grey(truth)
            self._backward = dis_flow(grey[1:], grey[:-1])
            self._visible = visible(self._backward, dis_flow(grey[:-1], grey[1:]))
        small = min(material.frames.shape[-2:]) < _SMALLEST_PX
        if truth is None or small:
            self.features = None

    @torch.inference_mode()
    def measure(self, result: Tensor) -> Row:
        """Return all figures of a result; None where one is undefined.

        Args:
            result: (T,3,H,W) in [0,1], the frames with the fill inside the hole.
        """
        figures = self._no_reference(result)
        if self.material.truth is not None:
            figures |= self._fidelity(result, self.material.truth)
        return figures

    def _no_reference(self, result: Tensor) -> Row:
        seam, flicker, residual = SeamContrast(), Flicker(), Residual()
        material = self.material
        for before, after, hole in zip(material.frames, result, material.holes, strict=True):
            seam.add(after, hole)
            flicker.add(after, hole)
            residual.add(before, after, hole)
        return {
            "seam": seam.value,
            "flicker": flicker.value,
            "flicker_unseen": clip_flicker(result, self._unseen),
            "sharpness": clip_sharpness(result, material.holes).value,
            "sharpness_unseen": clip_sharpness(result, self._unseen).value,
            "residual": residual.value,
        }

    def _fidelity(self, result: Tensor, truth: Tensor) -> Row:
        holes, own = self.material.holes, self.material.own
        background = None if own is None else holes * (1 - own)
        error = squared_error(result, truth)
        figures: Row = {
            "psnr": _psnr(region_mean(error, holes)),
            "psnr_frame": _psnr(region_mean(error)),
            "psnr_background": None if own is None else _psnr(region_mean(error, background)),
            "psnr_moving": None if own is None else _psnr(region_mean(error, holes * own)),
        }
        if self.material.shown is not None:
            figures["psnr_shown"] = _psnr(region_mean(error, self.material.shown))
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
            figures["ssim_published"] = _mean([published_ssim(a, b) for a, b in pairs])
        if self.networks.i3d is not None and len(result) >= MIN_FRAMES:
            figures[I3D_KEY] = {
                form.value: video_features(self.networks.i3d, result, form).tolist()
                for form in Form
            }
        figures["warping"] = self._warping(result, holes)
        figures["warping_background"] = self._warping(result, background)
        figures["sharpness_truth"] = clip_sharpness(result, self._unseen).relative_to(
            clip_sharpness(truth, self._unseen)
        )
        figures["psnr_by_frame"] = [
            _psnr(region_mean(e, h)) for e, h in zip(error, holes, strict=True)
        ]
        return figures

    def _warping(self, result: Tensor, where: Tensor | None) -> float | None:
        if self._backward is None or where is None:
            return None
        return warping_error(result, where, self._backward, self._visible)

    def _perceptual(self, result: Tensor, truth: Tensor) -> float | None:
        if self.features is None:
            return None
        taps = self._truth_taps
        if taps is None:
            taps = (self.features(frame[None]) for frame in truth[::PERCEPTUAL_STEP])
        if self._truth_taps is None and len(truth) <= _KEPT_FRAMES * PERCEPTUAL_STEP:
            taps = self._truth_taps = list(taps)
        distances = [
            # frame by frame: the features of a clip exceed the CPU's cache, which is four times slower
            float(distance_of_features(self.features(frame[None]), wanted))
            for frame, wanted in zip(result[::PERCEPTUAL_STEP], taps, strict=True)
        ]
        return _mean(distances)


def _psnr(mse: float | None) -> float | None:
    return None if mse is None else psnr(mse)


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
