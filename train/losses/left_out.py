"""What a run lacks where its recipe's feature losses have no network to measure them."""

from __future__ import annotations

from ..recipe import HallucinatingLosses, Losses, RatioLosses
from .perceptual import PerceptualNet, Vgg16, distance_features

_FEATURE_LOSSES = ("perceptual", "style")


def left_out(losses: Losses, net: PerceptualNet | None) -> str:
    """Return one clause that names the losses and what their lack costs; empty where none lacks.

    Args:
        losses: of a stage.
        net: given with --perceptual; ratio losses need one that measures the perceptual distance, those of
            CHN need VGG-16.
    """
    weights = {name: getattr(losses, name, 0.0) for name in _FEATURE_LOSSES}
    wanted = [f"{name} (weight {weight:g})" for name, weight in weights.items() if weight]
    lacks = ""
    if net is None:
        lacks = "no feature network was given"
    elif isinstance(losses, RatioLosses) and distance_features(net) is None:
        lacks = f"{net.name} measures no distance"
    elif isinstance(losses, HallucinatingLosses) and not isinstance(net, Vgg16):
        lacks = f"{net.name} is not VGG-16"
    if not wanted or not lacks:
        return ""
    return (
        f"{' and '.join(wanted)} left out of the losses, since {lacks}: fills come out softer, with "
        "less texture, and the best state is chosen by PSNR"
    )
