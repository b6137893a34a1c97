"""The figures of one result as data: their labels and which way is better; no torch."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, kw_only=True)
class Column:
    """One figure."""

    label: str
    text: str
    is_higher_better: bool | None
    """None: closest to the figure of the truth is best."""
    digits: int = 2
    scale: float = 1.0
    """Factor of the displayed value."""
    needs_truth: bool = True


COLUMNS: MappingProxyType[str, Column] = MappingProxyType(
    {
        "psnr": Column(
            label="PSNR hole, dB",
            text="inside the hole, squared error pooled over the clip",
            is_higher_better=True,
        ),
        "psnr_background": Column(
            label="PSNR background, dB",
            text="hole pixels that are not on the clip's own annotated moving object",
            is_higher_better=True,
        ),
        "psnr_moving": Column(
            label="PSNR moving, dB",
            text="hole pixels that are on it: no other frame shows them",
            is_higher_better=True,
        ),
        "psnr_shown": Column(
            label="PSNR shown, dB",
            text="hole pixels that another frame shows, according to the renderer",
            is_higher_better=True,
        ),
        "psnr_frame": Column(label="PSNR frame, dB", text="whole frame", is_higher_better=True),
        "ssim": Column(
            label="SSIM hole",
            text="mean of the SSIM map over hole pixels",
            is_higher_better=True,
            digits=3,
        ),
        "ssim_frame": Column(
            label="SSIM frame", text="mean over the whole frame", is_higher_better=True, digits=4
        ),
        "perceptual": Column(
            label="features x1000",
            text="distance in SqueezeNet features, whole frame, every fourth frame; not LPIPS",
            is_higher_better=False,
            digits=1,
            scale=1000,
        ),
        "lpips": Column(
            label="LPIPS", text="Zhang et al. 2018, version 0.1", is_higher_better=False, digits=4
        ),
        "mse_published": Column(
            label="MSE, published form",
            text="whole frame, truncated to bytes as in the LGTSM paper's code",
            is_higher_better=False,
            digits=5,
        ),
        "ssim_published": Column(
            label="SSIM, published form",
            text="whole frame, the Gaussian window covers channels, too",
            is_higher_better=True,
            digits=4,
        ),
        "warping": Column(
            label="warping x1000",
            text="squared difference to the previous frame, warped by the clean clip's flow, in the "
            "hole",
            is_higher_better=False,
            scale=1000,
        ),
        "warping_background": Column(
            label="warping background x1000",
            text="the same on hole pixels that are not on the clip's own moving object",
            is_higher_better=False,
            scale=1000,
        ),
        "flicker": Column(
            label="flicker",
            text="change over time inside the hole over that around it; 1 is equally steady",
            is_higher_better=None,
            needs_truth=False,
        ),
        "seam": Column(
            label="seam",
            text="contrast across the mask's border over that beside it; 1 is no seam",
            is_higher_better=None,
            needs_truth=False,
        ),
        "residual": Column(
            label="residual",
            text="fraction of the removed object's contrast that remains",
            is_higher_better=None,
            needs_truth=False,
        ),
        "seconds_per_frame": Column(
            label="s/frame",
            text="wall time of one single-threaded process, while others run",
            is_higher_better=None,
            needs_truth=False,
            digits=3,
        ),
    }
)
"""By name in the results."""
