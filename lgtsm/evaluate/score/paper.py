"""The published figures as data: Chang et al. 2019 (BMVC, arXiv 1907.01131), tables 1 and 2; no torch."""

from __future__ import annotations

from types import MappingProxyType

PUBLISHED_METHODS = ("TCCDS", "EC", "CombCN", "3DGated", "LGTSM")

TABLE_1: MappingProxyType[tuple[str, str, str], tuple[str, ...]] = MappingProxyType(
    {
        ("FaceForensics", "MSE", "curve"): ("0.0031*", "0.0022", "0.0012", "0.0008", "0.0012"),
        ("FaceForensics", "MSE", "object"): ("0.0096*", "0.0074", "0.0047", "0.0048", "0.0053"),
        ("FaceForensics", "MSE", "box"): ("0.0055", "0.0019", "0.0016", "0.0018", "0.0020"),
        ("FaceForensics", "LPIPS", "curve"): ("0.0566*", "0.0562", "0.0483", "0.0276", "0.0352"),
        ("FaceForensics", "LPIPS", "object"): ("0.1240*", "0.0761", "0.1353", "0.0743", "0.0770"),
        ("FaceForensics", "LPIPS", "box"): ("0.1260", "0.0335", "0.0708", "0.0395", "0.0432"),
        ("FaceForensics", "FID", "curve"): ("1.281*", "0.848", "0.704", "0.472", "0.601"),
        ("FaceForensics", "FID", "object"): ("1.107*", "0.946", "0.913", "0.766", "0.782"),
        ("FaceForensics", "FID", "box"): ("1.013", "0.663", "0.742", "0.663", "0.681"),
        ("FVI", "MSE", "curve"): ("0.0220*", "0.0048", "0.0021", "0.0025", "0.0028"),
        ("FVI", "MSE", "object"): ("0.0110*", "0.0075", "0.0048", "0.0056", "0.0065"),
        ("FVI", "LPIPS", "curve"): ("0.2838*", "0.1204", "0.0795", "0.0522", "0.0569"),
        ("FVI", "LPIPS", "object"): ("0.2595*", "0.1398", "0.2054", "0.1078", "0.1086"),
        ("FVI", "FID", "curve"): ("2.1052*", "1.0334", "0.7669", "0.6096", "0.6436"),
        ("FVI", "FID", "object"): ("1.2979*", "1.0754", "1.0908", "0.9050", "0.9323"),
    }
)
"""(data set, measure, holes) to the figures of `PUBLISHED_METHODS`; lower is better.

A star: averaged over the clips on which the method succeeded. FVI rows average seven coverage bins.
"""

SPEED: tuple[str, ...] = ("0.05 (CPU)", "55", "120", "23", "80")
"""Frames per second, as published, on the authors' GPU."""

TABLE_2_HEAD = ("network", "gated", "GAN", "LPIPS", "FID", "parameters (G + D)")
TABLE_2: tuple[tuple[str, ...], ...] = (
    ("3-D convolution", "yes", "yes", "0.1209", "1.034", "36M + 18M"),
    ("fixed shift, widened", "no", "yes", "0.2048", "1.303", "12M + 6M"),
    ("fixed shift", "yes", "no", "0.1660", "1.198", "12M"),
    ("fixed shift (GTSM)", "yes", "yes", "0.1256", "1.091", "12M + 6M"),
    ("learnable shift (LGTSM)", "yes", "yes", "0.1213", "1.039", "12M + 6M"),
)
"""The ablation on FVI with object-like masks; lower is better."""
