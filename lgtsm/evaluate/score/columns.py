"""The figures of one result as data: their labels and which way is better; no torch."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass
from types import MappingProxyType

_HIGHER, _LOWER, _NEAREST = True, False, None


@dataclass(frozen=True)
class Column:
    """One figure."""

    label: str
    text: str
    is_higher_better: bool | None
    """None: closest to the figure of the truth is best."""
    _: KW_ONLY
    digits: int = 2
    scale: float = 1.0
    """Factor of the displayed value."""
    needs_truth: bool = True


COLUMNS: MappingProxyType[str, Column] = MappingProxyType(
    {
        "psnr": Column(
            "PSNR hole, dB", "inside the hole, squared error pooled over the clip", _HIGHER
        ),
        "psnr_background": Column(
            "PSNR background, dB",
            "hole pixels that are not on the clip's own annotated moving object",
            _HIGHER,
        ),
        "psnr_moving": Column(
            "PSNR moving, dB", "hole pixels that are on it: no other frame shows them", _HIGHER
        ),
        "psnr_shown": Column(
            "PSNR shown, dB",
            "hole pixels that another frame shows, according to the renderer",
            _HIGHER,
        ),
        "psnr_frame": Column("PSNR frame, dB", "whole frame", _HIGHER),
        "ssim": Column("SSIM hole", "mean of the SSIM map over hole pixels", _HIGHER, digits=3),
        "ssim_frame": Column("SSIM frame", "mean over the whole frame", _HIGHER, digits=4),
        "perceptual": Column(
            "features x1000",
            "distance in SqueezeNet features, whole frame, every fourth frame; not LPIPS",
            _LOWER,
            digits=1,
            scale=1000,
        ),
        "lpips": Column("LPIPS", "Zhang et al. 2018, version 0.1", _LOWER, digits=4),
        "mse_published": Column(
            "MSE, published form",
            "whole frame, truncated to bytes as in the LGTSM paper's code",
            _LOWER,
            digits=5,
        ),
        "ssim_published": Column(
            "SSIM, published form",
            "whole frame, the Gaussian window covers channels, too",
            _HIGHER,
            digits=4,
        ),
        "warping": Column(
            "warping x1000",
            "squared difference to the previous frame, warped by the clean clip's flow, in the "
            "hole",
            _LOWER,
            scale=1000,
        ),
        "warping_background": Column(
            "warping background x1000",
            "the same on hole pixels that are not on the clip's own moving object",
            _LOWER,
            scale=1000,
        ),
        "flicker": Column(
            "flicker",
            "change over time inside the hole over that around it; 1 is equally steady",
            _NEAREST,
            needs_truth=False,
        ),
        "seam": Column(
            "seam",
            "contrast across the mask's border over that beside it; 1 is no seam",
            _NEAREST,
            needs_truth=False,
        ),
        "sharpness": Column(
            "sharpness",
            "mean Laplacian inside the hole over that around it; 1 is as sharp as the surroundings",
            _NEAREST,
            needs_truth=False,
        ),
        "sharpness_unseen": Column(
            "sharpness unseen",
            "the same where no frame shows what is behind the hole, over what surrounds that part",
            _NEAREST,
            needs_truth=False,
        ),
        "sharpness_truth": Column(
            "sharpness unseen, of truth",
            "mean Laplacian in that part over the truth's",
            _NEAREST,
        ),
        "flicker_unseen": Column(
            "flicker unseen",
            "change over time in that part over that around it",
            _NEAREST,
            needs_truth=False,
        ),
        "residual": Column(
            "residual",
            "fraction of the removed object's contrast that remains",
            _NEAREST,
            needs_truth=False,
        ),
        "seconds_per_frame": Column(
            "s/frame",
            "wall time of one single-threaded process, while others run",
            _NEAREST,
            needs_truth=False,
            digits=3,
        ),
    }
)
"""By name in the results."""
