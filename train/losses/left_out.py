"""What a run lacks where its recipe's feature losses have no network to measure them."""

from __future__ import annotations

from ..recipe import PixelLosses, RatioLosses
from .perceptual import PerceptualNet, distance_features

_FEATURE_LOSSES = ("perceptual", "style")


def left_out(losses: RatioLosses | PixelLosses, net: PerceptualNet | None) -> str:
    """Return one clause that names the losses and what their lack costs; empty where none lacks.

    Args:
        losses: of a stage.
        net: given with --perceptual; ratio losses need one that measures the perceptual distance.
    """
    weights = {name: getattr(losses, name, 0.0) for name in _FEATURE_LOSSES}
    wanted = [f"{name} (weight {weight:g})" for name, weight in weights.items() if weight]
    usable = net if isinstance(losses, PixelLosses) else distance_features(net)
    if not wanted or usable is not None:
        return ""
    given = "no feature network was given" if net is None else f"{net.name} measures no distance"
    return (
        f"{' and '.join(wanted)} left out of the losses, since {given}: fills come out softer, with "
        "less texture, and the best state is chosen by PSNR"
    )
